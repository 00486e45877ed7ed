/* SPDX-License-Identifier: Apache-2.0
 *
 * metasearch.c - search_tools: the tools that an agent may call, by words of what they do
 *
 * Process: worker.
 * Owns:    a search: its hold on the catalogues, which lists may replace meanwhile.
 * Trusts:  decide() alone for what is ranked.  A tool that this agent may not call is not counted either,
 *          so that no score tells of it.
 *
 * Three walks over all tools: read those that were never searched before, count those that may be seen,
 * score those that hold a word of the query.  Each turn of the loop does a piece, so that ten thousand
 * tools delay nobody else's call.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "mcp/toolwords.h"
#include "worker/call/may.h"
#include "worker/call/pending.h"
#include "worker/front/reply.h"
#include "worker/lists/shown.h"
#include "worker/lists/view.h"
#include "worker/meta/meta_priv.h"
#include "worker/meta/metalist.h"
#include "worker/meta/metasearch.h"

#define SEARCH_MAGIC	0x5ea4c401u
#define TURN_WORK	(32 * 1024)	/* bytes of text, or what takes as long: about 0.3 ms */
#define COUNT_WORK	64		/* a tool, decided and counted */
#define SCORE_WORK	32
#define SKIP_WORK	1
#define AHEAD		8		/* tools */
#define HIT_BYTES	256		/* names, score and members of a tool in the result */

_Static_assert(META_LIMIT_MAX <= RANK_TOP_MAX, "all that may be asked for are kept");

enum walk { WALK_READ, WALK_COUNT, WALK_SCORE, WALK_OVER };

struct source {
	const struct rec_server	*server;
	struct catalogue	*tools;		/* held */
	uint8_t			*hit;		/* a bit for each tool */
};

struct search {
	uint32_t		 magic;
	struct request		*rq;
	struct pending		 pending;
	struct meta_args	 args;
	const struct rec_server	*server;	/* NULL: all */
	struct loop_timer	 next;

	struct source		*source;
	uint32_t		 count;
	enum walk		 walk;
	uint32_t		 at, tool;	/* where it is */
	struct rank		 rank;
	struct rank_top		 top;
	uint64_t		 matches;
};

static void
search_fini(struct search *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		catalogue_free(&s->source[i].tools);
		free(s->source[i].hit);
	}
	free(s->source);
	s->source = NULL;
	s->count = 0;
	s->magic = 0;
}

static struct span
server_name(const struct search *s, uint32_t source)
{
	return snap_text(s->rq->config->policy, s->source[source].server->name);
}

/* --- the result ------------------------------------------------------------------------------- */

static int
put_hit(struct metalist *l, const struct shown *shown, const struct search *s, const struct rank_hit *hit)
{
	const struct source		*from = &s->source[hit->source];
	const struct catalogue_item	*t = catalogue_at(from->tools, hit->doc);
	struct span			 server = server_name(s, hit->source);
	struct span			 name = shown_name(shown, from->server, t);
	int				 r;

	if (!metalist_takes(l, t, t->name_value.raw.n + 6 * server.n + HIT_BYTES))
		return 0;
	if ((r = buf_put_str(l->to, l->returned > 1 ? ",{\"server\":" : "{\"server\":")) != 0 ||
	    (r = json_put_string(l->to, server)) != 0 || (r = buf_put_str(l->to, ",\"name\":")) != 0 ||
	    (r = name.n > 0 ? json_put_string(l->to, name) : buf_put_str(l->to, "null")) != 0 ||
	    (r = buf_put_str(l->to, ",\"tool\":")) != 0 || (r = buf_put(l->to, t->name_value.raw)) != 0 ||
	    (r = buf_put_str(l->to, ",")) != 0 || (r = metalist_put_definition(l, t)) != 0)
		return r;
	return buf_put_fmt(l->to, ",\"score\":%.4f}", hit->score);
}

static int
put_result(const struct search *s, struct buf *b)
{
	struct metalist	l;
	struct shown	shown;
	int		r;

	shown_begin(&shown, s->rq);
	if ((r = metalist_begin(&l, s->rq, &s->args, b)) != 0)
		return r;
	for (unsigned i = 0; i < s->top.count; i++)
		if ((r = put_hit(&l, &shown, s, &s->top.hit[i])) != 0)
			return r;
	if ((r = buf_put_fmt(b, "],\"total_matches\":%lu,", (unsigned long)s->matches)) != 0)
		return r;
	return metalist_end(&l, "limit, server or max_schema_tokens");
}

static void
search_reply(struct search *s, int r)
{
	struct request	*rq = s->rq;
	struct buf	 b;

	metalist_buf_init(&b, rq);
	if (r == 0)
		r = put_result(s, &b);
	meta_record(rq, META_SEARCH_TOOLS, s->server);
	search_fini(s);
	meta_reply_built(rq, r, &b, false);
}

/* --- three walks ------------------------------------------------------------------------------ */

/* By server, then by name: equal scores come in the same order from every worker. */
static int
order(const struct rank_hit *a, const struct rank_hit *b, void *arg)
{
	const struct search	*s = arg;
	int			 r;

	if ((r = span_cmp(server_name(s, a->source), server_name(s, b->source))) != 0)
		return r;
	return span_cmp(catalogue_at(s->source[a->source].tools, a->doc)->name,
	    catalogue_at(s->source[b->source].tools, b->doc)->name);
}

static size_t
count_tool(struct search *s, struct source *from)
{
	struct decision	d;

	/* Names lie far apart, and waiting for them was half of the time. */
	if (s->tool + AHEAD < catalogue_count(from->tools))
		__builtin_prefetch(catalogue_at(from->tools, s->tool + AHEAD)->name.p);
	if (catalogue_at(from->tools, s->tool)->standing != CATALOGUE_STANDS ||
	    catalogue_at(from->tools, s->tool)->shown.n == 0)
		return SKIP_WORK;
	may_see(s->rq, OBJECT_TOOL, server_name(s, s->at), catalogue_at(from->tools, s->tool)->name,
	    catalogue_at(from->tools, s->tool), &d);
	if (d.allow && rank_count(&s->rank, *catalogue_words(from->tools), s->tool)) {
		from->hit[s->tool / 8] |= (uint8_t)(1 << s->tool % 8);
		s->matches++;
	}
	return COUNT_WORK;
}

static size_t
score_tool(struct search *s, struct source *from)
{
	if ((from->hit[s->tool / 8] >> s->tool % 8 & 1) == 0)
		return SKIP_WORK;
	rank_top_put(&s->top, (struct rank_hit){ rank_score(&s->rank, *catalogue_words(from->tools), s->tool),
	    s->at, s->tool }, order, s);
	return SCORE_WORK;
}

/* One server's part of this walk, as far as *work goes; then the next server is looked at.  0 or
 * E_NOMEM. */
static int
walk_source(struct search *s, size_t *work)
{
	struct source	*from = &s->source[s->at];
	uint32_t	 tools = (uint32_t)catalogue_count(from->tools);
	size_t		 done;
	int		 r;

	if (s->walk == WALK_READ) {
		if ((r = toolwords_read(from->tools, work)) != 0)
			return r;
		if (!toolwords_whole(from->tools))
			return 0;
		s->tool = tools;
	}
	for (; *work > 0 && s->tool < tools; s->tool++) {
		done = s->walk == WALK_COUNT ? count_tool(s, from) : score_tool(s, from);
		*work -= done < *work ? done : *work;
	}
	if (s->tool == tools) {
		s->at++;
		s->tool = 0;
	}
	return 0;
}

static void
on_turn(struct loop_timer *t, void *arg)
{
	struct search	*s = arg;
	struct request	*rq = s->rq;
	size_t		 work = TURN_WORK;
	int		 r = 0;

	(void)t;
	MAGIC_CHECK(s, SEARCH_MAGIC);
	if (rq->gone) {
		search_fini(s);
		request_done(rq);
		return;
	}
	while (r == 0 && work > 0 && s->walk != WALK_OVER) {
		if (s->at < s->count) {
			r = walk_source(s, &work);
			continue;
		}
		if (s->walk == WALK_COUNT)
			rank_weigh(&s->rank);
		s->walk++;
		s->at = 0;
	}
	if (r != 0 || s->walk == WALK_OVER)
		search_reply(s, r);
	else
		loop_timer_arm(&s->next, 0);
}

/* --- the beginning ---------------------------------------------------------------------------- */

static int
add_source(struct search *s, const struct rec_server *server)
{
	struct request		*rq = s->rq;
	struct source		*wider, *to;
	const struct catalogue	*tools;
	struct span		 why;

	/* What does not answer is not searched: the same as in a list. */
	if ((tools = lists_find(rq->w->lists, server, view_list_instance(rq, server), &why)) == NULL)
		return 0;
	if ((s->count & (s->count - 1)) == 0) {		/* full at powers of two */
		wider = realloc(s->source, (s->count == 0 ? 1 : 2 * s->count) * sizeof(*wider));
		if (wider == NULL)
			return E_NOMEM;
		s->source = wider;
	}
	to = &s->source[s->count];
	*to = (struct source){ .server = server };
	if ((to->hit = calloc(catalogue_count(tools) / 8 + 1, 1)) == NULL)
		return E_NOMEM;
	to->tools = catalogue_hold(tools);
	s->count++;
	return 0;
}

static void
on_lists(struct lists_wait *wait, void *arg)
{
	struct search		*s = arg;
	struct request		*rq = s->rq;
	const struct rec_server	*server;
	struct span		 why;
	int			 r = 0;

	(void)wait;
	MAGIC_CHECK(s, SEARCH_MAGIC);
	if (s->server != NULL) {
		if (lists_find(rq->w->lists, s->server, view_list_instance(rq, s->server), &why) == NULL) {
			meta_record(rq, META_SEARCH_TOOLS, s->server);
			meta_reply_no_tools(rq, META_SEARCH_TOOLS, &s->args, E_SERVER, why, SPAN_NONE);
			return;
		}
		r = add_source(s, s->server);
	}
	for (uint64_t i = 0; s->server == NULL && r == 0 &&
	    (server = request_server_at(rq, i)) != NULL; i++)
		if (view_sees_server(rq, server))
			r = add_source(s, server);
	if (r != 0)
		search_reply(s, r);
	else
		on_turn(&s->next, s);
}

static void
record_given_up(void *arg)
{
	const struct search	*s = arg;

	meta_record_given_up(s->rq, META_SEARCH_TOOLS, s->server);
}

void
metasearch_begin(struct request *rq, const struct meta_args *args, const struct rec_server *server)
{
	const struct rec_server	*each;
	struct search		*s;

	if ((s = arena_calloc(&rq->x->arena, sizeof(*s))) == NULL) {
		reply_error(rq, E_NOMEM, SPAN_NONE, SPAN_NONE, 0);
		return;
	}
	s->magic = SEARCH_MAGIC;
	s->rq = rq;
	s->args = *args;
	s->server = server;
	s->top.limit = (unsigned)args->limit;
	loop_timer_init(rq->w->loop, &s->next, on_turn, s);
	rank_begin(&s->rank, args->query);
	pending_begin(&s->pending, rq, on_lists, record_given_up, s);
	if (server != NULL)
		lists_want(rq->w->lists, &s->pending.wait, rq->config, server, view_list_instance(rq, server), true);
	for (uint64_t i = 0; server == NULL && (each = request_server_at(rq, i)) != NULL; i++)
		if (view_sees_server(rq, each))
			lists_want(rq->w->lists, &s->pending.wait, rq->config, each, view_list_instance(rq, each),
			    false);
	pending_ready(&s->pending);
}
