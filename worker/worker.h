/* SPDX-License-Identifier: Apache-2.0
 *
 * worker.h - what one worker process is made of
 *
 * One loop, one thread.  Each part has its file; this struct is where they meet.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "audit/requestid.h"
#include "audit/spool.h"
#include "auth/identify.h"
#include "auth/tokens.h"
#include "http/accept.h"
#include "http/conn.h"
#include "http/exchange.h"
#include "ipc/chan.h"
#include "lib/loop.h"
#include "mcp/rpc.h"
#include "mcp/sealed.h"
#include "policy/params.h"
#include "policy/policy.h"
#include "policy/swap.h"
#include "shm/breaker.h"
#include "shm/inflight.h"
#include "shm/limit.h"
#include "shm/metric.h"
#include "shm/session.h"
#include "shm/share.h"
#include "worker/call/link.h"
#include "worker/peers.h"
#include "worker/talk/asking.h"

#define WORKER_LINKS_MAX	10000	/* tenants */
#define WORKER_SESSION_BUCKETS	1024
#define WORKER_ASKED_BUCKETS	1024
#define WORKER_PARK_BUCKETS	1024
#define WORKER_QUOTAS_TOLD	64
#define WORKER_KEYS_ASKED	16	/* issuers whose keys were asked for lately */

/* One generation of the policy with its parameters; a request keeps the one it started with. */
struct config {
	uint32_t	 refs;
	struct snap	*policy;
	struct snap	*secrets;	/* of the same files; NULL: there are none */
	struct params	 params;
	const struct rec_limit *address;	/* requests of one address (shed.h); NULL: any number */
	struct issuers	*issuers;	/* whose tokens count; NULL: nobody's */
	struct addr_net	 proxies[CONN_EXEMPT_MAX];	/* trusted_proxies */
	size_t		 proxy_count;
	uint64_t	 generation;
	uint64_t	 since_ms;	/* wall clock: when this worker put it in force */
};

/* From the policy and the secrets now in force.  0, E_NOTFOUND, E_FORMAT or E_NOMEM; *out has one reference. */
must_check int	 config_new(struct swap *snaps, uint64_t wall_ms, struct config **out);
struct config	*config_hold(struct config *c);
void		 config_release(struct config **c);

struct approval;
struct caching;
struct tokenend;
struct tokenwait;
struct balance;
struct users;
struct fanin;
struct httpsse_set;
struct keywait;
struct loginwait;
struct known;
struct lists;
struct pins;
struct refusals;
struct replays;
struct tls_server;
struct upstream;
struct waitroom;

struct worker {
	struct loop		*loop;
	struct chan		 master;
	uint32_t		 slot, incarnation, workers, flags;
	uint64_t		 slots;		/* that are to be filled, this one's among them */
	uint64_t		 leaving;	/* of workers that only finish what they have */
	uint64_t		 boot;
	bool			 ready, draining;
	bool			 retiring;	/* takes no connections, and leaves when the last is gone */
	bool			 holds;		/* takes no calls until it is told to */

	struct config		*config;	/* in force */
	struct tokens		*tokens;	/* proven ones */
	struct { struct auth_uses uses; struct loop_timer tell; } keyuse;
	struct keysets		*keysets;	/* fetched for issuers; NULL: none yet */
	struct {				/* loginpage.c */
		struct loginwait *first;
		size_t		  count;
		uint64_t	  refs;
	}			 loginwaits;
	struct {				/* keywait.c */
		struct keywait	*first;
		size_t		 count;
		unsigned	 turn;
		struct {
			uint64_t	 source, ms, tried_ms;
		}		 asked[WORKER_KEYS_ASKED];
	}			 keywait;
	struct { struct tokenend *first; size_t count; uint64_t number; } tokenends;	/* wait for the store */
	struct swap		 snaps;		/* policy, keys, pins, secrets in force */
	struct keyring		 ring;
	bool			 has_ring;
	struct rpc_scan		*scan;		/* for small bodies, one after the other */
	struct rpc_scan		*answer_scan;
	uint64_t		 reloads;	/* policies put in force since the start */
	struct {
		uint64_t	 count, wall_ms;	/* how many were not; when the last one was tried */
		char		 why[480];		/* empty: one after it is in force */
	} refused;

	struct limits		 limits;
	struct region		 breakers, sessions, upsessions, gate, quotas;
	struct shares		 shares;
	struct waitroom		*waitroom;	/* calls that wait until others have ended */
	struct {				/* of quotas: what the store was told lately (quotas.c) */
		uint64_t	 key, ms;
	}			 told[WORKER_QUOTAS_TOLD];
	struct inflight		 inflight;
	struct metrics		 metrics;

	struct spool		*spool;
	struct requestid	 ids;

	struct conn_set		*conns;
	struct tls_server	*tls;		/* over those of some listeners (secure.c) */
	struct accept		*accept;
	struct http_budget	 bodies;	/* of requests, body_memory */
	struct http_budget	 answers;	/* held ones, as much again */

	struct link		**links;	/* sorted by tenant */
	size_t			 link_room, links_up;
	struct link_turn	 links_due;
	size_t			 link_count;
	struct peers		*peers;		/* messages to and from other workers */
	struct forward		*forwards;	/* requests that another worker serves (forward.c) */
	struct served		*served;	/* requests of others that this one serves */
	uint64_t		 forward_refs;
	struct lists		*lists;		/* what the servers list */
	struct pins		*pins;		/* which of that was approved */
	struct caching		*caching;	/* what equal calls are answered with (cached.c) */
	struct fanin		*fanin;		/* what they say outside of calls */
	struct streams		*streams;	/* clients who hear of it */
	struct httpsse_set	*httpsse;	/* clients of HTTP+SSE */
	struct replays		*replays;	/* event streams that can be resumed */
	struct refusals		*refusals;	/* credentials that were refused, for the audit */
	struct known		*known;		/* which server a URI came from */
	struct upstream		*upstreams;	/* HTTP servers */
	struct balance		*balance;	/* those with several endpoints (spread.c) */
	struct users		*users;		/* of servers with "per": "user" */
	struct tokenwait		*tokenwaits;	/* requests to them that wait for a token (tokenwait.c) */
	struct call		*dispatch, **dispatch_last;	/* calls whose `begin` is written at
							 * this turn's end */
	uint32_t		 calls_running;
	uint64_t		 requests;	/* that are not answered, event streams aside */
	struct call		*running, **running_last;	/* they, the oldest first */
	uint64_t		 changes;	/* how often keys or policy were others (endings.c) */
	struct traces		*traces;	/* who follows calls; NULL: nobody (trace.c) */
	struct {
		struct approval	**all;
		size_t		 count;
	}			 approvals;	/* calls that wait for somebody's word (approvals.c) */
	struct call		*session_calls[WORKER_SESSION_BUCKETS];	/* of legacy sessions (talk.c) */
	struct pending		*pending[WORKER_SESSION_BUCKETS];	/* theirs that wait for lists (pending.c) */
	struct asked		*asked[WORKER_ASKED_BUCKETS];	/* wait for a client's answer (asks.c) */
	struct park		*parks[WORKER_PARK_BUCKETS];	/* calls that wait for a retry (park.c) */
	uint32_t		 park_count;
	struct asking_counts	 asking;
	uint64_t		 progress_tokens;
	uint32_t		 elicitations;	/* ids given to URLs of modern servers */
	struct { uint64_t accepted, records, refused, shed, timeouts; } published;	/* gauges.c */
	struct loop_timer	 early;		/* a look at long calls (early.c) */
	struct loop_timer	 drain_timer;
};

/* main.c */
must_check int	worker_add_listener(struct worker *w, int fd, const struct msg_LISTEN *m);
/* Parameters of the policy in force reach the HTTP upstreams. */
void		worker_set_upstreams(struct worker *w);
/* GO: confine, READY. */
void		worker_go(struct worker *w);
/* The master has answered for the first segment of the audit: connections are taken from now on, or from GO.  Whoever
 * was served before would leave no record. */
void		worker_serve(struct worker *w);

/* control.c: what the master says. */
void		worker_on_master_gone(struct chan *c, int why, void *arg);
void		worker_drain_init(struct worker *w);
void		worker_on_master(struct chan *c, const struct chan_msg *m, void *arg);
/* Asks for a pair with another worker (peers.h). */
must_check int	worker_want_peer(uint32_t slot, uint32_t incarnation, uint64_t after, void *arg);
/* The link to this tenant's runner, made on first use; NULL when there is no memory. */
struct link	*worker_link(struct worker *w, struct span tenant);
/* Tells the master how a server is, for `mcpgwctl status`. */
void		worker_report_server(struct worker *w, struct span tenant, struct span server,
		    enum server_state state, uint32_t tools, uint64_t next_try_ms, struct span error);
/* Ends the process when it drains, nothing runs any more, and other workers were told what they wait for. */
void		worker_drain_check(struct worker *w);

/* Is this slot another worker's, one that leaves among them? */
static inline bool
worker_has_other(const struct worker *w, uint32_t slot)
{
	return slot != w->slot && ((w->slots | w->leaving) & UINT64_C(1) << slot) != 0;
}

/* Among all workers the one that what has this hash goes to; each comes to the same. */
static inline uint32_t
worker_home(const struct worker *w, uint64_t hash)
{
	uint64_t	left = w->slots;

	for (uint64_t skip = left == 0 ? 0 : hash % (uint64_t)__builtin_popcountll(left); skip > 0; skip--)
		left &= left - 1;
	return left == 0 ? w->slot : (uint32_t)__builtin_ctzll(left);
}

/* gauges.c: what this worker publishes about itself. */
void		gauges_publish(struct worker *w);

#endif
