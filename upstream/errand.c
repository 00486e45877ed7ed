/* SPDX-License-Identifier: Apache-2.0
 *
 * errand.c - a fetch of the gateway's own: one document by its url, or one form posted
 *
 * Process: mcpgw-scout; mcpgwctl.
 * Owns:    the errands under way: their texts, connections and lookups.
 * Trusts:  nobody's url, name server or answer, beyond what policy/guard.h and TLS prove of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/buf.h"
#include "policy/guard.h"
#include "policy/policy.h"
#include "upstream/errand.h"
#include "upstream/errand_head.h"
#include "upstream/fetch.h"
#include "upstream/sites.h"

#define ERRAND_MAGIC	0xe77a4d01u
#define TEXTS_MAX	(64 * 1024)	/* of a request, without its body */
#define CONNECT_MS	3000
#define FREE_BLOCKS	4

struct errand {
	uint32_t		 magic;
	struct errands		*of;
	struct errand		*next, **back;	/* among all, the newest first */
	struct errand		**owner;
	errand_fn		*fn;
	void			*arg;
	struct errand_request	 q;		/* its texts in the arena */
	struct arena		 arena;
	struct exchange_field	 fields[ERRAND_FIELDS_MAX + ERRAND_OWN_FIELDS];
	struct guard		 guard;
	struct lookup		*lookup;
	struct site		*site;
	struct pool_target	 target;
	struct fetch		 fetch;
	struct buf		 body;
	struct errand_answer	 answer;
	struct loop_timer	 deadline, kick;
	bool			 runs;		/* it has a place */
	bool			 moved;		/* the answer is a redirect that is followed */
	bool			 fetching;
	uint64_t		 number;	/* of this connection: key of the pool, and of its site */
	char			 text[512];	/* of why */
};

struct errands {
	struct loop		*loop;
	struct resolver		*resolver;
	struct block_pool	 blocks;
	struct sites		*sites;
	struct pool		*pool;
	struct pool_params	 params;
	struct errand		*all;
	size_t			 count, running;
	uint64_t		 numbers;
};

static void	errand_go(struct errand *e);

/* ---- the end ----------------------------------------------------------------------------------- */

static void
hang_up(struct errand *e)
{
	lookup_cancel(&e->lookup);
	if (e->fetching)
		fetch_cancel(&e->fetch);
	e->fetching = false;
	sites_take_back(&e->site);
}

static void
errand_free(struct errand *e)
{
	MAGIC_CHECK(e, ERRAND_MAGIC);
	hang_up(e);
	loop_timer_disarm(&e->deadline);
	loop_timer_disarm(&e->kick);
	if ((*e->back = e->next) != NULL)
		e->next->back = e->back;
	e->of->count--;
	e->of->running -= e->runs;
	buf_fini(&e->body);
	arena_fini(&e->arena);
	snap_release(&e->q.policy);
	e->magic = 0;
	free(e);
}

/* The oldest that waits has the place. */
static void
next_one(struct errands *es)
{
	struct errand	*oldest = NULL;

	if (es->running >= ERRANDS_RUNNING_MAX)
		return;
	for (struct errand *e = es->all; e != NULL; e = e->next)
		if (!e->runs)
			oldest = e;
	if (oldest == NULL)
		return;
	oldest->runs = true;
	es->running++;
	loop_timer_arm(&oldest->kick, 0);
}

static void
end(struct errand *e, int error, const char *why)
{
	struct errands	*es = e->of;

	hang_up(e);
	e->answer.error = error;
	e->answer.why = why;
	e->answer.url = span_of(e->guard.text);
	e->answer.body = error == 0 ? buf_rest(&e->body) : SPAN_NONE;
	*e->owner = NULL;
	e->fn(&e->answer, e->arg);
	errand_free(e);
	next_one(es);
}

static void
on_deadline(struct loop_timer *t, void *arg)
{
	struct errand	*e = arg;

	(void)t;
	MAGIC_CHECK(e, ERRAND_MAGIC);
	end(e, E_TIMEOUT, e->lookup != NULL ? "no name server answered in time" : e->fetching ?
	    "no whole answer in time" : "no turn in time: other fetches are under way");
}

/* ---- the answer -------------------------------------------------------------------------------- */

static struct errand *
errand_of(struct fetch *f)
{
	struct errand	*e = (struct errand *)(void *)((char *)f - offsetof(struct errand, fetch));

	MAGIC_CHECK(e, ERRAND_MAGIC);
	return e;
}

/* Sets what on_end says; the fetch goes no further. */
static int
refuse(struct errand *e, int error, const char *why)
{
	e->answer.why = why;
	return error;
}

static int
take_redirect(struct errand *e, const struct http_head *h)
{
	struct span	to = http_head_find(h, "location", NULL);
	const char	*why;

	if (e->q.post)
		return refuse(e, E_UPSTREAM, "it redirects what was posted");
	if (guard_redirect(&e->guard, to, &why) != 0) {
		snprintf(e->text, sizeof(e->text), "it redirects to %.*s: %s", to.n > 200 ? 200 : (int)to.n,
		    to.p == NULL ? "" : to.p, why);
		return refuse(e, E_DENIED, e->text);
	}
	e->moved = true;
	return E_CLOSED;		/* what else it says is of no use */
}

static int
on_head(struct fetch *f, const struct http_head *h)
{
	struct errand	*e = errand_of(f);
	int		 r;

	if (errand_is_redirect(h->status))
		return take_redirect(e, h);
	if (errand_is_encoded(h))
		return refuse(e, E_UPSTREAM, "the answer is encoded, which was not asked for");
	if ((r = errand_read_head(h, &e->arena, &e->answer)) != 0)
		return refuse(e, r, "out of memory");
	if (h->has_length && h->length > e->body.ceiling)
		return refuse(e, E_TOOBIG, "the answer is too large");
	return 0;
}

static int
on_data(struct fetch *f, struct span bytes)
{
	struct errand	*e = errand_of(f);
	int		 r = buf_put(&e->body, bytes);

	return r == 0 ? 0 : refuse(e, r, r == E_TOOBIG ? "the answer is too large" : "out of memory");
}

static void
on_end(struct fetch *f, int error)
{
	struct errand	*e = errand_of(f);

	e->fetching = false;
	if (e->moved) {
		e->moved = false;
		sites_take_back(&e->site);
		errand_go(e);
		return;
	}
	end(e, error, error == 0 ? NULL : e->answer.why != NULL ? e->answer.why : f->why != NULL ? f->why :
	    err_text(error));
}

static const struct fetch_ops ops = { on_head, on_data, on_end };

/* ---- the way there ----------------------------------------------------------------------------- */

static bool
on_anchor(uint32_t subject, size_t nth, struct span *der, void *arg)
{
	const struct errand	*e = arg;

	return e->q.policy != NULL &&
	    policy_anchor(e->q.policy, e->q.anchor_first, e->q.anchor_count, subject, nth, der);
}

/* NULL: it may be connected to. */
static const char *
address_why(const struct errand *e, const struct addr *a)
{
	const char	*special;

	if (e->guard.url.https)
		return guard_address(&e->guard, a);
	special = addr_special(a);
	return special != NULL && strcmp(special, "loopback") == 0 ? NULL :
	    "http:// is for this machine alone; want https://";
}

static void
fetch_it(struct errand *e)
{
	struct errands		*es = e->of;
	const struct url	*u = &e->guard.url;
	struct span		 path = u->target;
	struct fetch_request	 q = { .target = &e->target, .host = u->authority, .fields = e->fields };
	int			 r;

	if (path.n == 0 || path.p[0] != '/')
		path = arena_fmt(&e->arena, "/%.*s", SPAN_FMT(path));
	e->number = ++es->numbers;
	e->target.key = e->number;
	e->target.site = u->https ? e->number : 0;
	e->target.port = u->port;
	q.method = e->q.post ? SPAN_LIT("POST") : SPAN_LIT("GET");
	q.path = path;
	q.field_count = errand_fields(&e->q, e->guard.secrets, e->fields);
	if (e->q.post)
		q.body[q.body_count++] = e->q.body;
	if (path.p == NULL) {
		end(e, E_NOMEM, "out of memory");
		return;
	}
	if (u->https && (r = sites_lend(es->sites, e->number, u->authority, on_anchor, e, &e->site)) != 0) {
		end(e, r, r == E_SERVER ? "its host is no name that TLS can ask for" : "out of memory");
		return;
	}
	buf_clear(&e->body);
	e->answer = (struct errand_answer){ 0 };
	if ((r = fetch_start(&e->fetch, es->pool, &ops, &q)) != 0)
		end(e, r, r == E_SERVER ? "cannot connect" : err_text(r));
	else
		e->fetching = true;
}

/* All of them are looked at before one is connected to. */
static void
take_addresses(struct errand *e, const struct addr *all, size_t count)
{
	char		 text[ADDR_TEXT_MAX];
	const char	*why;

	for (size_t i = 0; i < count; i++)
		if ((why = address_why(e, &all[i])) != NULL) {
			addr_text(&all[i], 0, text);
			snprintf(e->text, sizeof(e->text), "%s, where %.*s leads, must not be fetched from: %s", text,
			    SPAN_FMT(e->guard.url.host), why);
			end(e, E_DENIED, e->text);
			return;
		}
	e->target.count = count < POOL_ADDRESSES_MAX ? count : POOL_ADDRESSES_MAX;
	memcpy(e->target.address, all, e->target.count * sizeof(*all));
	fetch_it(e);
}

static void
on_resolved(const struct resolved *what, void *arg)
{
	struct errand	*e = arg;
	struct addr	 found[RESOLVE_ADDRESSES_MAX];

	MAGIC_CHECK(e, ERRAND_MAGIC);
	if (what->error != 0)
		end(e, what->error, what->none ? "there is no such name, or it has no address" :
		    "its name cannot be looked up: no name server answers");
	else if (e->guard.learnt && what->special != NULL)
		take_addresses(e, &what->bad, 1);	/* it may be none of those that were kept */
	else
		take_addresses(e, found, resolved_in_order(what, found));
}

static void
errand_go(struct errand *e)
{
	/* What the compiler found is of the operator's own url. */
	if (!e->guard.learnt && e->guard.secrets && e->q.address_count > 0)
		take_addresses(e, e->q.addresses, e->q.address_count);
	else if (e->guard.host.is_address)
		take_addresses(e, &e->guard.host.address, 1);
	else
		resolver_find(e->of->resolver, e->guard.host.name, e->of, on_resolved, e, &e->lookup);
}

static void
on_kick(struct loop_timer *t, void *arg)
{
	(void)t;
	MAGIC_CHECK((struct errand *)arg, ERRAND_MAGIC);
	errand_go(arg);
}

/* ---- for callers ------------------------------------------------------------------------------- */

int
errand_start(struct errands *es, const struct errand_request *q, errand_fn *fn, void *arg, struct errand **out,
    const char **why)
{
	struct errand	*e;
	int		 r;

	*out = NULL;
	*why = NULL;
	if (es->count >= ERRANDS_MAX)
		return E_FULL;
	if (q->field_count > ERRAND_FIELDS_MAX || q->address_count > ERRAND_ADDRESSES_MAX)
		return E_TOOBIG;
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return E_NOMEM;
	arena_init(&e->arena, NULL, 0, TEXTS_MAX + q->body.n);
	buf_init(&e->body, q->max_bytes == 0 ? ERRAND_BYTES : q->max_bytes);
	if ((r = guard_begin(&e->guard, q->url, q->learnt, why)) != 0 ||
	    (r = errand_request_copy(&e->arena, q, &e->q)) != 0) {
		arena_fini(&e->arena);
		free(e);
		return r;
	}
	if (e->q.policy != NULL)
		snap_hold(e->q.policy);
	e->magic = ERRAND_MAGIC;
	e->of = es;
	e->fn = fn;
	e->arg = arg;
	e->back = &es->all;
	if ((e->next = es->all) != NULL)
		e->next->back = &e->next;
	es->all = e;
	es->count++;
	loop_timer_init(es->loop, &e->deadline, on_deadline, e);
	loop_timer_init(es->loop, &e->kick, on_kick, e);
	loop_timer_arm(&e->deadline, q->deadline_ms);
	*(e->owner = out) = e;
	next_one(es);
	return 0;
}

void
errand_cancel(struct errand **ep)
{
	struct errand	*e = *ep;
	struct errands	*es;

	if (e == NULL)
		return;
	es = e->of;
	*ep = NULL;
	errand_free(e);
	next_one(es);
}

void
errands_set_connect_ms(struct errands *es, uint64_t ms)
{
	es->params.connect_timeout_ms = ms;
	pool_set_params(es->pool, &es->params);
}

int
errands_new(struct loop *l, struct resolver *resolver, struct errands **out)
{
	struct errands	*es = calloc(1, sizeof(*es));
	int		 r;

	*out = NULL;
	if (es == NULL)
		return E_NOMEM;
	es->loop = l;
	es->resolver = resolver;
	es->params.connect_timeout_ms = CONNECT_MS;	/* nothing is kept idle */
	block_pool_init(&es->blocks, FREE_BLOCKS);
	if ((r = sites_new(&es->sites)) != 0 ||
	    (r = pool_new(l, &es->blocks, es->sites, &es->params, &es->pool)) != 0) {
		errands_free(&es);
		return r;
	}
	*out = es;
	return 0;
}

void
errands_free(struct errands **ep)
{
	struct errands	*es = *ep;

	*ep = NULL;
	if (es == NULL)
		return;
	while (es->all != NULL)
		errand_free(es->all);
	pool_free(&es->pool);
	sites_free(&es->sites);
	block_pool_fini(&es->blocks);
	free(es);
}
