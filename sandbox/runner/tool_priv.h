/* SPDX-License-Identifier: Apache-2.0
 *
 * tool_priv.h - what tool.c and pipes.c share
 */
#ifndef SANDBOX_RUNNER_TOOL_PRIV_H
#define SANDBOX_RUNNER_TOOL_PRIV_H

#include "sandbox/runner/jail_end.h"
#include "sandbox/runner/tool.h"

#define TOOL_MAGIC	0x700100f1u

/* pipes.c.  Takes `in`; out and err are in *t. */
must_check int	tool_pipes_init(struct tool *t, int in);
void		tool_listener_init(struct tool *t, int fd);
/* Reads on, or not, as memory and the tool's own reading allow. */
void		tool_arm_out(struct tool *t);
/* Brings runner.held_bytes up to date with the line being read. */
void		tool_count_lines(struct tool *t);
/* Brings runner.reply_bytes up to date with the feed. */
void		tool_count_replies(struct tool *t);
/* What a dead tool has left in stdout and stderr. */
void		tool_drain(struct tool *t);

#endif
