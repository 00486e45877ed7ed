/* SPDX-License-Identifier: Apache-2.0
 *
 * upstream.c - all HTTP upstreams of one worker
 *
 * Process: worker.  Owns: the pool, the peers, messages on their way.
 * Trusts:  the configuration that it is given.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/crypt.h"
#include "lib/num.h"
#include "upstream/lane.h"
#include "upstream/news.h"
#include "upstream/origin.h"
#include "upstream/reply.h"
#include "upstream/sites.h"
#include "upstream/sse_session.h"

#define STREAM_IDLE_MS	30000
#define SESSION_IDLE_MS	(3 * 60000)

static struct pool_params
pool_params_of(const struct upstream_params *p)
{
	return (struct pool_params){ .connect_timeout_ms = p->connect_timeout_ms, .idle_ms = p->idle_ms };
}

static void
take_params(struct upstream *u, const struct upstream_params *params)
{
	u->params = *params;
	if (u->params.stream_idle_ms == 0)
		u->params.stream_idle_ms = STREAM_IDLE_MS;
	if (u->params.session_idle_ms == 0)
		u->params.session_idle_ms = SESSION_IDLE_MS;
	u->shared.answers.limit = params->answer_memory;
}

int
upstream_new(struct loop *l, struct block_pool *blocks, const struct region *sessions,
    const struct upstream_params *params, struct upstream **out)
{
	struct pool_params	 pp = pool_params_of(params);
	struct upstream		*u;
	uint32_t		 first;
	int			 r;

	*out = NULL;
	if ((r = crypt_random(&first, sizeof(first))) != 0)
		return r;
	if ((u = calloc(1, sizeof(*u))) == NULL)
		return E_NOMEM;
	u->loop = l;
	take_params(u, params);
	u->sessions = sessions;
	/* Workers share sessions, and one's retry may follow another's call: their numbers lie apart, and within what
	 * a double holds. */
	u->next_id = ((uint64_t)first << 16) + 1;
	u->shared.answer_max = UPSTREAM_ANSWER_MAX;
	if ((r = sites_new(&u->sites)) != 0 || (r = pool_new(l, blocks, u->sites, &pp, &u->shared.pool)) != 0 ||
	    (r = rpc_answer_new(&u->shared.scan)) != 0) {
		upstream_free(&u);
		return r;
	}
	*out = u;
	return 0;
}

void
upstream_free(struct upstream **up)
{
	struct upstream	*u = *up;

	*up = NULL;
	if (u == NULL)
		return;
	BUG_ON(u->call_count > 0);
	upstream_spare_free(u);
	news_free_all(u);
	reply_end_all(u);
	lanes_free_all(u);
	peer_free_all(u);
	sse_sessions_free(u);
	origin_free_all(u);
	pool_free(&u->shared.pool);
	sites_free(&u->sites);
	rpc_scan_free(&u->shared.scan);
	snap_release(&u->shared.tokens);
	free(u);
}

void
upstream_set_params(struct upstream *u, const struct upstream_params *params)
{
	struct pool_params	pp = pool_params_of(params);

	take_params(u, params);
	pool_set_params(u->shared.pool, &pp);
}

void
upstream_set_policy(struct upstream *u, struct snap *policy)
{
	sites_set_policy(u->sites, policy);
}

void
upstream_set_names(struct upstream *u, struct snap *catalogue)
{
	sites_set_names(u->sites, catalogue);
	pool_names_changed(u->shared.pool);
}

void
upstream_set_tokens(struct upstream *u, struct snap *tokens)
{
	snap_release(&u->shared.tokens);
	u->shared.tokens = tokens == NULL ? NULL : snap_hold(tokens);
}

struct pool *
upstream_pool(struct upstream *u)
{
	return u->shared.pool;
}

struct span
upstream_id(struct upstream *u, char to[UPSTREAM_ID_BYTES])
{
	size_t	n = num_decimal(u->next_id++, to);

	to[n] = '\0';
	return span_make(to, n);
}
