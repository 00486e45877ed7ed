/* SPDX-License-Identifier: Apache-2.0
 *
 * tools.h - tools_dir: one server for each file, programs as its tools
 */
#ifndef POLICY_COMPILER_TOOLS_H
#define POLICY_COMPILER_TOOLS_H

#include "policy/compiler/job.h"

/* Adds their SERVERs and PROFILEs; after those of servers.json, whose names they may not have. */
void	tools_read(struct job *j);
/* The texts; after all that names places in them. */
void	tools_close(struct job *j);

#endif
