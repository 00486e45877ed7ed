/* SPDX-License-Identifier: Apache-2.0
 *
 * test_about.c - what an HTTP server says of itself, whatever its era
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "server.h"

struct about {
	bool	done, is_error, modern;
	int	error;
	char	text[512];
};

static void
on_done(struct upstream_call *c, const struct upstream_result *r, void *arg)
{
	struct about	*a = arg;

	a->done = true;
	a->error = r->error;
	a->modern = r->modern;
	if (r->answer != NULL) {
		a->is_error = r->answer->is_error;
		snprintf(a->text, sizeof(a->text), "%.*s", SPAN_FMT(r->answer->result.raw));
	}
	upstream_call_free(&c);
}

static struct about
ask(struct server *s)
{
	static const char	body[] = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"server/discover\",\"params\":{\"_meta\":{"
				    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}}}";
	struct upstream_request	q = { .target = &s->target, .instance = 1, .deadline_ms = 10000,
				    .method = MCP_SERVER_DISCOVER, .id = { 22, 1 }, .is_list = true, .repeatable = true };
	struct about		a = { .done = false };
	struct upstream_call	*c;

	q.body = span_of(body);
	cr_assert(upstream_call_start(s->up, &q, NULL, on_done, &a, &c) == 0);
	cr_expect(!a.done, "never inside the start");
	for (int i = 0; i < 1000 && !a.done; i++)
		server_turn(s, 10);
	cr_assert(a.done && a.error == 0, "%d", a.error);
	return a;
}

Test(about, of_a_legacy_server_is_its_initialize_result)
{
	struct server	s;
	struct about	a;

	server_start(&s, "legacy", NULL);
	for (int i = 0; i < 2; i++) {
		a = ask(&s);
		cr_expect(!a.is_error && !a.modern && strstr(a.text, "\"protocolVersion\":\"2025-06-18\"") != NULL, "%s", a.text);
	}
	/* The probe was the only one on the wire. */
	cr_expect(server_saw(&s, "\nserver/discover -") == 1 && server_saw(&s, "\ninitialize -") == 1);
	server_stop(&s);
}

Test(about, of_a_modern_server_is_asked)
{
	struct server	s;
	struct about	a;

	server_start(&s, "modern", NULL);
	a = ask(&s);
	cr_expect(a.modern, "%s", a.text);
	cr_expect(server_saw(&s, "\nserver/discover -") == 2);
	server_stop(&s);
}
