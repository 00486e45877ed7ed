/* SPDX-License-Identifier: Apache-2.0
 *
 * lines.h - commands that the workers answer: their lines of JSON, one object each
 */
#ifndef CTL_LINES_H
#define CTL_LINES_H

#include "ctl/ctl.h"
#include "lib/json.h"

/* One whole line, borrowed; proven to be an object. */
typedef void	lines_fn(struct json_value object, void *arg);

/* Sends the command with one argument (NULL: none) and hands on what comes back, worker by worker.  The exit code;
 * with `say` why nothing is there to be asked is said. */
int		lines_each(struct ctl *ctl, uint32_t command, const char *argument, bool say, lines_fn *fn, void *arg);

/* Members of such an object: a text for a terminal, cut to the room ("" when there is none); a number (0). */
const char	*lines_text(struct json_value object, const char *name, char *to, size_t room);
uint64_t	 lines_u64(struct json_value object, const char *name);

#endif
