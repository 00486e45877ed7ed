/* SPDX-License-Identifier: Apache-2.0
 *
 * test_fanin.c - what servers say outside of calls, with a runner and a master played here
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/fd.h"
#include "policy/build.h"
#include "upstream/news.h"
#include "worker/cache/cached.h"
#include "worker/streams/fanin.h"
#include "worker/streams/listens.h"
#include "worker/worker.h"

#define FRAMES_MAX	64
#define PROFILE		7
#define HEARD_ROOM	(2u << 20)

struct heard {
	struct link_head head;
	char		 text[512];	/* of the payload, cut */
};

struct bench {
	struct worker	 w;
	struct config	*config;
	struct block_pool blocks;
	const struct rec_server *server, *http;
	int		 runner, master;	/* our ends */
	char		*in;
	size_t		 used;
	struct heard	 heard[FRAMES_MAX];
	int		 count;
	int		 done;			/* lists that were waited for */
	int		 told;			/* events */
	enum link_event_kind kind;		/* of the last one */
	struct list_owner owner;
	char		 uri[64];
};

static const struct list_owner	mine = { 100, 0 }, can = { 100, 32 }, other = { 200, 0 };

static void
make_policy(struct bench *b)
{
	struct build		*build;
	struct rec_tenant	 tenant = { .list_fresh = 60000, .list_timeout = 10000 };
	struct rec_address	 nobody = { .family = AF_INET, .bytes = { 127, 0, 0, 1 } };
	struct rec_server	 stdio = { .kind = SERVER_STDIO, .profile = PROFILE },
				 http = { .kind = SERVER_HTTP, .profile = PROFILE + 1 };
	struct snap		*snap;
	uint64_t		 length;
	int			 fd;

	cr_assert(build_new(SNAP_POLICY, "", &build) == 0);
	cr_assert(build_text(build, SPAN_LIT("default"), &tenant.name) == 0);
	cr_assert(build_text(build, SPAN_LIT("notes"), &stdio.name) == 0);
	cr_assert(build_text(build, SPAN_LIT("web"), &http.name) == 0);
	cr_assert(build_add(build, SECTION_ADDRESS, &nobody, &http.address_first) == 0);
	http.address_count = 1;
	http.port = 1;
	http.order = 1;
	cr_assert(build_add(build, SECTION_TENANT, &tenant, NULL) == 0);
	cr_assert(build_add(build, SECTION_SERVER, &stdio, NULL) == 0);
	cr_assert(build_add(build, SECTION_SERVER, &http, NULL) == 0);
	cr_assert(build_seal(build, 1, &fd, &length) == 0);
	build_free(&build);
	cr_assert(snap_map(fd, &snap) == 0);
	close(fd);
	b->config = calloc(1, sizeof(*b->config));
	b->config->refs = 1;
	b->config->policy = snap;
	b->w.config = b->config;
	b->server = SNAP_AT(snap, SERVER, 0);
	b->http = SNAP_AT(snap, SERVER, 1);
}

static void
on_event(enum link_event_kind kind, uint64_t profile, struct list_owner owner, struct span uri, void *arg)
{
	struct bench	*b = arg;

	cr_expect(profile == PROFILE || profile == PROFILE + 1);
	b->told++;
	b->kind = kind;
	b->owner = owner;
	snprintf(b->uri, sizeof(b->uri), "%.*s", SPAN_FMT(uri));
}

static void
on_turn_end(void *arg)
{
	struct bench	*b = arg;

	for (size_t i = 0; i < b->w.link_count; i++)
		link_turn_end(b->w.links[i]);
}

static void
on_master(struct chan *c, const struct chan_msg *m, void *arg)
{
	(void)c;
	(void)m;
	(void)arg;
}

static void
on_master_closed(struct chan *c, int why, void *arg)
{
	(void)c;
	(void)why;
	(void)arg;
}

static int
want_peer(uint32_t slot, uint32_t incarnation, uint64_t after, void *arg)
{
	(void)slot;
	(void)incarnation;
	(void)after;
	(void)arg;
	return E_CLOSED;
}

static struct bench *
bench_new(void)
{
	struct bench	*b = calloc(1, sizeof(*b));
	int		 pair[2];
	const struct upstream_params params = { .connect_timeout_ms = 1000, .idle_ms = 1000, .start_timeout_ms = 1000,
	    .answer_memory = 1 << 20 };

	b->runner = -1;
	b->in = malloc(HEARD_ROOM);
	cr_assert(loop_new(&b->w.loop) == 0 && lists_new(&b->w, &b->w.lists) == 0);
	cr_assert(cached_new(&b->w) == 0);
	cr_assert(fanin_new(&b->w, &b->w.fanin) == 0 && rpc_answer_new(&b->w.answer_scan) == 0);
	cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	cr_assert(fd_set_nonblock(pair[1]) == 0);
	b->master = pair[1];
	cr_assert(chan_init(&b->w.master, b->w.loop, pair[0], ROLE_WORKER, ROLE_MASTER, on_master, on_master_closed,
	    b) == 0);
	b->w.master.ready = true;
	loop_at_turn_end(b->w.loop, LOOP_RANK_FLUSH, on_turn_end, b);
	fanin_on(&b->w, on_event, b);
	make_policy(b);
	b->config->params.tool_approval = TOOL_APPROVAL_OFF;	/* there is no store */
	block_pool_init(&b->blocks, 8);
	cr_assert(upstream_new(b->w.loop, &b->blocks, NULL, &params, &b->w.upstreams) == 0);
	cr_assert(peers_new(b->w.loop, want_peer, b, &b->w.peers) == 0);
	listens_init(&b->w);
	return b;
}

/* How often the master was asked for a stream since the last time; other words of the worker's are passed over. */
static int
wanted(struct bench *b)
{
	char	 room[1024];
	uint16_t type;
	int	 n = 0;

	while (recv(b->master, room, sizeof(room), MSG_DONTWAIT) > 0) {
		memcpy(&type, room + 4, sizeof(type));
		n += type == MSG_TYPE_RUNNER_WANTED;
	}
	return n;
}

static void
attach(struct bench *b)
{
	struct link	*l = worker_link(&b->w, SPAN_LIT("default"));
	int		 pair[2];

	cr_assert(l != NULL && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	cr_assert(fd_set_nonblock(pair[0]) == 0 && fd_set_nonblock(pair[1]) == 0);
	b->runner = pair[1];
	b->used = 0;
	link_attach(l, pair[0]);
}

static void
turns(struct bench *b)
{
	for (int i = 0; i < 5; i++)
		loop_turn(b->w.loop, false);
}

static void
turns_for(struct bench *b, int ms)
{
	for (int i = 0; i < ms / 10; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
		turns(b);
	}
}

/* What the runner was told since the last time, credit excepted; answers how many frames. */
static int
hear(struct bench *b)
{
	struct link_head	 h;
	ssize_t			 n;
	size_t			 at = 0;

	turns(b);
	b->count = 0;
	while ((n = read(b->runner, b->in + b->used, HEARD_ROOM - b->used)) > 0) {
		b->used += (size_t)n;
		turns(b);
	}
	while (b->used - at >= sizeof(h)) {
		memcpy(&h, b->in + at, sizeof(h));
		cr_assert(b->used - at - sizeof(h) >= h.bytes && b->count < FRAMES_MAX);
		b->heard[b->count] = (struct heard){ .head = h };
		memcpy(b->heard[b->count].text, b->in + at + sizeof(h), h.bytes < 512 ? h.bytes : 511);
		b->count += h.type != LINK_CREDIT;
		at += sizeof(h) + h.bytes;
	}
	b->used = 0;
	return b->count;
}

/* How many of the frames just heard are of this type. */
static int
of_type(const struct bench *b, enum link_type type)
{
	int	n = 0;

	for (int i = 0; i < b->count; i++)
		n += b->heard[i].head.type == type;
	return n;
}

/* The number of the call that asks for this method; -1: none does. */
static int
call_for(const struct bench *b, const char *method)
{
	for (int i = 0; i < b->count; i++)
		if (b->heard[i].head.type == LINK_BODY && strstr(b->heard[i].text, method) != NULL)
			return (int)b->heard[i].head.call;
	return -1;
}

static void
say(struct bench *b, enum link_type type, uint32_t call, uint32_t a, uint64_t bb, struct span payload)
{
	struct link_head	h = { .bytes = (uint32_t)payload.n, .type = (uint16_t)type, .call = call, .a = a,
				    .b = bb };

	cr_assert(write(b->runner, &h, sizeof(h)) == sizeof(h));
	if (payload.n > 0)
		cr_assert(write(b->runner, payload.p, payload.n) == (ssize_t)payload.n);
}

static void
answer(struct bench *b, int call, const char *text)
{
	cr_assert(call >= 0);
	say(b, LINK_ANSWER, (uint32_t)call, (uint32_t)strlen(text), LINK_ID_PACK(strstr(text, "\"id\":") - text + 5, 1),
	    SPAN_NONE);
	say(b, LINK_BODY, (uint32_t)call, 0, 0, span_of(text));
	say(b, LINK_END, (uint32_t)call, LINK_END_OK, 0, SPAN_NONE);
	turns(b);
}

#define LIST(tool)	"{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"tools\":[{\"name\":\"" tool \
	"\",\"inputSchema\":{\"type\":\"object\"}}]}}"
#define NO_METHOD	"{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-32601,\"message\":\"no\"}}"

static void
event(struct bench *b, enum link_event_kind kind, struct list_owner owner, const char *uri)
{
	struct link_event	 what = { .profile = PROFILE, .instance = owner.instance,
				    .capabilities = (uint32_t)owner.capabilities, .what = kind };
	char			 payload[128];

	memcpy(payload, &what, sizeof(what));
	memcpy(payload + sizeof(what), uri, strlen(uri));
	say(b, LINK_EVENT, 0, 0, 0, span_make(payload, sizeof(what) + strlen(uri)));
	turns(b);
}

static void
on_done(struct lists_wait *wait, void *arg)
{
	struct bench	*b = arg;

	(void)wait;
	b->done++;
}

static void
want(struct bench *b, struct list_owner owner, enum list_kind kind)
{
	struct lists_wait	*wait = calloc(1, sizeof(*wait));	/* the test's end frees it */

	lists_begin(wait, on_done, b);
	lists_want_kind(b->w.lists, wait, b->config, b->server, owner, kind, true);
	lists_ready(wait);
}

static bool
lists_tool(struct bench *b, struct list_owner owner, const char *name)
{
	struct span		 why;
	const struct catalogue	*list = lists_find(b->w.lists, b->server, owner, &why);

	return list != NULL && catalogue_find(list, span_of(name)) != NULL;
}

/* Asks for the tools and answers. */
static void
fill(struct bench *b, struct list_owner owner)
{
	want(b, owner, LIST_TOOLS);
	hear(b);
	answer(b, call_for(b, "tools/list"), LIST("old"));
	if (hear(b) > 0)
		answer(b, call_for(b, "server/discover"), NO_METHOD);
	cr_assert(lists_tool(b, owner, "old"));
}

Test(fanin, a_changed_list_is_asked_for_anew, .timeout = 20)
{
	static const struct {
		const char		*what;
		enum link_event_kind	 kind;
		const struct list_owner	*owner;
		bool			 anew;
	} rows[] = {
		{ "the tools", LINK_EVENT_TOOLS, &mine, true },
		{ "as clients with other capabilities see them", LINK_EVENT_TOOLS, &can, true },
		{ "the prompts", LINK_EVENT_PROMPTS, &mine, false },
		{ "the resources", LINK_EVENT_RESOURCES, &mine, false },
		{ "a resource", LINK_EVENT_UPDATED, &mine, false },
		{ "the tools of another instance", LINK_EVENT_TOOLS, &other, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench	*b = bench_new();

		attach(b);
		fill(b, mine);
		want(b, mine, LIST_TOOLS);
		cr_assert(hear(b) == 0 && b->done == 2, "it is fresh");
		event(b, rows[i].kind, *rows[i].owner, rows[i].kind == LINK_EVENT_UPDATED ? "u" : "");
		cr_expect(b->told == 1 && b->kind == rows[i].kind, "%s", rows[i].what);
		cr_expect(b->owner.instance == rows[i].owner->instance, "%s", rows[i].what);
		cr_expect(strcmp(b->uri, rows[i].kind == LINK_EVENT_UPDATED ? "u" : "") == 0);
		want(b, mine, LIST_TOOLS);
		hear(b);
		cr_expect(rows[i].anew == (call_for(b, "tools/list") >= 0), "%s", rows[i].what);
		if (!rows[i].anew)
			continue;
		cr_expect(b->done == 2);
		answer(b, call_for(b, "tools/list"), LIST("new"));
		cr_expect(b->done == 3 && lists_tool(b, mine, "new"));
	}
}

Test(fanin, templates_change_with_resources, .timeout = 20)
{
	static const struct { enum list_kind kind; const char *method; enum link_event_kind event; } rows[] = {
		{ LIST_PROMPTS, "prompts/list", LINK_EVENT_PROMPTS },
		{ LIST_RESOURCES, "resources/list", LINK_EVENT_RESOURCES },
		{ LIST_TEMPLATES, "resources/templates/list", LINK_EVENT_RESOURCES },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench	*b = bench_new();

		attach(b);
		want(b, mine, rows[i].kind);
		hear(b);
		answer(b, call_for(b, rows[i].method), NO_METHOD);
		want(b, mine, rows[i].kind);
		cr_expect(hear(b) == 0 && b->done == 2, "%s", rows[i].method);
		event(b, rows[i].event, mine, "");
		want(b, mine, rows[i].kind);
		hear(b);
		cr_expect(call_for(b, rows[i].method) >= 0, "%s", rows[i].method);
	}
}

Test(fanin, who_comes_after_the_change_waits_for_the_next_flight, .timeout = 20)
{
	struct bench	*b = bench_new();

	attach(b);
	want(b, mine, LIST_TOOLS);
	hear(b);
	event(b, LINK_EVENT_TOOLS, mine, "");
	want(b, mine, LIST_TOOLS);
	cr_expect(hear(b) == 0, "one flight at a time");
	answer(b, 0, LIST("old"));
	cr_expect(b->done == 1 && lists_tool(b, mine, "old"));
	hear(b);
	/* A server that says so each time it is asked keeps nobody waiting for a third. */
	event(b, LINK_EVENT_TOOLS, mine, "");
	answer(b, call_for(b, "tools/list"), LIST("new"));
	cr_expect(b->done == 2 && lists_tool(b, mine, "new"));
	hear(b);
	cr_expect(call_for(b, "tools/list") == -1);
	want(b, mine, LIST_TOOLS);
	hear(b);
	cr_expect(call_for(b, "tools/list") >= 0, "what came last was old already");
}

Test(fanin, says_the_first_and_the_last_subscription, .timeout = 20)
{
	struct bench			*b = bench_new();
	struct link_subscription	 what;

	attach(b);
	cr_assert(fanin_subscribe(&b->w, b->config, b->server, mine, SPAN_LIT("file:///a")) == 0);
	cr_assert(hear(b) == 1 && of_type(b, LINK_SUBSCRIBE) == 1);
	memcpy(&what, b->heard[0].text, sizeof(what));
	cr_expect(what.profile == PROFILE && what.instance == mine.instance && b->heard[0].head.call == 0);
	cr_expect(strcmp(b->heard[0].text + sizeof(what), "file:///a") == 0);
	cr_assert(fanin_subscribe(&b->w, b->config, b->server, mine, SPAN_LIT("file:///a")) == 0);
	cr_assert(fanin_subscribe(&b->w, b->config, b->server, can, SPAN_LIT("file:///a")) == 0);
	fanin_unsubscribe(&b->w, PROFILE, mine, SPAN_LIT("file:///a"));
	fanin_unsubscribe(&b->w, PROFILE, mine, SPAN_LIT("file:///a"));
	fanin_unsubscribe(&b->w, PROFILE, mine, SPAN_LIT("file:///b"));
	fanin_unsubscribe(&b->w, PROFILE, other, SPAN_LIT("file:///a"));
	cr_expect(hear(b) == 0);
	cr_assert(fanin_subscribe(&b->w, b->config, b->server, other, SPAN_LIT("file:///a")) == 0);
	cr_expect(hear(b) == 1, "another instance");
	fanin_unsubscribe(&b->w, PROFILE, can, SPAN_LIT("file:///a"));
	cr_expect(hear(b) == 1 && of_type(b, LINK_UNSUBSCRIBE) == 1);
	fanin_unsubscribe(&b->w, PROFILE, mine, SPAN_LIT("file:///a"));
	cr_expect(hear(b) == 0);
	/* No URI of anything. */
	cr_expect(fanin_subscribe(&b->w, b->config, b->server, mine, SPAN_LIT("a\nb")) == E_FORMAT);
	cr_expect(fanin_subscribe(&b->w, b->config, b->server, mine, SPAN_NONE) == E_FORMAT);
	cr_expect(hear(b) == 0);
}

Test(fanin, has_an_http_server_listened_to_while_subscribed, .timeout = 20)
{
	struct bench	*b = bench_new();
	struct config	 old = *b->config;
	struct news	*n;

	attach(b);
	cr_assert(fanin_news(&b->w, PROFILE + 1, mine, SPAN_LIT("http://a")) == NULL);
	for (int i = 0; i < 3; i++)
		cr_assert(fanin_subscribe(&b->w, b->config, b->http, i == 1 ? can : mine, SPAN_LIT("http://a")) == 0);
	n = fanin_news(&b->w, PROFILE + 1, mine, SPAN_LIT("http://a"));
	cr_assert(n != NULL);
	cr_assert(fanin_subscribe(&b->w, b->config, b->http, mine, SPAN_LIT("http://b")) == 0);
	cr_assert(fanin_subscribe(&b->w, b->config, b->http, other, SPAN_LIT("http://b")) == 0);
	cr_expect(fanin_news(&b->w, PROFILE + 1, mine, SPAN_LIT("http://b")) == n, "one for all");
	cr_expect(fanin_news(&b->w, PROFILE + 1, other, SPAN_LIT("http://b")) != n, "but not for another's instance");
	for (int i = 0; i < 3; i++) {
		cr_expect(fanin_news(&b->w, PROFILE + 1, mine, SPAN_LIT("http://a")) == n);
		fanin_unsubscribe(&b->w, PROFILE + 1, mine, SPAN_LIT("http://a"));
	}
	cr_expect(fanin_news(&b->w, PROFILE + 1, mine, SPAN_LIT("http://a")) == NULL);
	/* Not under a policy that is no more. */
	cr_expect(fanin_subscribe(&b->w, &old, b->http, mine, SPAN_LIT("http://c")) == E_SERVER);
	cr_expect(hear(b) == 0, "the runner has nothing to do with it");
	fanin_unsubscribe(&b->w, PROFILE + 1, mine, SPAN_LIT("http://b"));
	fanin_unsubscribe(&b->w, PROFILE + 1, other, SPAN_LIT("http://b"));
}

Test(fanin, says_all_anew_over_another_stream, .timeout = 20)
{
	struct bench	*b = bench_new();

	cr_assert(fanin_subscribe(&b->w, b->config, b->server, mine, SPAN_LIT("file:///a")) == 0);
	cr_assert(fanin_subscribe(&b->w, b->config, b->server, mine, SPAN_LIT("file:///b")) == 0);
	cr_expect(wanted(b) == 1, "a stream is asked for");
	attach(b);
	cr_expect(hear(b) == 2 && of_type(b, LINK_SUBSCRIBE) == 2);
	fanin_unsubscribe(&b->w, PROFILE, mine, SPAN_LIT("file:///a"));
	hear(b);
	close(b->runner);
	turns(b);
	cr_expect(wanted(b) == 0, "not at once");
	turns_for(b, 1200);
	cr_expect(wanted(b) == 1);
	/* None to be had: later. */
	link_refuse(worker_link(&b->w, SPAN_LIT("default")), SPAN_LIT("no"));
	turns_for(b, 1200);
	cr_expect(wanted(b) == 0);
	turns_for(b, 1200);
	cr_expect(wanted(b) == 1);
	attach(b);
	cr_expect(hear(b) == 1 && strcmp(b->heard[0].text + sizeof(struct link_subscription), "file:///b") == 0);
	/* The runner may not have had the new configuration when it was told. */
	fanin_policy_changed(&b->w);
	turns_for(b, 1200);
	cr_expect(hear(b) == 1 && of_type(b, LINK_SUBSCRIBE) == 1);
	/* Who wants nothing any more asks for nothing. */
	fanin_unsubscribe(&b->w, PROFILE, mine, SPAN_LIT("file:///b"));
	close(b->runner);
	turns_for(b, 1200);
	cr_expect(wanted(b) == 0);
}

Test(fanin, keeps_a_stream_for_those_who_listen, .timeout = 20)
{
	struct bench	*b = bench_new();

	cr_assert(fanin_keep(&b->w, SPAN_LIT("default")) == 0 && fanin_keep(&b->w, SPAN_LIT("default")) == 0);
	cr_expect(wanted(b) == 1);
	attach(b);
	fanin_let_go(&b->w, SPAN_LIT("default"));
	close(b->runner);
	turns_for(b, 1200);
	cr_expect(wanted(b) == 1);
	attach(b);
	fanin_let_go(&b->w, SPAN_LIT("default"));
	fanin_let_go(&b->w, SPAN_LIT("default"));
	close(b->runner);
	turns_for(b, 1200);
	cr_expect(wanted(b) == 0);
}

Test(fanin, is_bounded, .timeout = 30)
{
	struct bench	*b = bench_new();
	char		*uri = malloc(LINK_URI_MAX);
	int		 n, r = 0;

	memset(uri, 'u', LINK_URI_MAX);
	for (n = 0; r == 0 && n < FANIN_SUBS + 10; n++) {
		snprintf(uri, 16, "u%d", n);
		r = fanin_subscribe(&b->w, b->config, b->server, mine, span_of(uri));
	}
	cr_expect(r == E_FULL && n == FANIN_SUBS + 1);
	/* What is there is counted all the same. */
	cr_expect(fanin_subscribe(&b->w, b->config, b->server, can, SPAN_LIT("u5")) == 0);
	for (n = 0; n < FANIN_SUBS; n++) {
		snprintf(uri, 16, "u%d", n);
		fanin_unsubscribe(&b->w, PROFILE, mine, span_of(uri));
	}
	memset(uri, 'u', LINK_URI_MAX);
	for (n = 0, r = 0; r == 0 && n < FANIN_SUBS; n++) {
		memcpy(uri, &(uint32_t){ 0x61616161u + (uint32_t)(n % 16) + (uint32_t)(n / 16 % 16) * 256 +
		    (uint32_t)(n / 256) * 65536 }, 4);
		r = fanin_subscribe(&b->w, b->config, b->server, mine, span_make(uri, LINK_URI_MAX));
	}
	cr_expect(r == E_FULL && n == FANIN_BYTES / LINK_URI_MAX, "%d: %d", n, r);
}
