/* SPDX-License-Identifier: Apache-2.0
 *
 * keyrow.h - API keys as the store tells of them, from a gateway that runs or without one
 */
#ifndef CTL_SHOW_KEYROW_H
#define CTL_SHOW_KEYROW_H

#include "ctl/ctl.h"
#include "ctl/out.h"

struct keyrow {
	struct span	name, public_name, agent, tenant, workspace;
	struct span	scopes, roles, groups;	/* lib/nameset.h */
	uint64_t	created_ms, ends_ms, used_ms;
	uint64_t	by;			/* uid + 1; 0: not known */
};

/* Calls fn for each, those of one name and tenant one after the other, the oldest first; texts are borrowed for the
 * call.  The exit code; what is wrong was said. */
typedef void keyrow_fn(const struct keyrow *row, void *arg);
int		 keyrow_each(struct ctl *ctl, keyrow_fn *fn, void *arg);
/* Ends all keys of a tenant, in every worker.  The exit code; what is wrong was said. */
int		 keyrow_end_tenant(struct ctl *ctl, const char *tenant);

/* "today", "2026-05-02": the day. */
const char	*keyrow_day(uint64_t wall_ms, char to[OUT_TIME]);
/* "2 min ago"; "never" for 0. */
const char	*keyrow_ago(uint64_t wall_ms, char to[OUT_TIME]);
/* "in 24h", "in 30d"; "ended"; "-" for 0. */
const char	*keyrow_ahead(uint64_t wall_ms, char to[OUT_TIME]);
/* "today 10:40", "tomorrow 10:40", "2026-05-02 10:40". */
const char	*keyrow_moment(uint64_t wall_ms, char to[OUT_TIME]);

#endif
