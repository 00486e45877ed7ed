/* SPDX-License-Identifier: Apache-2.0
 *
 * child.h - mcpgw-compile as the master's child
 */
#ifndef POLICY_COMPILER_CHILD_H
#define POLICY_COMPILER_CHILD_H

#include "policy/compiler/job.h"

/* Speaks on HERITAGE_CONTROL: takes the job, does it with j (config_dir, options set), hands over what
 * it made.  Answers the exit code. */
int	child_run(struct job *j);

#endif
