/* SPDX-License-Identifier: Apache-2.0
 *
 * page.c - lists for clients, page by page
 *
 * Process: worker.  Owns: nothing beyond a request; where a page ended is in the client's cursor.
 * Trusts:  decide() alone for what is shown; a cursor only after its seal holds.
 *
 * The order is the configured one of the servers, and in each its own.  A cursor names the last item
 * given: when lists changed since, that item is looked for, and the next page begins behind it.
 */
#include "lib/log.h"
#include "lib/sum.h"
#include "mcp/cursor.h"
#include "mcp/write.h"
#include "worker/call/may.h"
#include "worker/front/reply.h"
#include "worker/lists/adapt.h"
#include "worker/lists/page.h"
#include "worker/lists/shown.h"
#include "worker/lists/view.h"
#include "worker/meta/metatools.h"

#define LIST_BYTES_MAX	(64 * 1024 * 1024)
#define PAGE_BYTES	(1024 * 1024)

struct page {
	struct request		*rq;
	struct lists_wait	 wait;
	enum catalogue_kind	 kind;
	struct cursor		 last;		/* the item given last, on the page before or on this one */
	bool			 resumes;
	unsigned		 view;		/* enum view_bits: of tools, what is listed */
	struct shown		 shown;
	struct mcp_list		 to;
	struct buf		 text;
	uint64_t		 count;
	bool			 full;		/* and there is more */
};

static const struct catalogue *
list_of(const struct request *rq, const struct rec_server *s, enum catalogue_kind kind)
{
	struct span	why;

	return lists_find_kind(rq->w->lists, s, view_list_instance(rq, s), (enum list_kind)kind, &why);
}

/* Said once of each, as far as so many can be remembered: lists are asked for again and again. */
static void
warn_hidden(const struct request *rq, const struct rec_server *by, const struct rec_server *server, struct span key)
{
	static uint64_t	said[512];
	struct span	first = snap_text(rq->config->policy, by->name);
	struct span	second = snap_text(rq->config->policy, server->name);
	uint64_t	sum = sum64_more(sum64_more(sum64(first), second), key) | 1;

	if (said[sum / 2 % 512] == sum)
		return;
	said[sum / 2 % 512] = sum;
	log_warn_repeat(NULL, "servers %.*s and %.*s both have %.*s: the first one's is shown", SPAN_FMT(first),
	    SPAN_FMT(second), SPAN_FMT(span_part(key, 0, 200)));
}

bool
page_is_hidden(const struct request *rq, const struct rec_server *server, enum catalogue_kind kind,
    struct span key)
{
	const struct rec_server	*s;
	const struct catalogue	*list;

	if (catalogue_row(kind)->composes || (rq->view & VIEW_HAS_SERVER) != 0 || view_rewrites(rq, server, key))
		return false;
	for (uint64_t i = 0; (s = request_server_at(rq, i)) != NULL && s != server; i++) {
		if ((list = list_of(rq, s, kind)) == NULL || catalogue_find(list, key) == NULL ||
		    view_rewrites(rq, s, key) || !view_sees_kind(rq, s, kind))
			continue;
		warn_hidden(rq, s, server, key);
		return true;
	}
	return false;
}

static bool
is_shown(const struct page *p, const struct rec_server *s, const struct catalogue_item *t)
{
	const struct request	*rq = p->rq;
	struct decision		 d;

	if (p->kind != CATALOGUE_TOOLS)
		return !page_is_hidden(rq, s, p->kind, t->name);
	if (t->standing != CATALOGUE_STANDS || t->shown.n == 0)
		return false;
	may_see(rq, OBJECT_TOOL, snap_text(rq->config->policy, s->name), t->name, t, &d);
	return d.allow && ((rq->view & VIEW_HAS_SERVER) != 0 || shown_name(&p->shown, s, t).n > 0);
}

/* Behind the item given last, if this is its server; else at the beginning. */
static size_t
first_item(const struct page *p, const struct catalogue *list, uint64_t server_sum)
{
	size_t	count = catalogue_count(list);

	if (!p->resumes || p->last.server_sum != server_sum)
		return 0;
	if (p->last.item < count && sum64(catalogue_at(list, p->last.item)->name) == p->last.item_sum)
		return p->last.item + 1;
	for (size_t i = 0; i < count; i++)
		if (sum64(catalogue_at(list, i)->name) == p->last.item_sum)
			return i + 1;
	return p->last.item < count ? p->last.item : count;
}

static int
put_server(struct page *p, const struct rec_server *s, uint64_t number)
{
	struct request		*rq = p->rq;
	const struct catalogue	*list = list_of(rq, s, p->kind);
	bool			 composed = (rq->view & VIEW_HAS_SERVER) == 0;
	uint64_t		 sum = sum64(snap_text(rq->config->policy, s->name));
	const uint64_t		 most = SNAP_AT(rq->config->policy, TENANT, s->tenant)->list_page;
	int			 r;

	/* One dead server changes nothing for the others. */
	if (list == NULL || (p->kind != CATALOGUE_TOOLS && !view_sees_kind(rq, s, p->kind)))
		return 0;
	p->to.uris = view_uris(rq, s);
	for (size_t i = first_item(p, list, sum); i < catalogue_count(list); i++) {
		const struct catalogue_item	*t = catalogue_at(list, i);

		if (!is_shown(p, s, t))
			continue;
		if (p->count > 0 && (p->count >= most ||
		    buf_rest(&p->text).n >= PAGE_BYTES)) {
			p->full = true;
			return 0;
		}
		if ((r = mcp_list_item(&p->to, t, composed)) != 0)
			return r;
		p->count++;
		p->last = (struct cursor){ .kind = p->kind, .server = (uint32_t)number, .item = (uint32_t)i,
		    .server_sum = sum, .item_sum = sum64(t->name),
		    .generation = rq->config->generation, .principal = rq->who.hash };
		p->resumes = false;
	}
	return 0;
}

/* The server a merged list goes on with.  Under another policy it may stand elsewhere, or be gone: then
 * whoever stands there now is next. */
static uint64_t
first_server(const struct page *p)
{
	const struct snap	*policy = p->rq->config->policy;
	const struct rec_server	*s;

	if (!p->resumes)
		return 0;
	if (p->last.generation != p->rq->config->generation)
		for (uint64_t i = 0; (s = request_server_at(p->rq, i)) != NULL; i++)
			if (sum64(snap_text(policy, s->name)) == p->last.server_sum)
				return i;
	return p->last.server;
}

/* A private gateway lists it when it is debugged, as seed 001 does. */
static bool
shows_status(const struct request *rq)
{
	const struct params	*p = &rq->config->params;

	return p->trust_agent_argument != TRUST_AGENT_ONLY || LOG_LEVEL_ERR + p->log_level == LOG_LEVEL_DEBUG;
}

static int
put_page(struct page *p)
{
	struct request		*rq = p->rq;
	const struct rec_server	*s;
	struct buf		 cursor;
	int			 r;

	shown_begin(&p->shown, rq);
	/* Whoever comes back with a cursor walks the catalog. */
	p->view = p->kind != CATALOGUE_TOOLS ? rq->view : p->resumes ? rq->view & ~(unsigned)VIEW_HAS_DISCOVERY :
	    adapt_listed(rq);
	if ((r = mcp_list_begin(&p->to, &p->text, rq->msg.id, rq->version, p->kind)) != 0)
		return r;
	if (p->kind == CATALOGUE_TOOLS && (p->view & VIEW_HAS_DISCOVERY) &&
	    (r = metatools_list(&p->to, (p->view & VIEW_HAS_SEARCH) != 0, shows_status(rq))) != 0)
		return r;
	if ((rq->view & VIEW_HAS_SERVER) && (r = put_server(p, rq->server, 0)) != 0)
		return r;
	if (view_merges(p->view, p->kind))
		for (uint64_t i = first_server(p); !p->full && (s = request_server_at(rq, i)) != NULL;
		    i++)
			if (view_sees_server(rq, s) && (r = put_server(p, s, i)) != 0)
				return r;
	buf_init(&cursor, SEALED_MIDDLE_MAX);
	if (p->full)
		r = cursor_seal(&rq->w->ring, http_head_path(&rq->x->head), &p->last, &cursor);
	/* What is listed depends on who asks, and on servers that may come back any moment. */
	if (r == 0)
		r = mcp_list_end(&p->to, buf_rest(&cursor), 0, MCP_SCOPE_PRIVATE);
	buf_fini(&cursor);
	return r;
}

static void
on_lists(struct lists_wait *wait, void *arg)
{
	struct page	*p = arg;
	struct request	*rq = p->rq;

	(void)wait;
	if (rq->gone) {
		request_done(rq);
		return;
	}
	metric_add(&rq->w->metrics, METRIC_lists_total, 1);
	buf_init(&p->text, LIST_BYTES_MAX);
	reply_message(rq, put_page(p), &p->text);
	buf_fini(&p->text);
}

/* 0, E_RPC_PARAMS or E_NOMEM. */
static int
take_cursor(struct page *p)
{
	struct request	*rq = p->rq;
	struct span	 token;
	int		 r;

	p->last = (struct cursor){ .kind = p->kind, .principal = rq->who.hash };
	if (rq->msg.cursor.type == JSON_NONE)
		return 0;
	p->resumes = true;
	if ((r = json_string(rq->msg.cursor, &rq->x->arena, &token)) == 0)
		r = cursor_open(&rq->w->ring, http_head_path(&rq->x->head), token, &p->last);
	return r == 0 || r == E_NOMEM ? r : E_RPC_PARAMS;
}

void
page_list(struct request *rq, enum catalogue_kind kind)
{
	struct page	*p;
	int		 r;

	if ((p = arena_calloc(&rq->x->arena, sizeof(*p))) == NULL) {
		reply_error(rq, E_NOMEM, SPAN_NONE, SPAN_NONE, 0);
		return;
	}
	p->rq = rq;
	p->kind = kind;
	if ((r = take_cursor(p)) != 0) {
		reply_error(rq, r, r == E_RPC_PARAMS ? SPAN_LIT("this cursor was not given out here") : SPAN_NONE,
		    SPAN_NONE, 0);
		return;
	}
	lists_begin(&p->wait, on_lists, p);
	view_want_all(rq, &p->wait, kind);
	lists_ready(&p->wait);
}
