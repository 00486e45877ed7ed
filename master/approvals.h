/* SPDX-License-Identifier: Apache-2.0
 *
 * approvals.h - what operators said of calls that wait for approval, for workers that start later
 *
 * That an approved call passes once is in shared memory (worker/call/approvals.h): here is only what was said.
 */
#ifndef MASTER_APPROVALS_H
#define MASTER_APPROVALS_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/chan.h"

#define APPROVALS_SAID		256	/* of more those that are over first are forgotten */
#define APPROVALS_TEXT		128
#define APPROVAL_DIGITS		16	/* of the digest that an id has */

struct child;
struct master;

struct approvals {
	struct {
		char		text[APPROVALS_TEXT];	/* as workers take it: DIGEST 1|2 UNTIL_MS SERIAL */
		size_t		digest_bytes;
		uint64_t	until_ms;		/* wall clock; 0: none */
	}		said[APPROVALS_SAID];
};

/* What an operator said; another word about the same call takes its place.  Behind the four words may be more. */
void		approvals_note(struct approvals *a, struct span text);
/* To a worker that is ready, what still holds. */
void		approvals_tell(const struct approvals *a, struct child *worker);
/* The same to a master that takes our place.  0, or what heir_say() answers. */
must_check int	approvals_bequeath(const struct master *m, struct chan *c);

#endif
