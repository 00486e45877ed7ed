/* SPDX-License-Identifier: Apache-2.0
 *
 * approve.h - the definitions of tools that a plan was made of, and no others, are approved
 */
#ifndef CTL_IMPORT_APPROVE_H
#define CTL_IMPORT_APPROVE_H

#include "ctl/import/server.h"

/* What that gateway has seen of the server: its tools are kept as the server lists them; of those that something is
 * wrong with, and that are not shown, a note says so. */
void	approve_take(struct import *im, struct ctl *from, struct import_server *s);
/* The gateway takes them for approved.  0 or an exit code, said. */
int	approve_shown(struct import *im);

#endif
