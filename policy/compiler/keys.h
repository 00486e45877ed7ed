/* SPDX-License-Identifier: Apache-2.0
 *
 * keys.h - the store's dump to the keys snapshot
 */
#ifndef POLICY_COMPILER_KEYS_H
#define POLICY_COMPILER_KEYS_H

#include "policy/build.h"

/* `dump` is a SNAP_DUMP, or anything of no length (there is no store yet).  Fills *out with a new
 * build of kind SNAP_KEYS: KEY sorted by digest.  Reads no text file.  Errors of snap_map(), E_FORMAT,
 * E_NOMEM, E_FULL. */
must_check int	keys_make(int dump, struct build **out);

#endif
