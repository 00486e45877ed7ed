/* SPDX-License-Identifier: Apache-2.0
 *
 * mainconf.h - mcpgw.conf(5): `name = value`, and the other places a parameter may come from
 */
#ifndef POLICY_COMPILER_MAINCONF_H
#define POLICY_COMPILER_MAINCONF_H

#include "policy/compiler/job.h"

/* Reads mcpgw.conf, the *.conf files of mcpgw.conf.d, the environment's MCPGW_NAME and -o, in this order, later ones
 * winning; expands, checks, fills job->settings and the PARAM section. */
void	mainconf_read(struct job *j);

#endif
