/* SPDX-License-Identifier: Apache-2.0
 *
 * kv_check.h - whether the files of durable tables can be believed
 */
#ifndef LIB_KV_CHECK_H
#define LIB_KV_CHECK_H

#include <stddef.h>

#include "lib/err.h"

/* Has a child read the files of an environment as kv_open() would be asked to, within a third of a second: of large
 * ones the newest part of each database.  The caller has the writer's lock, and no threads.
 * E_FORMAT: a page is not what it should be.  0: nothing was found, or there was nothing to look at. */
must_check int	kv_check_files(const char *path, const char *const *names, unsigned count, size_t map_bytes);

#endif
