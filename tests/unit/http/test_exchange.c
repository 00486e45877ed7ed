/* SPDX-License-Identifier: Apache-2.0
 *
 * test_exchange.c - bodies, budgets and answers over a wire of the test's own
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "http/exchange.h"
#include "http/queue.h"
#include "http/write.h"

struct world {
	struct loop		*loop;
	struct block_pool	 pool;
	struct http_budget	 budget;
	struct exchange		*x;
	/* the wire */
	unsigned		 status;
	char			 answer[1024];
	size_t			 answer_bytes, credit;
	enum flow_end		 answer_end, body_end;
	/* the handler */
	int			 done, err;
	char			 body[64];
	size_t			 body_bytes;
	enum flow_end		 gone;
	size_t			 more;
	size_t			 bad_at;		/* progress refuses from here */
	size_t			 seen;
};

static int
wire_answer(void *arg, struct exchange *x, unsigned status, const struct exchange_field *fields, size_t n,
    uint64_t bytes)
{
	struct world	*w = arg;

	(void)x;
	(void)fields;
	(void)n;
	(void)bytes;
	w->status = status;
	return 0;
}

static void
wire_give(void *arg, struct span bytes)
{
	struct world	*w = arg;

	cr_assert(bytes.n <= sizeof(w->answer) - w->answer_bytes);
	memcpy(w->answer + w->answer_bytes, bytes.p, bytes.n);
	w->answer_bytes += bytes.n;
}

static void
wire_answer_end(void *arg, enum flow_end why)
{
	((struct world *)arg)->answer_end = why;
}

static void
wire_credit(void *arg, size_t n)
{
	((struct world *)arg)->credit += n;
}

static void
wire_body_end(void *arg, enum flow_end why)
{
	((struct world *)arg)->body_end = why;
}

static const struct exchange_wire wire = {
	wire_answer, { wire_give, wire_answer_end }, { wire_credit, wire_body_end },
};

static void
on_done(struct exchange *x, int err, struct span body, void *arg)
{
	struct world	*w = arg;

	(void)x;
	w->done++;
	w->err = err;
	w->body_bytes = body.n;
	if (body.n > 0 && body.n <= sizeof(w->body))
		memcpy(w->body, body.p, body.n);
}

static int
on_progress(struct exchange *x, struct span chunk, void *arg)
{
	struct world	*w = arg;

	(void)x;
	w->seen += chunk.n;
	return w->bad_at != 0 && w->seen >= w->bad_at ? E_JSON_SYNTAX : 0;
}

static void
on_more(void *arg, size_t n)
{
	((struct world *)arg)->more += n;
}

static void
on_gone(void *arg, enum flow_end why)
{
	((struct world *)arg)->gone = why;
}

static const struct flow_source handler = { on_more, on_gone };

static void
setup(struct world *w, const char *text)
{
	static const gid_t	groups[] = { 4, 27 };
	struct exchange_peer	peer = { .family = 1, .uid = 7, .groups = groups, .group_count = 2 };
	struct http_head	h;

	*w = (struct world){ .budget = { .limit = 100000 } };
	cr_assert(eq(int, loop_new(&w->loop), 0));
	block_pool_init(&w->pool, 4);
	http_head_init(&h, HTTP_REQUEST);
	cr_assert(eq(int, http_head_parse(&h, text, strlen(text)), 0));
	cr_assert(eq(int, exchange_new(w->loop, &w->pool, &h, &peer, 3, &wire, w, &w->x), 0));
	memset(&h, 0x5a, sizeof(h));
}

static void
teardown(struct world *w)
{
	if (w->x != NULL && !exchange_is_gone(w->x)) {
		if (w->x->answer.ended == FLOW_OPEN)
			exchange_wire_gone(w->x, FLOW_GONE);
		else
			exchange_wire_done(w->x);
	}
	exchange_unref(&w->x);
	cr_expect(eq(sz, w->budget.used, 0));
	block_pool_fini(&w->pool);	/* checks that all came back */
	loop_free(&w->loop);
}

#define POST(n) "POST /mcp?q HTTP/1.1\r\nHost: a\r\nContent-Length: " #n "\r\nAccept: a/b\r\n\r\n"
#define CHUNKED "POST /mcp HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

Test(exchange, keeps_its_own_copy_of_the_head_and_the_peer)
{
	struct world	w;
	char		text[] = POST(5);

	setup(&w, text);
	memset(text, 'x', sizeof(text));
	cr_expect(span_is(http_head_path(&w.x->head), "/mcp"));
	cr_expect(span_is(http_head_query(&w.x->head), "q"));
	cr_expect(span_is(http_head_get(&w.x->head, HTTP_ACCEPT), "a/b"));
	cr_expect(w.x->peer.uid == 7 && w.x->peer.group_count == 2 && w.x->peer.groups[1] == 27);
	cr_expect(exchange_has_body(w.x));
	teardown(&w);
}

Test(exchange, collects_a_body_in_pieces)
{
	struct world	w;

	for (int chunked = 0; chunked < 2; chunked++) {
		setup(&w, chunked ? CHUNKED : POST(11));
		exchange_collect_body(w.x, 100, &w.budget, on_progress, on_done, &w);
		cr_expect(eq(sz, w.credit, 64 * 1024));
		flow_give(&w.x->body, SPAN_LIT("hello "));
		flow_give(&w.x->body, SPAN_LIT("world"));
		cr_expect(eq(int, w.done, 0));
		cr_expect(eq(sz, w.credit, 64 * 1024 + 11));
		flow_end(&w.x->body, FLOW_DONE);
		cr_expect(w.done == 1 && w.err == 0 && w.body_bytes == 11 && w.seen == 11);
		cr_expect(memcmp(w.body, "hello world", 11) == 0);
		/* A small announced body lives in the arena; memory of its own is counted. */
		cr_expect(chunked == (w.budget.used > 0));
		teardown(&w);
	}
}

Test(exchange, gives_an_empty_body_at_once)
{
	struct world	w;

	setup(&w, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	flow_end(&w.x->body, FLOW_DONE);
	exchange_collect_body(w.x, 100, &w.budget, NULL, on_done, &w);
	cr_expect(w.done == 1 && w.err == 0 && w.body_bytes == 0);
	teardown(&w);
}

Test(exchange, refuses_what_is_announced_too_large)
{
	struct world	w;

	setup(&w, POST(101));
	exchange_collect_body(w.x, 100, &w.budget, NULL, on_done, &w);
	cr_expect(w.done == 1 && w.err == E_TOOBIG && w.status == 413);
	cr_expect(eq(int, w.answer_end, FLOW_DONE));
	cr_expect(eq(int, w.body_end, FLOW_CANCELLED));
	cr_expect(memmem(w.answer, w.answer_bytes, "TOO_LARGE", 9) != NULL);
	teardown(&w);
}

Test(exchange, refuses_what_grows_too_large)
{
	struct world	w;

	setup(&w, CHUNKED);
	exchange_collect_body(w.x, 10, &w.budget, NULL, on_done, &w);
	flow_give(&w.x->body, SPAN_LIT("0123456789"));
	cr_expect(eq(int, w.done, 0));
	flow_give(&w.x->body, SPAN_LIT("x"));
	cr_expect(w.done == 1 && w.err == E_TOOBIG && w.status == 413);
	flow_give(&w.x->body, SPAN_LIT("more"));
	flow_end(&w.x->body, FLOW_DONE);
	cr_expect(eq(int, w.done, 1));
	teardown(&w);
}

Test(exchange, answers_503_over_the_budget_and_counts_what_came_only)
{
	static char	bytes[70000];
	struct world	w;

	setup(&w, POST(4000000));
	exchange_collect_body(w.x, 4 << 20, &w.budget, NULL, on_done, &w);
	cr_expect(eq(sz, w.budget.used, 0), "an announced length holds nothing");
	flow_give(&w.x->body, span_make(bytes, 60000));
	cr_expect(eq(int, w.done, 0));
	cr_expect(w.budget.used >= 60000 && w.budget.used <= w.budget.limit);
	flow_give(&w.x->body, span_make(bytes, sizeof(bytes)));
	cr_expect(w.done == 1 && w.err == E_FULL && w.status == 503);
	teardown(&w);
}

Test(exchange, leaves_the_answer_to_the_handler_when_progress_refuses)
{
	struct world	w;

	setup(&w, POST(50));
	w.bad_at = 4;
	exchange_collect_body(w.x, 100, &w.budget, on_progress, on_done, &w);
	flow_give(&w.x->body, SPAN_LIT("123"));
	flow_give(&w.x->body, SPAN_LIT("4"));
	cr_expect(w.done == 1 && w.err == E_JSON_SYNTAX && w.status == 0);
	cr_expect(eq(int, w.body_end, FLOW_CANCELLED));
	exchange_refuse(w.x, w.err, NULL, 0);
	cr_expect(eq(uint, w.status, 400));
	cr_expect(memmem(w.answer, w.answer_bytes, "-32700", 6) != NULL);
	teardown(&w);
}

Test(exchange, tells_everyone_when_the_client_is_gone)
{
	struct world	w;

	setup(&w, POST(50));
	exchange_serve(w.x, &handler, &w);
	exchange_collect_body(w.x, 100, &w.budget, NULL, on_done, &w);
	exchange_ref(w.x);
	exchange_wire_gone(w.x, FLOW_GONE);
	cr_expect(w.done == 1 && w.err == E_CLOSED && w.gone == FLOW_GONE);
	cr_expect(exchange_is_gone(w.x));
	/* A late answer goes nowhere, harmlessly. */
	exchange_reply(w.x, 200, NULL, 0, SPAN_LIT("late"));
	cr_expect(w.status == 0 && w.answer_bytes == 0);
	w.x->refs--;
	teardown(&w);
}

Test(exchange, answers_408_when_the_body_is_late)
{
	struct world	w;

	setup(&w, POST(50));
	exchange_collect_body(w.x, 100, &w.budget, NULL, on_done, &w);
	exchange_body_failed(w.x, E_HTTP_TIMEOUT);
	cr_expect(w.done == 1 && w.err == E_HTTP_TIMEOUT && w.status == 408);
	teardown(&w);
}

static void
on_deadline(struct exchange *x, void *arg)
{
	(void)arg;
	exchange_refuse(x, E_OVERLOAD, NULL, 0);
}

Test(exchange, has_one_deadline)
{
	struct world	w;

	setup(&w, POST(0));
	exchange_set_deadline(w.x, 5000, on_deadline, &w);
	exchange_set_deadline(w.x, 1, on_deadline, &w);
	while (w.status == 0)
		loop_turn(w.loop, true);
	cr_expect(eq(uint, w.status, 503));
	teardown(&w);
}

Test(exchange, flows_credit_and_end_reach_the_source_once)
{
	struct world	w;

	setup(&w, POST(0));
	exchange_serve(w.x, &handler, &w);
	exchange_answer(w.x, 200, NULL, 0, EXCHANGE_STREAM);
	cr_expect(eq(u64, w.x->answer.credit, HTTP_QUEUE_HIGH));
	flow_give(&w.x->answer, SPAN_LIT("abc"));
	cr_expect(eq(u64, w.x->answer.credit, HTTP_QUEUE_HIGH - 3));
	flow_credit(&w.x->answer, 3);
	cr_expect(eq(sz, w.more, 3));
	flow_end(&w.x->answer, FLOW_BROKEN);
	flow_end(&w.x->answer, FLOW_DONE);
	cr_expect(eq(int, w.answer_end, FLOW_BROKEN));
	flow_stop(&w.x->answer, FLOW_GONE);
	flow_give(&w.x->answer, SPAN_LIT("abc"));
	cr_expect(w.gone == FLOW_OPEN && w.answer_bytes == 3);
	teardown(&w);
}

Test(errors, need_no_escapes_in_json)
{
	char	text[HTTP_ERROR_BYTES];

	for (int err = -1; err > -ERR_INDEX_LIMIT; err--) {
		for (const char *p = err_text(err); *p != '\0'; p++)
			cr_expect(p[0] >= ' ' && *p != '"' && *p != '\\', "%s", err_row(err)->name);
		cr_expect(gt(sz, http_error_body(err, text).n, 0), "%s", err_row(err)->name);
	}
}
