/* SPDX-License-Identifier: Apache-2.0
 *
 * auditask.h - a question to the audit, with a gateway or without one
 */
#ifndef CTL_AUDITASK_H
#define CTL_AUDITASK_H

#include <sys/types.h>

#include "ctl/ask.h"

#define AUDITASK_ARGS_MAX	32

struct auditask {
	struct ask	a;		/* the gateway asks for us; or */
	pid_t		pid;		/* we asked ourselves */
};

/* `args` are options of mcpgw-audit --query.  Records come to `out`, one JSON object a line (audit/auditor/row.h),
 * while the question is being answered: read it to its end before auditask_wait().  `out` stays the caller's, who
 * closes it, or the end never comes.  0, or the exit code; what is wrong was said. */
int	auditask_start(struct ctl *ctl, uint32_t command, const char *const *args, size_t count, int out,
	    struct auditask *ask);
/* The exit code. */
int	auditask_wait(struct auditask *ask);

#endif
