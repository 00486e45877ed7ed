/* SPDX-License-Identifier: Apache-2.0
 *
 * test_inner.c - requests within a request, with handlers that know nothing of it
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "http/queue.h"
#include "http/sse.h"
#include "tests/unit/wire/wire.h"
#include "worker/front/inner.h"

#define OUTER	"POST /a/path?q HTTP/1.1\r\nHost: a\r\nMcp-Session-Id: s\r\nTransfer-Encoding: chunked\r\n\r\n"	\
	"5\r\nouter\r\n0\r\n\r\n"

static char		large[300 * 1024];
static struct {
	struct wire		 w;
	struct inner		 in;
	struct inner_how	 how;
	struct http_budget	 budget;	/* of answers */
	struct exchange		*outer;
	struct span		 body;
	unsigned		 woken;
	int			 fd;
} rig;

static struct http_head		 other;
static const struct http_head	*head;		/* of the inner one; NULL: the outer's */
static inner_head_fn		*told;
static char			 session[16];	/* what the answer's head said */

static void
on_head(struct inner *in, const struct exchange_field *fields, size_t n, void *arg)
{
	cr_expect(in == &rig.in && arg == &rig && in->status == 201);
	cr_assert(n == 1 && fields[0].value.n < sizeof(session));
	memcpy(session, fields[0].value.p, fields[0].value.n);
}

static void
handle_created(struct exchange *x, void *arg)
{
	const struct exchange_field	f = { SPAN_LIT("Mcp-Session-Id"), SPAN_LIT("fresh") };

	(void)arg;
	exchange_reply(x, 201, &f, 1, SPAN_NONE);
}

static void
on_ready(struct inner *in, void *arg)
{
	cr_expect(in == &rig.in && arg == &rig);
	rig.woken++;
}

static void
on_outer(struct exchange *x, void *arg)
{
	(void)arg;
	rig.outer = x;
	x->begun_ns -= 1000;
	inner_begin(&rig.in, x, head, rig.body, &rig.how);
}

/* A client's request is there, and within it one with this body runs. */
static void
begin(exchange_fn *handler, struct span body, size_t budget)
{
	memset(&rig, 0, sizeof(rig));
	rig.how = (struct inner_how){ handler, &rig.w, on_ready, &rig, &rig.budget, told };
	rig.budget.limit = budget;
	rig.body = body;
	wire_start(&rig.w, on_outer);
	rig.fd = wire_connect(&rig.w);
	wire_send(&rig.w, rig.fd, OUTER, strlen(OUTER));
	wire_settle(&rig.w);
	cr_assert(rig.outer != NULL);
}

static void
end(void)
{
	inner_fini(&rig.in);
	cr_expect(rig.budget.used == 0, "all that was kept came back");
	exchange_reply(rig.outer, 200, NULL, 0, SPAN_NONE);
	close(rig.fd);
	wire_settle(&rig.w);
	cr_expect(conn_set_pool(rig.w.conns)->used_count == 0, "no exchange is left");
	wire_stop(&rig.w);
}

static void
expect_kept(struct span want)
{
	cr_expect(span_eq(inner_kept(&rig.in), want), "%zu bytes, not %zu", inner_kept(&rig.in).n, want.n);
}

Test(inner, has_the_head_and_the_peer_of_the_outer_and_a_body_of_its_own)
{
	const struct http_head	*h;

	begin(handle_echo, SPAN_LIT("inner"), 1000);
	cr_assert(rig.in.x != NULL && rig.in.x != rig.outer);
	h = &rig.in.x->head;
	cr_expect(span_is(http_head_path(h), "/a/path") && span_is(http_head_get(h, HTTP_MCP_SESSION_ID), "s"));
	cr_expect(h->method == HTTP_POST && !h->chunked && h->has_length && h->length == 5);
	cr_expect(memcmp(&rig.in.x->peer.address, &rig.outer->peer.address, 16) == 0 &&
	    rig.in.x->peer.port == rig.outer->peer.port && rig.in.x->listener == rig.outer->listener &&
	    rig.in.x->begun_ns == rig.outer->begun_ns);
	cr_expect(rig.woken > 0 && rig.in.status == 200 && rig.in.ended == FLOW_DONE);
	expect_kept(SPAN_LIT("inner"));
	cr_expect(rig.budget.used == 5);
	inner_take(&rig.in, 3);
	expect_kept(SPAN_LIT("er"));
	cr_expect(rig.budget.used == 2);
	cr_expect(!exchange_answered(rig.outer), "the outer one is another matter");
	end();
}

Test(inner, may_have_another_head_and_tells_that_of_its_answer)
{
	static const char	text[] = "GET /b HTTP/1.1\r\nHost: b\r\n\r\n";

	http_head_init(&other, HTTP_REQUEST);
	cr_assert(http_head_parse(&other, text, strlen(text)) == 0);
	head = &other;
	told = on_head;
	begin(handle_created, SPAN_NONE, 1000);
	cr_expect(rig.in.x->head.method == HTTP_GET && span_is(http_head_path(&rig.in.x->head), "/b") &&
	    span_is(http_head_get(&rig.in.x->head, HTTP_HOST), "b") && !exchange_has_body(rig.in.x));
	cr_expect(rig.in.x->peer.port == rig.outer->peer.port);
	cr_expect_str_eq(session, "fresh");
	end();
}

Test(inner, gives_a_large_body_whole)
{
	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (char)('a' + i % 23);
	begin(handle_echo, span_make(large, sizeof(large)), 1 << 20);
	cr_expect(rig.w.err == 0 && rig.w.done == 1);
	expect_kept(span_make(large, sizeof(large)));
	end();
}

Test(inner, may_be_answered_before_its_body_is_read)
{
	begin(handle_hello, span_make(large, sizeof(large)), 1000);
	cr_expect(rig.in.ended == FLOW_DONE);
	expect_kept(SPAN_LIT("hello"));
	end();
}

Test(inner, tells_its_handler_when_it_is_given_up)
{
	begin(handle_later, SPAN_LIT("x"), 1000);
	cr_expect(rig.in.ended == FLOW_OPEN && rig.w.last != NULL);
	inner_fini(&rig.in);
	cr_expect(rig.w.gone == FLOW_GONE);
	inner_fini(&rig.in);		/* once is enough */
	end();
}

Test(inner, that_has_ended_keeps_its_answer_when_the_rest_goes)
{
	begin(handle_echo, SPAN_LIT("inner"), 1000);
	cr_expect(inner_is_fed(&rig.in) && rig.in.x != NULL);
	inner_release(&rig.in);
	cr_expect(rig.in.x == NULL);
	expect_kept(SPAN_LIT("inner"));
	inner_release(&rig.in);
	end();
}

Test(inner, gets_no_more_than_it_is_credited)
{
	size_t	first;

	begin(handle_flood, SPAN_LIT("x"), 1 << 20);
	first = rig.w.streamed;
	cr_expect(first > 0 && first <= HTTP_QUEUE_HIGH);
	cr_expect(inner_kept(&rig.in).n == first);
	inner_take(&rig.in, first);
	cr_expect(rig.w.streamed == first, "what is taken is not yet credited");
	inner_credit(&rig.in);
	cr_expect(rig.w.streamed == 2 * first);
	inner_credit(&rig.in);
	inner_credit(&rig.in);
	cr_expect(rig.w.streamed == 4 * first);
	end();
}

Test(inner, keeps_nothing_of_an_answer_that_finds_no_room)
{
	begin(handle_echo, span_make(large, 2000), 1999);
	cr_expect(rig.in.error == E_OVERLOAD && rig.in.ended == FLOW_DONE);
	expect_kept(SPAN_LIT(""));
	cr_expect(rig.budget.used == 0);
	end();
	/* Others have what there is. */
	begin(handle_later, SPAN_LIT("x"), 10);
	rig.budget.used = 11;
	exchange_reply(rig.w.last, 200, NULL, 0, SPAN_LIT("y"));
	cr_expect(rig.in.error == E_OVERLOAD);
	rig.budget.used -= 11;
	end();
}

static void
give(const char *text)
{
	flow_give(&rig.w.last->answer, span_of(text));
}

Test(inner, passes_on_whole_events_only)
{
	const struct exchange_field	sse = { SPAN_LIT("content-type"), SPAN_LIT("text/event-stream") };
	static const char		one[] = SSE_BEFORE "{1}" SSE_AFTER, two[] = SSE_BEFORE "{22}" SSE_AFTER;

	begin(handle_later, SPAN_LIT("x"), strlen(one) + strlen(two) + 40);
	exchange_answer(rig.w.last, 200, &sse, 1, EXCHANGE_STREAM);
	cr_expect(rig.in.events);
	give(SSE_BEFORE);
	give("{1}");
	expect_kept(SPAN_LIT(""));
	give(SSE_AFTER);
	expect_kept(span_of(one));
	give(two);
	give(SSE_BEFORE);
	cr_expect(inner_kept(&rig.in).n == strlen(one) + strlen(two));
	inner_take(&rig.in, strlen(one));
	expect_kept(span_of(two));
	/* The third finds no room: the second stays. */
	give("{3333333333333333333333333333333333333333333333333333333333333333333333333}");
	cr_expect(rig.in.error == E_OVERLOAD);
	give(SSE_AFTER);
	expect_kept(span_of(two));
	cr_expect(rig.budget.used == strlen(two));
	flow_end(&rig.w.last->answer, FLOW_DONE);
	end();
}
