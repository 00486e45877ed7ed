/* SPDX-License-Identifier: Apache-2.0
 *
 * test_news.c - servers of both eras that are listened to outside of calls
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "mcp/capability.h"
#include "server.h"
#include "upstream/news.h"

static const struct upstream_params quick = { .connect_timeout_ms = 2000, .idle_ms = 10000, .start_timeout_ms = 5000,
    .answer_memory = 64 << 20, .stream_idle_ms = 200, .session_idle_ms = 400 };

static struct {
	unsigned	told[LINK_EVENT_LIMIT], stale[LINK_EVENT_LIMIT];
	char		uri[64];	/* of the last update */
	uint64_t	instance;
} heard;

static void
on_event(enum link_event_kind what, uint64_t profile, uint64_t instance, uint64_t capabilities, struct span uri,
    void *arg)
{
	(void)arg;
	cr_expect(profile == 77 && capabilities == 0);
	cr_expect(eq(int, what == LINK_EVENT_UPDATED, uri.n > 0));
	heard.told[what]++;
	heard.instance = instance;
	if (uri.n > 0)
		snprintf(heard.uri, sizeof(heard.uri), "%.*s", SPAN_FMT(uri));
}

static void
on_stale(enum link_event_kind what, uint64_t profile, uint64_t instance, void *arg)
{
	(void)arg;
	(void)instance;
	cr_expect(eq(u64, profile, 77));
	heard.stale[what]++;
}

static const struct news_ops ops = { on_event, on_stale };

static void
start(struct server *s, const char *words)
{
	server_start(s, words, NULL);
	upstream_set_params(s->up, &quick);
	news_on(s->up, &ops, NULL);
	memset(&heard, 0, sizeof(heard));
}

static struct news *
want(struct server *s, uint64_t instance)
{
	struct news	*n;

	cr_assert(eq(int, news_want(s->up, &s->target, 1, instance, 0, &n), 0));
	return n;
}

static void
settle(struct server *s, struct news *n)
{
	for (int i = 0; i < 2000 && !news_is_settled(n); i++)
		server_turn(s, 2);
	cr_assert(news_is_settled(n));
}

static struct news *
listen_to(struct server *s, uint64_t instance)
{
	struct news	*n = want(s, instance);

	cr_expect(not(news_is_settled(n)));
	settle(s, n);
	return n;
}

static void
call(struct server *s, const char *tool, unsigned a, struct outcome *o)
{
	*o = (struct outcome){ .tool = tool, .a = a };
	cr_assert(eq(int, server_call(s, 1, 8000, false, o), 0));
	server_wait(s, o);
	cr_expect(eq(int, o->error, 0), "%s", o->why);
}

static void
make(struct server *s, const char *tool, unsigned a)
{
	struct outcome	o;

	call(s, tool, a, &o);
}

static void
expect_told(struct server *s, enum link_event_kind what, unsigned times)
{
	for (int i = 0; i < 1000 && heard.told[what] < times; i++)
		server_turn(s, 5);
	cr_expect(eq(uint, heard.told[what], times), "%d", what);
}

/* So often, in a while, and no more. */
static void
expect_saw(struct server *s, const char *text, unsigned times)
{
	for (int i = 0; i < 500 && server_saw(s, text) < times; i++)
		server_turn(s, 10);
	cr_expect(eq(uint, server_saw(s, text), times), "%s", text);
}

static const char *const	eras[] = { "legacy tells", "modern tells" };

Test(news, of_both_eras_are_told_what_changed)
{
	struct news	*n;
	struct server	 s;

	for (size_t i = 0; i < 2; i++) {
		start(&s, eras[i]);
		n = listen_to(&s, 5);
		/* What was known before may be old; nobody is told so. */
		for (unsigned k = 0; k < LINK_EVENT_UPDATED; k++)
			cr_expect(heard.stale[k] == 1 && heard.told[k] == 0, "%u", k);
		make(&s, "grow", 0);
		expect_told(&s, LINK_EVENT_TOOLS, 1);
		expect_told(&s, LINK_EVENT_RESOURCES, 1);
		cr_expect(heard.told[LINK_EVENT_PROMPTS] == 0 && heard.instance == 5);
		news_let_go(&n);
		server_stop(&s);
	}
}

Test(news, of_a_legacy_server_have_a_session_of_their_own_and_the_credentials)
{
	struct news	*n;
	struct server	 s;

	start(&s, "legacy tells");
	make(&s, "grow", 0);
	n = listen_to(&s, 1);
	cr_expect(eq(uint, server_saw(&s, "\ninitialize -"), 2));
	cr_expect(eq(uint, server_saw(&s, "\nGET s-2 2025-06-18 - - hush\n"), 1));
	make(&s, "grow", 0);
	cr_expect(eq(uint, server_saw(&s, "\ntools/call s-1 "), 2));
	news_let_go(&n);
	/* For a while somebody may come back. */
	n = want(&s, 1);
	cr_expect(news_is_settled(n));
	news_let_go(&n);
	server_turn(&s, 100);
	cr_expect(eq(uint, server_saw(&s, "\nDELETE "), 0));
	expect_saw(&s, "\nDELETE s-2 2025-06-18", 1);
	expect_saw(&s, "\nclosed s-2", 1);
	server_stop(&s);
}

Test(news, of_resources_are_subscribed_to_once_and_only_while_wanted)
{
	static const char *const asked[] = { "\nresources/subscribe s-", "\nsubscriptions/listen " };
	struct outcome	 o;
	struct news	*n;
	struct server	 s;

	for (size_t i = 0; i < 2; i++) {
		start(&s, eras[i]);
		n = listen_to(&s, 5);
		cr_assert(news_subscribe(n, SPAN_LIT("told://a")) == 0 && news_subscribe(n, SPAN_LIT("told://b")) == 0);
		cr_expect(not(news_is_settled(n)));
		settle(&s, n);
		/* A new listen for both, after one without. */
		cr_expect(eq(uint, server_saw(&s, asked[i]), 2));
		make(&s, "touch", 0);
		expect_told(&s, LINK_EVENT_UPDATED, 1);
		make(&s, "touch", 7);
		expect_told(&s, LINK_EVENT_UPDATED, 2);
		cr_expect(eq(str, heard.uri, "told://a"), "what was subscribed to, though one below it changed");
		news_unsubscribe(n, SPAN_LIT("told://a"));
		for (int k = 0; k < 500; k++) {
			server_turn(&s, 10);
			call(&s, "subscribed", 0, &o);
			if (strstr(o.text, "told://a,") == NULL)
				break;
		}
		cr_expect(strstr(o.text, "told://a,") == NULL && strstr(o.text, "told://b,") != NULL, "%s", o.text);
		make(&s, "touch", 0);
		server_turn(&s, 300);
		cr_expect(eq(uint, heard.told[LINK_EVENT_UPDATED], 2));
		/* Changing one's mind in one turn costs not a word. */
		for (int k = 0; k < 1000; k++) {
			news_unsubscribe(n, SPAN_LIT("told://b"));
			cr_assert(news_subscribe(n, SPAN_LIT("told://b")) == 0);
		}
		settle(&s, n);
		server_turn(&s, 100);
		cr_expect(le(uint, server_saw(&s, asked[i]), i == 0 ? 4 : 5));
		cr_expect(le(uint, server_saw(&s, "\nresources/unsubscribe s-"), 2));
		news_let_go(&n);
		server_stop(&s);
	}
}

Test(news, of_a_modern_server_go_on_while_a_new_listen_takes_over)
{
	struct news	*n;
	struct server	 s;

	start(&s, "modern tells tellslow");
	n = listen_to(&s, 5);
	cr_assert(news_subscribe(n, SPAN_LIT("told://a")) == 0);
	server_turn(&s, 100);
	/* It was asked for and is not acknowledged: the first one is still there. */
	cr_expect(eq(uint, server_saw(&s, "\nsubscriptions/listen "), 2));
	cr_expect(eq(uint, server_saw(&s, "\nclosed "), 0));
	make(&s, "grow", 0);
	expect_told(&s, LINK_EVENT_TOOLS, 1);
	/* No third one meanwhile, but one for all of these. */
	cr_assert(news_subscribe(n, SPAN_LIT("told://b")) == 0 && news_subscribe(n, SPAN_LIT("told://c")) == 0);
	settle(&s, n);
	expect_saw(&s, "\nsubscriptions/listen ", 3);
	expect_saw(&s, "\nclosed ", 2);
	cr_expect(eq(uint, heard.told[LINK_EVENT_PROMPTS], 0), "nothing can have been missed");
	news_let_go(&n);
	server_stop(&s);
}

Test(news, that_may_have_been_missed_are_told)
{
	struct news	*n;
	struct server	 s;

	for (size_t ids = 0; ids < 2; ids++) {
		start(&s, ids == 0 ? "legacy tells getcut" : "legacy tells getcut tellids");
		n = listen_to(&s, 5);
		cr_assert(news_subscribe(n, SPAN_LIT("told://a")) == 0);
		settle(&s, n);
		make(&s, "grow", 0);
		for (int k = 0; k < 500 && server_saw(&s, "\nopen s-1") < 2; k++)
			server_turn(&s, 10);
		server_turn(&s, 400);
		cr_expect(eq(uint, server_saw(&s, "\nresources/subscribe s-"), 1), "the session lives");
		/* A server that names its events goes on where it was. */
		cr_expect(eq(int, heard.told[LINK_EVENT_PROMPTS] > 0, ids == 0), "%zu", ids);
		cr_expect(eq(int, heard.told[LINK_EVENT_UPDATED] > 0, ids == 0), "%zu", ids);
		cr_expect(ge(uint, heard.told[LINK_EVENT_TOOLS], 1));
		news_let_go(&n);
		server_stop(&s);
	}
}

Test(news, are_subscribed_to_anew_in_a_new_session)
{
	struct outcome	 o;
	struct news	*n;
	struct server	 s;

	start(&s, "legacy tells getlost");
	n = listen_to(&s, 5);
	cr_assert(news_subscribe(n, SPAN_LIT("told://a")) == 0);
	settle(&s, n);
	/* The first request of the first session was its last. */
	for (int i = 0; i < 800 && server_saw(&s, "\nresources/subscribe s-2") == 0; i++)
		server_turn(&s, 5);
	cr_expect(eq(uint, server_saw(&s, "\nGET s-2"), 1));
	call(&s, "subscribed", 0, &o);
	cr_expect(strstr(o.text, "s-2 told://a") != NULL, "%s", o.text);
	expect_told(&s, LINK_EVENT_PROMPTS, 1);
	news_let_go(&n);
	server_stop(&s);
}

Test(news, are_not_asked_for_again_where_there_are_none, .timeout = 60)
{
	static const char *const words[] = { "legacy tells noget", "legacy tells get404" };
	struct news	*n;
	struct server	 s;
	unsigned	 gets;

	for (size_t i = 0; i < 2; i++) {
		start(&s, words[i]);
		cr_expect(not(news_is_mute(s.up, 77)));
		n = listen_to(&s, 5);
		for (int k = 0; k < 500 && !news_is_mute(s.up, 77); k++)
			server_turn(&s, 5);
		cr_expect(news_is_mute(s.up, 77), "%s", words[i]);
		gets = server_saw(&s, "\nGET ");
		cr_expect(le(uint, gets, 2), "%s", words[i]);
		news_let_go(&n);
		server_turn(&s, 300);
		cr_expect(news_is_mute(s.up, 77), "also when nobody wishes it");
		n = listen_to(&s, 6);
		cr_assert(news_subscribe(n, SPAN_LIT("told://a")) == 0);
		server_turn(&s, 100);
		cr_expect(eq(uint, server_saw(&s, "\nGET "), gets));
		news_let_go(&n);
		server_stop(&s);
	}
	/* Where there was one it is asked for, whatever is said meanwhile. */
	start(&s, "legacy tells getcut tellgone");
	n = listen_to(&s, 5);
	make(&s, "grow", 0);
	for (int i = 0; i < 1000 && server_saw(&s, "\nopen s-3") == 0; i++)
		server_turn(&s, 5);
	cr_expect(not(news_is_mute(s.up, 77)));
	cr_expect(eq(uint, server_saw(&s, "\nopen s-3"), 1), "s-2 is the call's");
	news_let_go(&n);
	server_stop(&s);
	/* A modern one that honours nothing may yet honour a subscription. */
	start(&s, "modern tells tellnone");
	n = listen_to(&s, 5);
	server_turn(&s, 1500);
	cr_expect(eq(uint, server_saw(&s, "\nsubscriptions/listen "), 1));
	cr_expect(not(news_is_mute(s.up, 77)));
	cr_assert(news_subscribe(n, SPAN_LIT("told://a")) == 0);
	settle(&s, n);
	cr_expect(eq(uint, server_saw(&s, "\nsubscriptions/listen "), 2));
	news_let_go(&n);
	server_stop(&s);
}

Test(news, of_a_server_that_ends_its_streams_are_asked_for_ever_less_often)
{
	struct news	*n;
	struct server	 s;

	start(&s, "legacy tells tellends");
	n = listen_to(&s, 5);
	server_turn(&s, 3000);
	cr_expect(ge(uint, server_saw(&s, "\nGET "), 5));
	cr_expect(le(uint, server_saw(&s, "\nGET "), 20));
	news_let_go(&n);
	server_stop(&s);
	/* It answers a listen as if it were a call, and that is the end of it. */
	start(&s, "modern");
	n = listen_to(&s, 5);
	server_turn(&s, 2500);
	cr_expect(ge(uint, server_saw(&s, "\nsubscriptions/listen "), 2));
	cr_expect(le(uint, server_saw(&s, "\nsubscriptions/listen "), 3));
	news_let_go(&n);
	server_stop(&s);
}

Test(news, of_a_server_that_says_too_much_cost_little, .timeout = 60)
{
	struct news	*n;
	struct server	 s;

	start(&s, "legacy tells tellflood");
	n = listen_to(&s, 5);
	for (int i = 0; i < 2000 && server_saw(&s, "\nDELETE ") == 0; i++)
		server_turn(&s, 10);
	cr_expect(eq(uint, server_saw(&s, "\nDELETE "), 1));
	cr_expect(ge(uint, heard.told[LINK_EVENT_TOOLS], 1));
	/* It is read slowly, and told now and then until it is too much. */
	cr_expect(le(uint, heard.told[LINK_EVENT_TOOLS], 60));
	server_turn(&s, 1500);
	cr_expect(eq(uint, server_saw(&s, "\nGET "), 1), "not heard again so soon");
	news_let_go(&n);
	server_stop(&s);
}

Test(news, end_when_they_may_not_be_heard_any_more)
{
	struct news	*n, *anew;
	struct server	 s;

	for (size_t i = 0; i < 2; i++) {
		start(&s, eras[i]);
		n = listen_to(&s, 5);
		cr_assert(news_subscribe(n, SPAN_LIT("told://a")) == 0);
		settle(&s, n);
		news_end_all(s.up);
		/* The first one of a modern server ended before. */
		expect_saw(&s, "\nclosed ", (unsigned)i + 1);
		expect_saw(&s, "\nDELETE ", 1 - (unsigned)i);
		make(&s, "grow", 0);
		server_turn(&s, 50);
		cr_expect(eq(uint, heard.told[LINK_EVENT_TOOLS], 0));
		/* Whoever wishes anew is heard for; the old wish can still be let go. */
		anew = listen_to(&s, 5);
		cr_expect(anew != n);
		make(&s, "grow", 0);
		expect_told(&s, LINK_EVENT_TOOLS, 1);
		news_unsubscribe(n, SPAN_LIT("told://a"));
		news_let_go(&n);
		server_turn(&s, 50);
		news_let_go(&anew);
		server_stop(&s);
	}
}

Test(news, are_overheard_where_calls_run)
{
	struct outcome	 o = { .tool = "quiet", .a = 1, .capabilities = MCP_CAN_ELICIT_FORM };
	struct news	*n;
	struct server	 s;

	start(&s, "legacy getnotes");
	for (unsigned k = 0; k < 2; k++) {
		n = k == 0 ? NULL : want(&s, 1);
		if (n != NULL)
			settle(&s, n);
		memset(&heard, 0, sizeof(heard));
		o = (struct outcome){ .tool = "quiet", .a = k, .capabilities = MCP_CAN_ELICIT_FORM };
		cr_assert(eq(int, server_call(&s, 1, 8000, false, &o), 0));
		server_wait(&s, &o);
		server_turn(&s, 50);
		cr_expect(eq(uint, heard.stale[LINK_EVENT_TOOLS], 1 - k), "nobody listens, but what is known is old");
		cr_expect(eq(uint, heard.told[LINK_EVENT_TOOLS], k));
		news_let_go(&n);
	}
	server_stop(&s);
}

Test(news, are_bounded_in_number, .timeout = 60)
{
	static struct news	*all[NEWS_MAX];
	struct news		*more;
	struct server		 s;

	start(&s, NULL);
	for (unsigned i = 0; i < NEWS_MAX; i++)
		cr_assert(eq(int, news_want(s.up, &s.target, i / NEWS_TENANT_MAX, 1000 + i, 0, &all[i]), 0));
	cr_expect(eq(int, news_want(s.up, &s.target, 0, 1, 0, &more), E_FULL));
	cr_expect(eq(int, news_want(s.up, &s.target, 7, 1, 0, &more), E_FULL));
	/* One that is there is not one more. */
	cr_assert(eq(int, news_want(s.up, &s.target, 0, 1000, 0, &more), 0));
	news_let_go(&more);
	/* One that nobody wishes makes way: for its own tenant, if that has as many as it may. */
	news_let_go(&all[NEWS_MAX - 1]);
	cr_expect(eq(int, news_want(s.up, &s.target, 0, 1, 0, &more), E_FULL));
	cr_assert(eq(int, news_want(s.up, &s.target, 7, 1, 0, &all[NEWS_MAX - 1]), 0));
	for (unsigned i = 0; i < NEWS_MAX; i++)
		news_let_go(&all[i]);
	server_turn(&s, 300);
	more = want(&s, 1);
	for (unsigned i = 0; i < LINK_URIS_MAX; i++) {
		char	uri[16];

		snprintf(uri, sizeof(uri), "x:%u", i);
		cr_assert(eq(int, news_subscribe(more, span_of(uri)), 0));
	}
	cr_expect(eq(int, news_subscribe(more, SPAN_LIT("x:more")), E_FULL));
	cr_expect(eq(int, news_subscribe(more, SPAN_LIT("x:7")), 0));
	news_let_go(&more);
	server_stop(&s);
}

static void
on_waited(void *arg)
{
	++*(int *)arg;
}

Test(news, are_waited_for_and_not_for_ever, .timeout = 60)
{
	struct news_wait	 w = { 0 }, gone = { 0 };
	struct news		*n;
	struct server		 s;
	int			 told = 0, never = 0;

	start(&s, "legacy tells gethang");
	n = want(&s, 5);
	news_wait(n, &w, on_waited, &told);
	news_wait(n, &gone, on_waited, &never);
	news_wait_cancel(n, &gone);
	server_turn(&s, 1000);
	cr_expect(eq(int, told, 0));
	server_turn(&s, 2000);
	cr_expect(told == 1 && never == 0);
	news_let_go(&n);
	/* It goes while somebody waits. */
	n = want(&s, 6);
	news_wait(n, &w, on_waited, &told);
	news_end_all(s.up);
	cr_expect(eq(int, told, 1), "never inside");
	server_turn(&s, 10);
	cr_expect(eq(int, told, 2));
	news_let_go(&n);
	server_stop(&s);
}

Test(news, survive_the_death_of_the_server_at_any_moment, .timeout = 60)
{
	struct news	*n;
	struct server	 s;

	for (unsigned turns = 0; turns < 40; turns++) {
		start(&s, eras[turns % 2]);
		n = want(&s, 5);
		cr_assert(news_subscribe(n, SPAN_LIT("told://a")) == 0);
		server_turn(&s, turns);
		if (turns % 3 == 0)
			news_unsubscribe(n, SPAN_LIT("told://a"));
		else
			cr_assert(news_subscribe(n, SPAN_LIT("told://b")) == 0);
		if (turns % 5 == 0)
			news_end_all(s.up);
		kill(s.pid, SIGKILL);
		settle(&s, n);
		server_turn(&s, turns % 7);
		news_let_go(&n);
		server_turn(&s, turns % 3 * 100);
		server_stop(&s);
	}
}

Test(news, over_http_sse_come_in_a_session_that_is_its_stream)
{
	struct news	*n;
	struct server	 s;

	start(&s, "http+sse");
	make(&s, "plain", 0);
	n = listen_to(&s, 1);
	cr_assert(eq(int, news_subscribe(n, SPAN_LIT("x://1")), 0));
	settle(&s, n);
	cr_expect(eq(uint, server_saw(&s, "GET s-0 hush - -\n"), 2));
	cr_expect(eq(uint, server_saw(&s, "\nresources/subscribe s-2 hush - -\n"), 1));
	make(&s, "grow", 0);
	make(&s, "touch", 0);
	expect_told(&s, LINK_EVENT_TOOLS, 1);
	expect_told(&s, LINK_EVENT_UPDATED, 1);
	cr_expect(eq(str, heard.uri, "x://1"));
	/* When it ended all may have been missed, and all is subscribed to again. */
	make(&s, "end", 0);
	expect_told(&s, LINK_EVENT_PROMPTS, 1);
	expect_told(&s, LINK_EVENT_UPDATED, 2);
	cr_expect(eq(uint, server_saw(&s, "\nresources/subscribe s-3 hush - -\n"), 1));
	news_unsubscribe(n, SPAN_LIT("x://1"));
	server_turn(&s, 100);
	cr_expect(eq(uint, server_saw(&s, "\nresources/unsubscribe s-3 hush - -\n"), 1));
	news_let_go(&n);
	for (int i = 0; i < 500 && server_saw(&s, "closed s-3") == 0; i++)
		server_turn(&s, 10);
	cr_expect(eq(uint, server_saw(&s, "closed s-3"), 1));
	cr_expect(eq(uint, server_saw(&s, "DELETE"), 0));
	server_stop(&s);
}
