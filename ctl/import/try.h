/* SPDX-License-Identifier: Apache-2.0
 *
 * try.h - every server started once in its final jail, and asked for its tools
 */
#ifndef CTL_IMPORT_TRY_H
#define CTL_IMPORT_TRY_H

#include "ctl/import/server.h"

/* Fills in the tools of those that are new or changed; who does not start is left out, with its last line and the
 * setting to change.  0, or an exit code, said, when no gateway could be had. */
must_check int	try_servers(struct import *im);

#endif
