/* SPDX-License-Identifier: Apache-2.0
 *
 * test_link.c - the worker's end of the stream to a runner, against a runner played here
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"
#include "worker/call/link.h"

struct seen {
	struct link_job	 job;
	uint32_t	 bytes;
	struct link_span id;
	char		 body[256 * 1024];
	size_t		 used;
	int		 ends;
	enum link_end	 why;
	unsigned	 flags;
	char		 text[128];
	int		 messages;
	size_t		 message_bytes;		/* of the last one */
};

struct bench {
	struct loop	*loop;
	struct link	*link;
	int		 runner;	/* our end */
	int		 wanted, moved;
	int		 events;
	struct link_event event;	/* the last one */
	char		 uri[64];
};

static void
on_answer(struct link_job *j, uint32_t bytes, struct link_span id, unsigned flags)
{
	struct seen	*s = (struct seen *)(void *)j;

	(void)flags;
	s->bytes = bytes;
	s->id = id;
}

static void
on_body(struct link_job *j, struct span b)
{
	struct seen	*s = (struct seen *)(void *)j;

	memcpy(s->body + s->used, b.p, b.n);
	s->used += b.n;
}

static void
on_message(struct link_job *j, struct span text)
{
	struct seen	*s = (struct seen *)(void *)j;

	s->messages++;
	s->message_bytes = text.n;
	for (size_t i = 0; i < text.n; i++)
		cr_assert(text.p[i] == 'm');
}

static void
on_end(struct link_job *j, enum link_end why, unsigned flags, struct span text)
{
	struct seen	*s = (struct seen *)(void *)j;

	s->ends++;
	s->why = why;
	s->flags = flags;
	snprintf(s->text, sizeof(s->text), "%.*s", SPAN_FMT(text));
}

static const struct link_job_ops ops = { on_answer, on_body, on_message, on_end };

static void
on_turn_end(void *arg)
{
	struct bench	*b = arg;

	link_turn_end(b->link);
}

static void
on_wanted(struct span tenant, void *arg)
{
	struct bench	*b = arg;

	cr_expect(span_is(tenant, "default"));
	b->wanted++;
}

static void
on_event(const struct link_event *what, struct span uri, void *arg)
{
	struct bench	*b = arg;

	b->events++;
	b->event = *what;
	snprintf(b->uri, sizeof(b->uri), "%.*s", SPAN_FMT(uri));
}

static void
on_moved(struct link *l, void *arg)
{
	struct bench	*b = arg;

	b->moved += link_is_up(l) ? 1 : 100;
}

static const struct link_ops owner = { on_wanted, on_event, on_moved };

static void
bench_open(struct bench *b)
{
	*b = (struct bench){ .runner = -1 };
	cr_assert(loop_new(&b->loop) == 0);
	cr_assert(link_new(b->loop, SPAN_LIT("default"), &owner, b, &b->link) == 0);
	loop_at_turn_end(b->loop, LOOP_RANK_FLUSH, on_turn_end, b);
}

static void
bench_attach(struct bench *b)
{
	int	pair[2];

	cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	cr_assert(fd_set_nonblock(pair[0]) == 0 && fd_set_nonblock(pair[1]) == 0);
	b->runner = pair[1];
	link_attach(b->link, pair[0]);
}

static void
turns(struct bench *b)
{
	for (int i = 0; i < 5; i++)
		loop_turn(b->loop, false);
}

static struct seen *
submit(struct bench *b, struct span body)
{
	struct seen		*s = calloc(1, sizeof(*s));
	const struct link_call	 head = { .profile = 7, .instance = 8, .deadline_ms = 1000 };

	cr_assert(link_submit(b->link, &s->job, &ops, &head, 0, SPAN_LIT("notes"), body) == 0);
	return s;
}

static void
say_flags(struct bench *b, enum link_type type, unsigned flags, uint32_t call, uint32_t a, uint64_t bb,
    struct span payload)
{
	struct link_head	h = { .bytes = (uint32_t)payload.n, .type = (uint16_t)type,
				    .flags = (uint16_t)flags, .call = call, .a = a, .b = bb };

	cr_assert(write(b->runner, &h, sizeof(h)) == sizeof(h));
	if (payload.n > 0)
		cr_assert(write(b->runner, payload.p, payload.n) == (ssize_t)payload.n);
}

static void
say(struct bench *b, enum link_type type, uint32_t call, uint32_t a, uint64_t bb, struct span payload)
{
	say_flags(b, type, 0, call, a, bb, payload);
}

/* Bytes the runner finds waiting. */
static size_t
hear(struct bench *b, char *to, size_t room)
{
	size_t	n = 0;
	ssize_t	r;

	turns(b);
	while (n < room && (r = read(b->runner, to + n, room - n)) > 0) {
		n += (size_t)r;
		turns(b);
	}
	return n;
}

Test(link, asks_for_a_runner_once_and_sends_what_waited)
{
	struct bench	 b;
	struct seen	*one, *two;
	char		 got[1024];
	size_t		 n;

	bench_open(&b);
	one = submit(&b, SPAN_LIT("{\"id\":0}"));
	two = submit(&b, SPAN_LIT("{\"id\":0}"));
	cr_expect(eq(int, b.wanted, 1));
	bench_attach(&b);
	n = hear(&b, got, sizeof(got));
	cr_expect(eq(sz, n, 2 * (24 + sizeof(struct link_call) + 5 + 24 + 8)));
	cr_expect(one->job.number != two->job.number);
}

Test(link, delivers_an_answer_to_its_own_call)
{
	struct bench	 b;
	struct seen	*one, *two;

	bench_open(&b);
	bench_attach(&b);
	one = submit(&b, SPAN_LIT("{}"));
	two = submit(&b, SPAN_LIT("{}"));
	turns(&b);
	say(&b, LINK_ANSWER, two->job.number, 8, LINK_ID_PACK(6, 1), SPAN_NONE);
	say(&b, LINK_BODY, two->job.number, 0, 0, SPAN_LIT("{\"id\":4}"));
	say(&b, LINK_END, two->job.number, LINK_END_OK, 0, SPAN_NONE);
	turns(&b);
	cr_expect(eq(int, two->ends, 1));
	cr_expect(eq(int, two->why, LINK_END_OK));
	cr_expect(eq(sz, two->used, 8));
	cr_expect(eq(u32, two->id.at, 6));
	cr_expect(eq(int, one->ends, 0));
}

Test(link, never_sends_more_than_its_credit)
{
	struct bench	 b;
	struct seen	*s;
	char		*body = calloc(1, 300000), *got = calloc(1, 400000);
	size_t		 n;

	bench_open(&b);
	bench_attach(&b);
	s = submit(&b, span_make(body, 300000));
	n = hear(&b, got, 400000);
	cr_expect(eq(sz, s->job.body_sent, LINK_CREDIT_UP));
	cr_expect(n < LINK_CREDIT_UP + 1024);
	say(&b, LINK_CREDIT, s->job.number, 1000, 0, SPAN_NONE);
	hear(&b, got, 400000);
	cr_expect(eq(sz, s->job.body_sent, LINK_CREDIT_UP + 1000));
}

Test(link, ends_with_all_its_calls_when_a_rule_is_broken)
{
	static const struct {
		const char	*what;
		enum link_type	 type;
		uint32_t	 call, a;
		uint64_t	 b;
		const char	*payload;
	} rows[] = {
		{ "a call that is not there", LINK_END, 4095, 0, 0, "" },
		{ "a call number out of range", LINK_END, 70000, 0, 0, "" },
		{ "a body before its answer", LINK_BODY, 0, 0, 0, "x" },
		{ "an id outside the answer", LINK_ANSWER, 0, 8, LINK_ID_PACK(7, 2), "" },
		{ "an answer over the limit", LINK_ANSWER, 0, LINK_LINE_MAX + 1, 0, "" },
		{ "an end without an answer", LINK_END, 0, LINK_END_OK, 0, "" },
		{ "an unknown reason", LINK_END, 0, LINK_END_LIMIT, 0, "" },
		{ "a type of the other direction", LINK_CALL, 0, 0, 0, "" },
		{ "a reply, which is ours to give", LINK_REPLY, 0, 0, 0, "m" },
		{ "an empty message", LINK_NOTE, 0, 0, 0, "" },
		{ "a subscription, which is ours to make", LINK_SUBSCRIBE, 0, 0, 0, "m" },
		{ "half an event", LINK_EVENT, 0, 0, 0, "0000000100000002" },
		{ "an unknown type", LINK_TYPE_LIMIT, 0, 0, 0, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench	 b;
		struct seen	*one, *two;

		bench_open(&b);
		bench_attach(&b);
		one = submit(&b, SPAN_LIT("{}"));
		two = submit(&b, SPAN_LIT("{}"));
		turns(&b);
		cr_assert(one->job.number == 0);
		say(&b, rows[i].type, rows[i].call, rows[i].a, rows[i].b, span_of(rows[i].payload));
		turns(&b);
		cr_expect(eq(int, one->ends, 1), "%s", rows[i].what);
		cr_expect(eq(int, two->ends, 1), "%s", rows[i].what);
		cr_expect(eq(int, one->why, LINK_END_DIED), "%s", rows[i].what);
		/* The next call asks for a new stream. */
		submit(&b, SPAN_LIT("{}"));
		cr_expect(eq(int, b.wanted, 1), "%s", rows[i].what);
	}
}

Test(link, gives_more_than_the_credit_down_as_a_broken_rule)
{
	struct bench	 b;
	struct seen	*s;
	char		*chunk = calloc(1, LINK_PAYLOAD_MAX);

	bench_open(&b);
	bench_attach(&b);
	s = submit(&b, SPAN_LIT("{}"));
	turns(&b);
	say(&b, LINK_ANSWER, s->job.number, 1024 * 1024, LINK_ID_PACK(0, 1), SPAN_NONE);
	turns(&b);
	/* Four payloads are the credit; nothing was granted, so the fifth is too much. */
	for (int i = 0; i < 4; i++) {
		say(&b, LINK_BODY, s->job.number, 0, 0, span_make(chunk, LINK_PAYLOAD_MAX));
		turns(&b);
		s->used = 0;
	}
	cr_expect(eq(int, s->ends, 0));
	say(&b, LINK_BODY, s->job.number, 0, 0, SPAN_LIT("x"));
	turns(&b);
	cr_expect(eq(int, s->ends, 1));
}

Test(link, ends_its_calls_when_the_runner_dies)
{
	struct bench	 b;
	struct seen	*s;

	bench_open(&b);
	bench_attach(&b);
	s = submit(&b, SPAN_LIT("{}"));
	turns(&b);
	close(b.runner);
	turns(&b);
	cr_expect(eq(int, s->ends, 1));
	cr_expect(eq(int, s->why, LINK_END_DIED));
	cr_expect(eq(uint, s->flags, LINK_FLAG_SENT));
}

Test(link, refuses_what_waits_when_there_is_no_runner)
{
	struct bench	 b;
	struct seen	*s;

	bench_open(&b);
	s = submit(&b, SPAN_LIT("{}"));
	link_refuse(b.link, SPAN_LIT("no jail here"));
	cr_expect(eq(int, s->ends, 1));
	cr_expect(eq(int, s->why, LINK_END_UNAVAILABLE));
	cr_expect(eq(str, (char *)s->text, (char *)"no jail here"));
	cr_expect(eq(uint, s->flags, 0));
}

Test(link, keeps_a_cancelled_call_until_the_runner_ends_it)
{
	struct bench	 b;
	struct seen	*s;

	bench_open(&b);
	bench_attach(&b);
	s = submit(&b, SPAN_LIT("{}"));
	turns(&b);
	link_job_cancel(&s->job);
	turns(&b);
	cr_expect(eq(int, s->ends, 0));
	say(&b, LINK_END, s->job.number, LINK_END_CANCELLED, 0, SPAN_NONE);
	turns(&b);
	cr_expect(eq(int, s->ends, 1));
	cr_expect(eq(int, s->why, LINK_END_CANCELLED));
}

Test(link, passes_messages_on_when_they_are_whole)
{
	struct bench	 b;
	struct seen	*s;
	char		*m = malloc(LINK_PAYLOAD_MAX);

	memset(m, 'm', LINK_PAYLOAD_MAX);
	bench_open(&b);
	bench_attach(&b);
	s = submit(&b, SPAN_LIT("{}"));
	turns(&b);
	say(&b, LINK_NOTE, s->job.number, 0, 0, SPAN_LIT("mmm"));
	turns(&b);
	cr_expect(eq(int, s->messages, 1));
	cr_expect(eq(sz, s->message_bytes, 3));
	/* A request in three frames, with a note between them. */
	say_flags(&b, LINK_ASK, LINK_FLAG_MORE, s->job.number, 0, 0, span_make(m, LINK_PAYLOAD_MAX));
	turns(&b);
	say_flags(&b, LINK_ASK, LINK_FLAG_MORE, s->job.number, 0, 0, span_make(m, LINK_PAYLOAD_MAX));
	turns(&b);
	cr_expect(eq(int, s->messages, 1), "not whole yet");
	say(&b, LINK_NOTE, s->job.number, 0, 0, SPAN_LIT("mm"));
	turns(&b);
	cr_expect(eq(sz, s->message_bytes, 2));
	say(&b, LINK_ASK, s->job.number, 0, 0, SPAN_LIT("m"));
	turns(&b);
	cr_expect(eq(int, s->messages, 3));
	cr_expect(eq(sz, s->message_bytes, 2 * LINK_PAYLOAD_MAX + 1));
	cr_expect(eq(int, s->ends, 0));
}

Test(link, ends_over_a_message_that_does_not_end)
{
	struct bench	 b;
	struct seen	*s;
	char		*m = malloc(LINK_PAYLOAD_MAX);

	memset(m, 'm', LINK_PAYLOAD_MAX);
	bench_open(&b);
	bench_attach(&b);
	s = submit(&b, SPAN_LIT("{}"));
	turns(&b);
	for (int i = 0; i < LINK_NOTE_MAX / LINK_PAYLOAD_MAX; i++) {
		say_flags(&b, LINK_NOTE, LINK_FLAG_MORE, s->job.number, 0, 0, span_make(m, LINK_PAYLOAD_MAX));
		turns(&b);
	}
	cr_expect(eq(int, s->ends, 0));
	say_flags(&b, LINK_NOTE, LINK_FLAG_MORE, s->job.number, 0, 0, SPAN_LIT("m"));
	turns(&b);
	cr_expect(eq(int, s->ends, 1));
	cr_expect(eq(int, s->why, LINK_END_DIED));
}

Test(link, sends_a_reply_whole_or_not_at_all)
{
	struct bench		 b;
	struct seen		*s;
	struct link_head	 h;
	size_t			 n = 2 * LINK_PAYLOAD_MAX + 7, heard, at = 0, sum = 0;
	char			*m = malloc(n), *got = malloc(2 * n);
	unsigned		 frames = 0;

	memset(m, 'm', n);
	bench_open(&b);
	bench_attach(&b);
	s = submit(&b, SPAN_LIT("{}"));
	cr_expect(eq(int, link_job_reply(&s->job, span_make(m, LINK_ASK_MAX + 1)), E_TOOBIG));
	hear(&b, got, 2 * n);
	cr_assert(eq(int, link_job_reply(&s->job, span_make(m, n)), 0));
	heard = hear(&b, got, 2 * n);
	while (at + sizeof(h) <= heard) {
		memcpy(&h, got + at, sizeof(h));
		cr_expect(eq(int, h.type, LINK_REPLY));
		cr_expect(eq(int, h.call, s->job.number));
		sum += h.bytes;
		at += sizeof(h) + h.bytes;
		frames++;
		cr_expect(eq(int, h.flags, sum < n ? LINK_FLAG_MORE : 0));
	}
	cr_expect(eq(sz, sum, n));
	cr_expect(eq(uint, frames, 3));
	close(b.runner);
	turns(&b);
	cr_expect(eq(int, link_job_reply(&s->job, SPAN_LIT("m")), E_CLOSED));
}

Test(link, takes_events_of_no_call_and_nothing_like_them)
{
	static const struct {
		const char	*what;
		uint32_t	 call, kind;
		const char	*uri;
		bool		 fine;
	} rows[] = {
		{ "a list that changed", 0, LINK_EVENT_TOOLS, "", true },
		{ "a resource", 0, LINK_EVENT_UPDATED, "file:///a", true },
		{ "of a call", 1, LINK_EVENT_TOOLS, "", false },
		{ "of an unknown kind", 0, LINK_EVENT_LIMIT, "", false },
		{ "a list with a URI", 0, LINK_EVENT_PROMPTS, "u", false },
		{ "a resource without one", 0, LINK_EVENT_UPDATED, "", false },
		{ "a URI that is no text", 0, LINK_EVENT_UPDATED, "a\xff", false },
		{ "a URI with a line feed", 0, LINK_EVENT_UPDATED, "a\n", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct link_event	 what = { .profile = 7, .instance = 8, .capabilities = 9, .what = rows[i].kind };
		struct bench		 b;
		struct seen		*s;
		char			 payload[64];
		size_t			 n = sizeof(what) + strlen(rows[i].uri);

		bench_open(&b);
		bench_attach(&b);
		s = submit(&b, SPAN_LIT("{}"));
		turns(&b);
		memcpy(payload, &what, sizeof(what));
		memcpy(payload + sizeof(what), rows[i].uri, strlen(rows[i].uri));
		say(&b, LINK_EVENT, rows[i].call, 0, 0, span_make(payload, n));
		turns(&b);
		cr_expect(eq(int, b.events, rows[i].fine), "%s", rows[i].what);
		cr_expect(eq(int, s->ends, !rows[i].fine), "%s", rows[i].what);
		if (rows[i].fine)
			cr_expect(memcmp(&b.event, &what, sizeof(what)) == 0 && strcmp(b.uri, rows[i].uri) == 0, "%s",
			    rows[i].what);
	}
}

Test(link, is_asked_for_without_a_call_and_says_when_it_moved)
{
	const struct link_subscription	 what = { .profile = 7, .instance = 8, .capabilities = 9 };
	struct link_head		 h;
	struct bench			 b;
	char				 got[1024];

	bench_open(&b);
	/* Nobody is there to hear it. */
	link_subscribe(b.link, true, &what, SPAN_LIT("u"));
	cr_expect(eq(int, b.wanted, 0));
	link_open(b.link);
	link_open(b.link);
	cr_expect(eq(int, b.wanted, 1));
	bench_attach(&b);
	cr_expect(eq(int, b.moved, 1));
	link_open(b.link);
	cr_expect(eq(int, b.wanted, 1));
	link_subscribe(b.link, true, &what, SPAN_LIT("u"));
	link_subscribe(b.link, false, &what, SPAN_LIT("u"));
	cr_assert(eq(sz, hear(&b, got, sizeof(got)), 2 * (24 + sizeof(what) + 1)));
	for (int i = 0; i < 2; i++) {
		const char	*frame = got + i * (24 + sizeof(what) + 1);

		memcpy(&h, frame, sizeof(h));
		cr_expect(h.type == (i == 0 ? LINK_SUBSCRIBE : LINK_UNSUBSCRIBE) && h.call == 0 && h.flags == 0);
		cr_expect(memcmp(frame + sizeof(h), &what, sizeof(what)) == 0 && frame[24 + sizeof(what)] == 'u');
	}
	close(b.runner);
	turns(&b);
	cr_expect(eq(int, b.moved, 101));
	link_open(b.link);
	cr_expect(eq(int, b.wanted, 2));
	link_refuse(b.link, SPAN_LIT("no jail here"));
	cr_expect(eq(int, b.moved, 201));
}
