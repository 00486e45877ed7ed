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
/* A tenant's file of the same form: settings of its own in the place of those, as far as they may be. */
void	mainconf_tenant_read(struct job *j, const char *path);

#endif
