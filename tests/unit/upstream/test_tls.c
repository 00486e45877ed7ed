/* SPDX-License-Identifier: Apache-2.0
 *
 * test_tls.c - calls to servers behind TLS, on every wire
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "server.h"
#include "upstream/pool.h"

Test(tls, carries_calls_of_every_kind_and_keeps_its_connections, .timeout = 60)
{
	static const char *const words[] = { "https legacy", "https modern", "https legacy sse", "https modern sse",
	    "https http+sse", "https legacy drip" };
	struct server	s;
	struct outcome	o;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		server_start(&s, words[i], NULL);
		for (int k = 0; k < 5; k++) {
			server_ask(&s, &o);
			cr_expect(o.error == 0, "%s: %s", words[i], o.why);
		}
		/* Requests one after the other share one; but answers that are streams are read to their end while the
		 * next request is on its way. */
		if (strstr(words[i], "sse") == NULL)
			cr_expect(eq(sz, front_saw(&s.front, "TLSv1.3"), 1), "%s", words[i]);
		cr_expect(eq(sz, front_saw(&s.front, "failed"), 0), "%s", words[i]);
		server_stop(&s);
	}
}

/* No connection is there for the next call. */
static void
part(struct server *s)
{
	static const struct upstream_params	quick = { .connect_timeout_ms = 5000, .idle_ms = 1,
	    .start_timeout_ms = 8000, .answer_memory = 64 << 20 };

	upstream_set_params(s->up, &quick);
}

Test(tls, begins_the_next_connection_with_a_session_of_the_last, .timeout = 60)
{
	struct server	s;
	struct outcome	o;

	server_start(&s, "https legacy", NULL);
	part(&s);
	for (int k = 0; k < 6; k++) {
		server_ask(&s, &o);
		cr_expect(o.error == 0, "%s", o.why);
		server_turn(&s, 30);
	}
	/* One that begins while another does has none to begin with. */
	cr_expect(le(sz, front_saw(&s.front, "new TLSv1.3"), 2));
	cr_expect(ge(sz, front_saw(&s.front, "resumed TLSv1.3"), 4));
	server_stop(&s);
}

Test(tls, carries_a_long_answer, .timeout = 60)
{
	struct server	s;
	struct outcome	o;

	server_start(&s, "https legacy huge", NULL);
	server_ask(&s, &o);
	cr_expect(o.error == E_TOOBIG && o.sent, "%s", o.why);
	server_stop(&s);
}

Test(tls, is_not_begun_for_a_server_that_the_policy_does_not_have)
{
	struct server	s;
	struct outcome	o;

	server_start(&s, "https legacy", NULL);
	s.target.pool.site++;
	server_ask(&s, &o);
	cr_expect(eq(int, o.error, E_SERVER));
	cr_expect(strstr(o.why, "was changed meanwhile") != NULL, "%s", o.why);
	cr_expect(eq(uint, server_saw(&s, "tools/call"), 0));
	server_stop(&s);
}

Test(tls, goes_on_under_the_next_policy, .timeout = 60)
{
	struct server	s;
	struct outcome	o;

	server_start(&s, "https legacy", NULL);
	part(&s);
	for (int k = 0; k < 4; k++) {
		server_ask(&s, &o);
		cr_expect(o.error == 0, "%s", o.why);
		upstream_set_policy(s.up, s.policy);
		server_turn(&s, 30);
	}
	server_stop(&s);
}
