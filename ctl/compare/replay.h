/* SPDX-License-Identifier: Apache-2.0
 *
 * replay.h - recorded calls, decided by another policy
 */
#ifndef CTL_COMPARE_REPLAY_H
#define CTL_COMPARE_REPLAY_H

#include "policy/snap.h"

enum replay_verdict { REPLAY_DENY, REPLAY_ALLOW, REPLAY_UNKNOWN };

/* Calls of one principal to one object that are decided otherwise now, or of which nobody knows. */
struct replay_group {			/* texts for terminals, cut to their room */
	char			tenant[72], agent[136], principal[136], server[136], kind[24], object[264];
	bool			allowed;	/* then */
	enum replay_verdict	becomes;
	uint64_t		count, first_ms, last_ms;
	char			rule[264], file[264], why[64];	/* that would decide */
	uint32_t		line;		/* 0: none */
};

struct replay {
	const struct snap	*policy;	/* borrowed */
	struct replay_group	*groups;
	size_t			 group_count;
	uint64_t		 calls;		/* that were decided anew */
	uint64_t		 changing, unknown;
	uint64_t		 other;		/* records of something else */
	bool			 broken;	/* a line was none */
};

void	replay_init(struct replay *r, const struct snap *policy);
void	replay_fini(struct replay *r);
/* A line of audit/auditor/groups.h. */
void	replay_take(struct replay *r, struct span line);
/* Those that change before those that are unknown, each by how often. */
void	replay_sort(struct replay *r);

#endif
