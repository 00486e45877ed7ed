/* SPDX-License-Identifier: Apache-2.0
 *
 * approvals.h - calls that somebody has to approve first (mcpgw-rules(5), require_approval)
 *
 * Which call it is says a SHA-256 over a secret of this gateway, who calls, the tool, its arguments in canonical form
 * (mcp/canon.h), and what else of the client's goes to the server: the same call of the same principal, in any worker.
 * Each worker knows the calls that came to it, and what an operator said, who tells all of them.  That an approved call
 * passes once in all of them is a token bucket's (shm/limit.h).
 */
#ifndef WORKER_CALL_APPROVALS_H
#define WORKER_CALL_APPROVALS_H

#include "worker/call/call.h"

#define APPROVAL_DIGEST	64		/* hex digits */
#define APPROVAL_ID	20		/* "a-", the first 16 of them, NUL, and one to spare */
#define APPROVAL_SHOWN	4000		/* bytes of arguments, as they are shown: longer ones nobody can approve */

enum approval_said { APPROVAL_WAITS, APPROVAL_APPROVED, APPROVAL_REJECTED };

struct approval {
	char			digest[APPROVAL_DIGEST + 1];
	/* All whole: what is not seen is written out as \uXXXX, and arguments have no blanks between their values. */
	char			tenant[64], agent[128], principal[256], server[128], tool[512];
	char			arguments[APPROVAL_SHOWN + 1];
	enum approval_said	said;
	uint64_t		first_ms, last_ms;	/* wall clock */
	uint64_t		until_ms;		/* what was said holds until then */
	uint64_t		serial;			/* of this approval; another one is another token */
	uint32_t		calls;
};

/* What a call that does not pass is told. */
struct approval_answer {
	int		 error;			/* E_APPROVAL or E_REJECTED */
	const char	*why;			/* static; empty: the error says it all */
	char		 id[APPROVAL_ID];	/* empty: there is none */
};

/* Is it a call of the kind that rules want approved?  What is asked about a task belongs to the call that was
 * approved, and a completion does nothing. */
bool	approvals_may_want(const struct call_ask *ask);
/* May it pass, now and this once, or as another round of a call that did?  Then it is in rq->approved.  False: it
 * waits, or was rejected, with *out filled; the client has to call again. */
bool	approvals_pass(struct request *rq, const struct call_ask *ask, struct approval_answer *out);
/* What an operator says: "DIGEST 1|2 UNTIL_MS SERIAL", with enum approval_said; what stands behind it is for the audit.
 * True: the call was here before; it counts in any case. */
bool	approvals_decide(struct worker *w, struct span text);
/* Forgets what is over, and what another worker let pass. */
void	approvals_look(struct worker *w);
enum approval_said approval_state(const struct approval *a, uint64_t now_ms);

#endif
