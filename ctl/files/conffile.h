/* SPDX-License-Identifier: Apache-2.0
 *
 * conffile.h - edits of mcpgw.conf that keep comments, order and everything else as it was
 */
#ifndef CTL_FILES_CONFFILE_H
#define CTL_FILES_CONFFILE_H

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/span.h"

/* Appends `text` with this parameter set to `value`, or, with value.p NULL, no longer set.  The setting that
 * counts, which is the last one, is changed where it stands; earlier ones go, as they mean nothing.  A new
 * one comes behind all else.  0 with *changed, or E_TOOBIG, E_NOMEM. */
must_check int	conffile_set(struct span text, struct span name, struct span value, struct buf *to, bool *changed);

#endif
