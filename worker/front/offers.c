/* SPDX-License-Identifier: Apache-2.0
 *
 * offers.c - what this gateway offers a client
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  what servers say of themselves, for what is advertised; policy alone for who sees a server.
 */
#include "upstream/news.h"
#include "worker/call/tasks.h"
#include "worker/front/offers.h"
#include "worker/lists/view.h"

/* What the gateway can carry at all. */
#define CARRIED	(MCP_OFFER_TOOLS | MCP_OFFER_PROMPTS | MCP_OFFER_RESOURCES | MCP_OFFER_COMPLETIONS | \
	MCP_OFFER_LOGGING | MCP_OFFER_CHANGES)

#define INSTRUCTIONS_MAX	ABOUT_INSTRUCTIONS_MAX	/* of all servers together */

static const struct about *
about_of(const struct request *rq, const struct rec_server *s)
{
	return lists_about(rq->w->lists, s, view_list_instance(rq, s));
}

void
offers_want(struct request *rq, struct lists_wait *wait)
{
	if (rq->view & VIEW_HAS_SERVER)
		lists_want_kind(rq->w->lists, wait, rq->config, rq->server,
		    view_list_instance(rq, rq->server), LIST_ABOUT, true);
}

void
offers_want_told(struct request *rq, struct lists_wait *wait)
{
	const struct rec_server	*s;
	uint64_t		 at = 0;

	offers_want(rq, wait);
	while ((rq->view & VIEW_HAS_SERVER) == 0 && (s = view_next_server(rq, &at)) != NULL)
		if (s->kind == SERVER_HTTP)
			lists_want_kind(rq->w->lists, wait, rq->config, s, view_list_instance(rq, s), LIST_ABOUT,
			    false);
}

/* Tasks of one era are nothing to a client of the other (mcp-wire 14.12). */
static uint32_t
tasks_for(const struct request *rq, uint32_t bits)
{
	const uint32_t	theirs = rq->modern ? MCP_OFFER_TASKS : rq->version == MCP_2025_11_25 ?
			    MCP_OFFER_CORE_TASKS : 0;

	return bits & theirs ? MCP_OFFER_TASKS : 0;
}

/* `unknown` is what a server has that said nothing yet. */
static uint32_t
bits_of(const struct request *rq, const struct rec_server *s, uint32_t unknown)
{
	const struct about	*about = about_of(rq, s);
	uint32_t		 bits = about != NULL ? about->offers : unknown;

	/* Nothing may be promised that is not delivered. */
	if (s->kind == SERVER_HTTP && (s->https != 0 || news_is_mute(rq->w->upstreams, s->profile)))
		bits &= ~(uint32_t)MCP_OFFER_CHANGES;
	if (!tasks_possible(s))
		bits &= ~(uint32_t)(MCP_OFFER_TASKS | MCP_OFFER_CORE_TASKS);
	return bits;
}

uint32_t
offers_of_server(const struct request *rq, const struct rec_server *s)
{
	return bits_of(rq, s, CARRIED) & CARRIED;
}

static struct offers
gather(const struct request *rq, uint32_t unknown)
{
	struct offers		 o = { .bits = rq->view & VIEW_HAS_SERVER ? 0 : MCP_OFFER_TOOLS, .certain = true };
	const struct rec_server	*s;
	uint64_t		 at = 0;

	while ((s = view_next_server(rq, &at)) != NULL) {
		o.bits |= bits_of(rq, s, unknown);
		o.certain = o.certain && about_of(rq, s) != NULL;
	}
	o.bits = (o.bits & CARRIED) | tasks_for(rq, o.bits);
	return o;
}

struct offers
offers_now(const struct request *rq)
{
	return gather(rq, CARRIED);
}

uint32_t
offers_for(const struct request *rq, enum mcp_method method)
{
	uint32_t	needed = mcp_method_row(method)->offer;

	if ((needed & ~(uint32_t)MCP_OFFER_TOOLS) == 0)
		return MCP_OFFER_TOOLS;
	/* Who made a task has said so elsewhere, perhaps to another worker. */
	return MCP_OFFER_TOOLS | gather(rq, CARRIED | MCP_OFFER_TASKS | MCP_OFFER_CORE_TASKS).bits;
}

/* Each server's under its prefix, as the names of its tools begin with it.  What does not fit is left out
 * whole: half a sentence may say the contrary. */
static int
put_instructions(struct request *rq, struct buf *b)
{
	const struct snap	*policy = rq->config->policy;
	const struct rec_server	*s;
	const struct about	*about;
	uint64_t		 at = 0;
	struct span		 title;
	int			 r;

	while ((s = view_next_server(rq, &at)) != NULL) {
		if ((about = about_of(rq, s)) == NULL || about->bytes == 0)
			continue;
		title = snap_text(policy, s->prefix.bytes > 0 ? s->prefix : s->name);
		if (buf_rest(b).n + title.n + about->bytes + 8 > INSTRUCTIONS_MAX)
			continue;
		if ((r = buf_put_fmt(b, "%s# %.*s\n\n", buf_rest(b).n > 0 ? "\n\n" : "", SPAN_FMT(title))) != 0 ||
		    (r = buf_put(b, span_make(about->instructions, about->bytes))) != 0)
			return r;
	}
	return 0;
}

struct span
offers_instructions(struct request *rq)
{
	const struct about	*about;
	struct span		 text = SPAN_NONE;
	struct buf		 b;

	if (rq->view & VIEW_HAS_SERVER) {
		about = about_of(rq, rq->server);
		return about == NULL ? SPAN_NONE :
		    arena_dup(&rq->x->arena, span_make(about->instructions, about->bytes));
	}
	buf_init(&b, INSTRUCTIONS_MAX);
	if (put_instructions(rq, &b) == 0 && buf_rest(&b).n > 0)
		text = arena_dup(&rq->x->arena, buf_rest(&b));
	buf_fini(&b);
	return text;
}
