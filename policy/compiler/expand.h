/* SPDX-License-Identifier: Apache-2.0
 *
 * expand.h - $other_name and ${ENV} in the values of mcpgw.conf
 */
#ifndef POLICY_COMPILER_EXPAND_H
#define POLICY_COMPILER_EXPAND_H

#include "policy/compiler/job.h"

enum expand_state { EXPAND_NOT_YET, EXPAND_RUNNING, EXPAND_DONE };	/* setting.state */

/* Gives every setting its value.  Cycles, unknown names and unset variables are errors. */
void	expand_all(struct job *j);

/* Says something about a setting at its place, its name in front. */
void	setting_error(struct job *j, unsigned id, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

#endif
