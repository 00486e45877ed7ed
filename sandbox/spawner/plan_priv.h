/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_priv.h - what plan.c, native.c, reduce.c and spawn.c share
 */
#ifndef SANDBOX_SPAWNER_PLAN_PRIV_H
#define SANDBOX_SPAWNER_PLAN_PRIV_H

#include "sandbox/spawner/plan.h"

/* Sets p->why, and answers `error`. */
int		plan_fault(struct plan *p, int error, const char *what, struct span about);
/* Of the plan's room, aligned; NULL when that is full. */
void		*plan_room(struct plan *p, size_t bytes);
/* A text of the snapshot as a C string there; NULL when the room is full or a NUL lies within. */
const char	*plan_copy(struct plan *p, const struct snap *s, struct stext t);

/* A copy of a C string there. */
const char	*plan_string(struct plan *p, const char *string);

/* native.c: the argument vector of a tool, once its values are proven.  As plan_make_tool(). */
must_check int	plan_words(struct plan *p, const struct snap *profile, const struct plan_tool *tool);

#endif
