/* SPDX-License-Identifier: Apache-2.0
 *
 * streams.c - clients who hear what servers say outside of calls
 *
 * Process: worker; of a legacy session the one worker that subscribe.c sends its requests to.
 * Owns:    streams, and what each subscribed to.
 * Trusts:  policy alone for which servers a client hears of.  A client that does not read is told less often,
 *          never less: what changed is a bit, and is said when there is room.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/log.h"
#include "mcp/news.h"
#include "worker/front/session.h"
#include "worker/lists/view.h"
#include "worker/streams/events.h"
#include "worker/streams/fanin.h"
#include "worker/streams/streams_priv.h"

#define GATHER_MS	100		/* changes of several servers are said once */
#define TICK_MIN_MS	100
#define POLICY_MS	250		/* from a new policy until clients are told */
#define LISTS		(1u << LINK_EVENT_TOOLS | 1u << LINK_EVENT_PROMPTS | 1u << LINK_EVENT_RESOURCES)

struct streams {
	struct stream		*first;
	size_t			 count;
	uint64_t		 changed_ns;	/* of the last policy; a request begun before is of another one */
	uint64_t		 looked_ns;	/* when credentials were looked at last; likewise */
	struct loop_timer	 gather, tick;
	uint64_t		 tick_ms;	/* when it is, by the monotonic clock */
};

/* The next look at all streams, this long from now unless it is sooner already. */
static void
tick_within(struct worker *w, uint64_t ms)
{
	struct streams	*all = w->streams;
	const uint64_t	 at = loop_now_ms(w->loop) + ms;

	if (all->tick.armed && all->tick_ms <= at)
		return;
	all->tick_ms = at;
	loop_timer_arm(&all->tick, ms);
}

/* How long its client's credential is good for. */
static uint64_t
credential_left(const struct stream *s)
{
	const uint64_t	now = loop_wall_ms(s->w->loop);

	if (s->rq == NULL || s->rq->who.ends_ms == 0)
		return UINT64_MAX;
	return s->rq->who.ends_ms > now ? s->rq->who.ends_ms - now : 0;
}

static void
gather_soon(struct streams *all)
{
	if (!all->gather.armed)
		loop_timer_arm(&all->gather, GATHER_MS);
}

/* --- one stream ------------------------------------------------------------------------------- */

/* The answer begins; false: the client is gone. */
static bool
begin(struct stream *s)
{
	s->held = false;
	return events_begin(s->rq) == 0 && (s->first.n == 0 || events_give(s->rq, &s->first, 1, false) == 0);
}

/* Its request is let go of; what the client is told last was said. */
static void
detach(struct stream *s, bool gone)
{
	struct request	*rq = s->rq;

	if (rq == NULL)
		return;
	listens_end(&s->listens);
	if (s->held)
		gone = !begin(s);
	s->rq = NULL;
	s->alone_since = loop_now_ms(s->w->loop);
	rq->on_gone = NULL;
	rq->on_back = NULL;
	rq->job = NULL;
	if (s->keeps)
		fanin_let_go(s->w, rq->who.tenant);
	s->keeps = false;
	if (!gone)
		flow_end(&rq->x->answer, FLOW_DONE);
	request_done(rq);
}

static void
stream_free(struct stream *s)
{
	struct stream	**at = &s->w->streams->first;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	s->w->streams->count--;
	while (s->subs != NULL)
		stream_sub_end(s, &s->subs);
	s->magic = 0;
	free(s);
}

void
streams_end(struct stream *s)
{
	MAGIC_CHECK(s, STREAM_MAGIC);
	detach(s, false);
	stream_free(s);
}

static void
on_client_gone(struct request *rq)
{
	struct stream	*s = rq->job;

	MAGIC_CHECK(s, STREAM_MAGIC);
	detach(s, true);
	/* A session's client comes back. */
	if (s->session == 0)
		stream_free(s);
}

/* What was not said while it was away is said now. */
static void
on_client_back(struct request *rq)
{
	struct stream	*s = rq->job;

	MAGIC_CHECK(s, STREAM_MAGIC);
	gather_soon(s->w->streams);
}

static struct stream *
stream_new(const struct request *rq)
{
	struct worker	*w = rq->w;
	struct streams	*all = w->streams;
	struct stream	*s;
	size_t		 theirs = 0;

	for (s = all->first; s != NULL; s = s->next)
		theirs += s->principal == rq->who.hash;
	if (all->count >= STREAMS_MAX || theirs >= STREAMS_EACH || (s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->magic = STREAM_MAGIC;
	s->w = w;
	s->principal = rq->who.hash;
	s->wants = LISTS;
	s->alone_since = loop_now_ms(w->loop);
	s->next = all->first;
	all->first = s;
	all->count++;
	tick_within(w, STREAM_KEEP_ALIVE_MS);
	return s;
}

struct stream *
streams_of_session(struct request *rq)
{
	struct stream	*s;

	BUG_ON(!rq->has_session);
	for (s = rq->w->streams->first; s != NULL; s = s->next)
		if (s->session == rq->session_hash && s->id.n == 0)
			return s;
	if ((s = stream_new(rq)) != NULL) {
		s->session = rq->session_hash;
		s->ref = rq->session;
	}
	return s;
}

struct stream *
streams_of_listen(struct request *rq)
{
	struct stream	*s = stream_new(rq);

	if (s != NULL)
		s->id = rq->msg.id;
	return s;
}

void
streams_want(struct stream *s, unsigned wants)
{
	MAGIC_CHECK(s, STREAM_MAGIC);
	s->wants = wants & LISTS;
	s->changed &= wants;
}

/* Nothing need be waited for any more. */
static void
on_listens(void *arg)
{
	struct stream	*s = arg;

	MAGIC_CHECK(s, STREAM_MAGIC);
	if (!s->held)
		return;
	if (!begin(s)) {
		on_client_gone(s->rq);
		return;
	}
	if (s->over)
		loop_timer_arm(&s->w->streams->gather, POLICY_MS);
	else
		gather_soon(s->w->streams);	/* what was not said on the stream before */
}

void
streams_missed(struct stream *s)
{
	MAGIC_CHECK(s, STREAM_MAGIC);
	s->changed |= s->wants;
}

/* As its revision says: a modern client is told that it was meant (mcp-wire 8). */
static void
end_in_order(struct stream *s)
{
	struct buf	b;
	struct span	text;

	if (s->rq != NULL && s->id.n > 0) {
		buf_init(&b, 65536 + s->id.n);
		if (mcp_write_listen_end(&b, s->id) == 0) {
			text = buf_rest(&b);
			(void)!events_give(s->rq, &text, 1, false);
		}
		buf_fini(&b);
	}
	streams_end(s);
}

/* Its client's credential is good no longer. */
static void
turn_out(struct stream *s)
{
	log_info(NULL, "%s: a stream ends with its client's credential", s->rq->id_text);
	if (s->held && !begin(s))
		on_client_gone(s->rq);
	else
		end_in_order(s);
}

void
streams_attach(struct stream *s, struct request *rq, uint32_t offers, struct span first)
{
	MAGIC_CHECK(s, STREAM_MAGIC);
	detach(s, false);
	s->first = arena_dup(&rq->x->arena, first);
	if (!events_possible(rq) || (first.n > 0 && s->first.p == NULL)) {
		request_done(rq);
		if (s->session == 0)
			stream_free(s);
		return;
	}
	s->rq = rq;
	s->over = rq->x->begun_ns <= s->w->streams->changed_ns;
	s->held = true;
	rq->job = s;
	rq->on_gone = on_client_gone;
	rq->on_back = on_client_back;
	if (rq->who.ends_ms != 0)
		tick_within(s->w, credential_left(s) + 1);
	if (rq->x->begun_ns <= s->w->streams->looked_ns && !request_still_holds(rq)) {
		turn_out(s);
		return;
	}
	/* Without memory it hears of the servers that somebody calls. */
	s->keeps = fanin_keep(s->w, rq->who.tenant) == 0;
	if (s->over || listens_begin(&s->listens, rq, offers, on_listens, s))
		on_listens(s);
}

/* --- what is said ----------------------------------------------------------------------------- */

/* One notification; E_FULL when the client does not read. */
static int
say(struct stream *s, const char *method, struct span uri)
{
	struct buf	b;
	struct span	text;
	int		r;

	buf_init(&b, 65536 + uri.n * 6 + s->id.n);
	r = mcp_write_news(&b, method, uri, s->id);
	text = buf_rest(&b);
	if (r == 0)
		r = events_give(s->rq, &text, 1, true);
	buf_fini(&b);
	return r;
}

/* 0, or what kept something from being said.  To nobody nothing is said: it waits for this stream to be resumed,
 * or for the session's next one, and is said on one of them. */
static int
say_changes(struct stream *s)
{
	static const struct { enum link_event_kind kind; const char *method; } lists[] = {
		{ LINK_EVENT_TOOLS, "notifications/tools/list_changed" },
		{ LINK_EVENT_PROMPTS, "notifications/prompts/list_changed" },
		{ LINK_EVENT_RESOURCES, "notifications/resources/list_changed" },
	};
	int	r;

	if (!events_are_heard(s->rq))
		return 0;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if ((s->changed & 1u << lists[i].kind) == 0)
			continue;
		if ((r = say(s, lists[i].method, SPAN_NONE)) != 0)
			return r;
		s->changed &= ~(1u << lists[i].kind);
	}
	for (struct sub *sub = s->subs; sub != NULL; sub = sub->next) {
		if (!sub->changed)
			continue;
		if ((r = say(s, "notifications/resources/updated", span_make(sub->uri, sub->bytes))) != 0)
			return r;
		sub->changed = false;
	}
	return 0;
}

static void
on_gather(struct loop_timer *t, void *arg)
{
	struct worker	*w = arg;
	struct stream	*s, *next;
	bool		 left = false;

	for (s = w->streams->first; s != NULL; s = next) {
		next = s->next;
		if (s->rq == NULL || s->held)
			continue;
		if (say_changes(s) != 0 && !s->over)
			left = true;
		if (!s->over)
			continue;
		/* A session comes back; what it could not be told it is told then.  A modern client takes an end
		 * without a result for unexpected, and listens anew (mcp-wire 8). */
		detach(s, false);
		if (s->session == 0)
			stream_free(s);
	}
	if (left)
		loop_timer_arm(t, GATHER_MS);
}

/* The server of this profile, if the stream's client sees its lists; or NULL. */
static const struct rec_server *
seen_server(const struct stream *s, enum link_event_kind kind, uint64_t profile)
{
	const struct request	*rq = s->rq;
	const struct rec_server	*server;

	/* The tools of the discovery view are the gateway's own. */
	if (kind == LINK_EVENT_TOOLS && (rq->view & (VIEW_HAS_CATALOG | VIEW_HAS_SERVER | VIEW_IS_AUTO)) == 0)
		return NULL;
	for (uint64_t i = 0; (server = request_server_at(rq, i)) != NULL; i++)
		if (server->profile == profile)
			break;
	if (server == NULL || (server->flags & SERVER_FLAG_DISABLED) != 0)
		return NULL;
	if (rq->view & VIEW_HAS_SERVER ? server != rq->server : !view_sees_server(rq, server))
		return NULL;
	return server;
}

static bool
sees(const struct stream *s, enum link_event_kind kind, uint64_t profile, struct list_owner owner)
{
	const struct rec_server	*server = seen_server(s, kind, profile);

	return server != NULL && view_list_instance(s->rq, server).instance == owner.instance;
}

static void
on_event(enum link_event_kind kind, uint64_t profile, struct list_owner owner, struct span uri, void *arg)
{
	struct worker	*w = arg;
	bool		 any = false;

	for (struct stream *s = w->streams->first; s != NULL; s = s->next) {
		if (kind == LINK_EVENT_UPDATED) {
			for (struct sub *sub = s->subs; sub != NULL; sub = sub->next)
				if (stream_sub_concerns(sub, profile, owner, uri))
					any = sub->changed = true;
		} else if ((s->wants & 1u << kind) != 0 && s->rq != NULL && !s->over && sees(s, kind, profile, owner)) {
			s->changed |= 1u << kind;
			any = true;
		}
	}
	if (any)
		gather_soon(w->streams);
}

void
streams_tools_changed(struct worker *w, uint64_t profile)
{
	const unsigned	tools = 1u << LINK_EVENT_TOOLS;

	for (struct stream *s = w->streams->first; s != NULL; s = s->next) {
		if ((s->wants & tools) == 0 || s->rq == NULL || s->over ||
		    seen_server(s, LINK_EVENT_TOOLS, profile) == NULL)
			continue;
		s->changed |= tools;
		gather_soon(w->streams);
	}
}

/* --- time, and the end ------------------------------------------------------------------------ */

/* Of a session: is it there, and still its principal's? */
static bool
lives(const struct stream *s)
{
	return s->rq == NULL ? session_lives(&s->w->sessions, s->ref) : session_look(s->rq) == ERA_SESSION_LIVE;
}

static void
on_tick(struct loop_timer *t, void *arg)
{
	struct worker	*w = arg;
	struct stream	*s, *next;
	uint64_t	 within = STREAM_KEEP_ALIVE_MS, left;

	(void)t;
	for (s = w->streams->first; s != NULL; s = next) {
		next = s->next;
		left = UINT64_MAX;
		if (s->rq != NULL && events_are_heard(s->rq))
			s->alone_since = loop_now_ms(w->loop);
		if (loop_now_ms(w->loop) - s->alone_since >= STREAM_PATIENCE_MS || (s->session != 0 && !lives(s)))
			streams_end(s);
		else if ((left = credential_left(s)) == 0 && !s->held)
			end_in_order(s);
		else if (s->rq != NULL)
			events_keep_alive(s->rq);
		if (left < within)
			within = left;
	}
	if (w->streams->first != NULL)
		tick_within(w, within < TICK_MIN_MS ? TICK_MIN_MS : within + 1);
}

void
streams_policy_changed(struct worker *w)
{
	struct stream	*s, *next;

	w->streams->changed_ns = loop_now_ns(w->loop);
	for (s = w->streams->first; s != NULL; s = next) {
		next = s->next;
		s->changed |= s->wants;
		s->over = true;
		while (s->subs != NULL)
			stream_sub_end(s, &s->subs);
		listens_end(&s->listens);
		on_listens(s);
	}
	listens_changed(w);
	/* By then the other workers have that policy too, and lists are asked of any. */
	if (w->streams->first != NULL)
		loop_timer_arm(&w->streams->gather, POLICY_MS);
}

void
streams_look(struct worker *w)
{
	struct stream	*s, *next;

	w->streams->looked_ns = loop_now_ns(w->loop);
	for (s = w->streams->first; s != NULL; s = next) {
		next = s->next;
		if (s->rq == NULL)
			continue;
		if (request_still_holds(s->rq)) {
			if (s->rq->who.ends_ms != 0)
				tick_within(w, credential_left(s) + 1);
			continue;
		}
		turn_out(s);
	}
	listens_end_unwished(w);
}

void
streams_drain(struct worker *w)
{
	while (w->streams->first != NULL) {
		struct stream	*s = w->streams->first;

		on_listens(s);
		if (s == w->streams->first)
			end_in_order(s);
	}
	listens_changed(w);
}

int
streams_new(struct worker *w, struct streams **out)
{
	struct streams	*all = calloc(1, sizeof(*all));

	if ((*out = all) == NULL)
		return E_NOMEM;
	loop_timer_init(w->loop, &all->gather, on_gather, w);
	loop_timer_init(w->loop, &all->tick, on_tick, w);
	fanin_on(w, on_event, w);
	return 0;
}
