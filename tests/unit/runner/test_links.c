/* SPDX-License-Identifier: Apache-2.0
 *
 * test_links.c - the stream of a worker: what it may not do, and what credit means
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "claim.h"
#include "rig.h"

/* The ceiling, the two lines that may go over it, and the program itself. */
#ifdef MCPGW_SANITIZED
#define MEMORY_KB	(1024 * 1024)
#else
#define MEMORY_KB	(120 * 1024)
#endif

static const struct rig_server ok_server[] = {
	{ .name = "fine", .mode = "ok" },
	{ .name = "slow", .mode = "slow", .n = "700" },
	{ .name = "big", .mode = "big", .n = "12000000", .max_instances = 20 },
	{ .name = "mute", .mode = "mute" },
	{ .name = NULL },
};

enum abuse {
	BAD_TYPE, TYPE_ZERO, ANSWER_FROM_WORKER, END_FROM_WORKER, TOO_LONG, UNKNOWN_FLAG, CALL_SHORT,
	CALL_NAME_LIES, CALL_NO_BODY, CALL_BODY_HUGE, CALL_ID_OUTSIDE, CALL_META_OUTSIDE, CALL_META_OVER_ID,
	CALL_NO_DEADLINE, CALL_NO_LEVEL, CALL_TWICE, BODY_EMPTY, BODY_TOO_MUCH, BODY_OVER_CREDIT, BODY_LINE_FEED,
	BODY_NOT_JSON, BODY_TWO_IDS, BODY_ID_ELSEWHERE, CREDIT_ZERO, CREDIT_HUGE, CREDIT_PAYLOAD,
	CANCEL_PAYLOAD, REPLY_EMPTY, REPLY_FLAG, NOTE_FROM_WORKER, ASK_FROM_WORKER, ABUSE_LIMIT
};

static void
body(struct rig *r, int link, const char *text)
{
	struct link_call	lc = { .body_bytes = (uint32_t)strlen(text) };
	const char		*id = strstr(text, "\"id\":");

	lc.id = (struct link_span){ id == NULL ? 0 : (uint32_t)(id + 5 - text), 1 };
	rig_head(r, link, 1, 0, 1, 3000, &lc, 0);
	rig_frame(r, link, lc.body_bytes, LINK_BODY, 0, 1, 0, text);
}

static void
abuse(struct rig *r, int link, enum abuse what)
{
	static char		junk[LINK_PAYLOAD_MAX];
	struct link_call	lc = { .body_bytes = 100, .id = { 10, 1 } };
	uint16_t		flags = 0;

	switch (what) {
	case BAD_TYPE: rig_frame(r, link, 0, 77, 0, 1, 0, NULL); return;
	case TYPE_ZERO: rig_frame(r, link, 0, 0, 0, 1, 0, NULL); return;
	case ANSWER_FROM_WORKER: rig_frame(r, link, 0, LINK_ANSWER, 0, 1, 0, NULL); return;
	case END_FROM_WORKER: rig_frame(r, link, 0, LINK_END, 0, 1, 0, NULL); return;
	case REPLY_EMPTY: rig_frame(r, link, 0, LINK_REPLY, 0, 1, 0, NULL); return;
	case REPLY_FLAG: rig_frame(r, link, 2, LINK_REPLY, LINK_FLAG_SENT, 1, 0, "{}"); return;
	case NOTE_FROM_WORKER: rig_frame(r, link, 2, LINK_NOTE, 0, 1, 0, "{}"); return;
	case ASK_FROM_WORKER: rig_frame(r, link, 2, LINK_ASK, 0, 1, 0, "{}"); return;
	case TOO_LONG: rig_frame(r, link, LINK_PAYLOAD_MAX + 1, LINK_BODY, 0, 1, 0, NULL); return;
	case CALL_SHORT: rig_frame(r, link, 20, LINK_CALL, 0, 1, 0, junk); return;
	case CALL_NAME_LIES: rig_frame(r, link, sizeof(lc), LINK_CALL, 0, 1, 0,
	    &(struct link_call){ .body_bytes = 9, .deadline_ms = 9, .id = { 0, 1 }, .name_bytes = 4 }); return;
	case UNKNOWN_FLAG: flags = LINK_FLAG_SENT; break;
	case CALL_NO_BODY: lc.body_bytes = 0; break;
	case CALL_BODY_HUGE: lc.body_bytes = 32u << 20; break;
	case CALL_ID_OUTSIDE: lc.id.at = 100; break;
	case CALL_META_OUTSIDE: lc.modern_meta = (struct link_span){ 99, UINT32_MAX }; break;
	case CALL_NO_LEVEL: lc.log_level = 9; break;
	case CALL_META_OVER_ID: lc.modern_meta = (struct link_span){ 5, 20 }; break;
	case BODY_LINE_FEED: body(r, link, "{\"jsonrpc\":\"2.0\",\n\"id\":1,\"method\":\"m\"}"); return;
	case BODY_NOT_JSON: body(r, link, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":}"); return;
	case BODY_TWO_IDS: body(r, link, "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"m\"}"); return;
	case BODY_ID_ELSEWHERE: body(r, link, "{\"params\":{\"id\":1},\"jsonrpc\":\"2.0\",\"id\":2}"); return;
	default: break;
	}
	rig_head(r, link, 1, 0, 1, what == CALL_NO_DEADLINE ? 0 : 3000, &lc, flags);
	switch (what) {
	case CALL_TWICE: rig_head(r, link, 1, 0, 1, 3000, &lc, 0); break;
	case BODY_EMPTY: rig_frame(r, link, 0, LINK_BODY, 0, 1, 0, NULL); break;
	case BODY_TOO_MUCH: rig_frame(r, link, 101, LINK_BODY, 0, 1, 0, junk); break;
	case BODY_OVER_CREDIT:
		lc.body_bytes = 4u << 20;
		rig_head(r, link, 2, 0, 1, 3000, &lc, 0);
		/* The first piece is too small to be granted anew, the second needs that. */
		rig_frame(r, link, 20000, LINK_BODY, 0, 2, 0, junk);
		rig_frame(r, link, LINK_PAYLOAD_MAX, LINK_BODY, 0, 2, 0, junk);
		break;
	case CREDIT_ZERO: rig_frame(r, link, 0, LINK_CREDIT, 0, 1, 0, NULL); break;
	case CREDIT_HUGE: rig_frame(r, link, 0, LINK_CREDIT, 0, 1, UINT32_MAX, NULL); break;
	case CREDIT_PAYLOAD: rig_frame(r, link, 8, LINK_CREDIT, 0, 1, 8, junk); break;
	case CANCEL_PAYLOAD: rig_frame(r, link, 8, LINK_CANCEL, 0, 1, 0, junk); break;
	default: break;
	}
}

Test(links, end_with_their_first_bad_frame_and_hurt_no_other, .timeout = 60)
{
	struct rig	r;
	struct rig_call	*c;
	int		good, bad;

	for (int what = 0; what < ABUSE_LIMIT; what++) {
		rig_begin(&r, ok_server);
		good = rig_link(&r);
		bad = rig_link(&r);
		rig_send(&r, good, 1, 1, 1, 5000, 0);
		rig_run(&r, 30, NULL);
		abuse(&r, bad, (enum abuse)what);
		rig_run(&r, 1000, &r.links[bad].closed);
		claim(r.links[bad].closed, "row %d", what);
		c = rig_call(&r, good, 2, 0, 1, 3000);
		claim(c->end == LINK_END_OK, "row %d: %s", what, c->text);
		rig_run(&r, 3000, &r.links[good].calls[1].ended);
		claim(r.links[good].calls[1].end == LINK_END_OK, "row %d", what);
		rig_end(&r);
	}
}

Test(links, a_frame_may_come_in_any_pieces, .timeout = 20)
{
	struct rig		r;
	struct link_call	lc = { .id = { 22, 1 }, .deadline_ms = 3000, .instance = 1, .name_bytes = 4 };
	const char		*text = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}";
	struct link_head	h = { .type = LINK_CALL, .call = 1, .bytes = sizeof(lc) + 4 };
	char			whole[512];
	size_t			n = 0;
	int			link;

	rig_begin(&r, ok_server);
	link = rig_link(&r);
	lc.profile = rig_hash(&r, 0);
	lc.body_bytes = (uint32_t)strlen(text);
#define ADD(p, bytes) do { memcpy(whole + n, (p), (bytes)); n += (bytes); } while (0)
	ADD(&h, sizeof(h));
	ADD(&lc, sizeof(lc));
	ADD("fine", 4);
	h = (struct link_head){ .type = LINK_BODY, .call = 1, .bytes = lc.body_bytes };
	ADD(&h, sizeof(h));
	ADD(text, lc.body_bytes);
	for (size_t i = 0; i < n; i++) {
		must(send(r.links[link].fd, whole + i, 1, MSG_NOSIGNAL) == 1);
		if (i % 16 == 0)
			rig_run(&r, 2, NULL);
	}
	rig_run(&r, 3000, &r.links[link].calls[1].ended);
	claim(r.links[link].calls[1].end == LINK_END_OK && r.links[link].calls[1].answered);
	rig_end(&r);
}

Test(links, a_tool_sees_our_id_and_no_modern_member, .timeout = 20)
{
	static const struct rig_server	servers[] = {
		{ .name = "legacy", .mode = "ok" }, { .name = "modern", .mode = "modern" }, { .name = NULL },
	};
	struct rig	r;
	struct rig_call	*c;
	char		want[80];
	int		link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	for (int server = 0; server < 2; server++) {
		c = rig_call(&r, link, (uint32_t)server + 1, server, 1, 3000);
		must(c->end == LINK_END_OK, "%s", c->text);
		claim(((c->answer_flags & LINK_FLAG_MODERN) != 0) == (server == 1));
		claim((strstr(c->answer, "modern\\\":true") != NULL) == (server == 1), "%s", c->answer);
		claim(strstr(c->answer, "client's") == NULL, "%s", c->answer);
		/* The id it was given is the id in the answer, where the span says. */
		snprintf(want, sizeof(want), "\\\"id\\\":%.*s,", (int)LINK_ID_BYTES(c->id_span),
		    c->answer + LINK_ID_AT(c->id_span));
		claim(strstr(c->answer, want) != NULL, "%s not in %s", want, c->answer);
		snprintf(want, sizeof(want), "\\\"progressToken\\\":%.*s", (int)LINK_ID_BYTES(c->id_span),
		    c->answer + LINK_ID_AT(c->id_span));
		claim(strstr(c->answer, want) != NULL, "%s not in %s", want, c->answer);
	}
	/* The modern one was asked server/discover on a sibling, and never initialize. */
	claim(r.tool_count == 4);
	rig_end(&r);
}

Test(links, an_answer_waits_for_credit, .timeout = 30)
{
	struct rig	r;
	struct rig_call	*c;
	int		link;

	rig_begin(&r, ok_server);
	link = rig_link(&r);
	r.links[link].stingy = true;
	c = &r.links[link].calls[1];
	rig_send(&r, link, 1, 2, 1, 9000, 0);
	rig_run(&r, 3000, &c->answered);
	rig_run(&r, 300, NULL);
	claim(c->answered && !c->ended && c->answer_have == LINK_CREDIT_DOWN, "%zu", c->answer_have);
	rig_frame(&r, link, 0, LINK_CREDIT, 0, 1, 1000, NULL);
	rig_run(&r, 200, NULL);
	claim(c->answer_have == LINK_CREDIT_DOWN + 1000, "%zu", c->answer_have);
	rig_frame(&r, link, 0, LINK_CREDIT, 0, 1, 15u << 20, NULL);
	rig_run(&r, 3000, &c->ended);
	claim(c->end == LINK_END_OK && c->answer_have == c->answer_bytes && c->answer_bytes > 12000000);
	rig_end(&r);
}

Test(links, an_answer_nobody_takes_ends_with_its_deadline, .timeout = 30)
{
	struct rig	r;
	struct rig_call	*c;
	int		link;

	rig_begin(&r, ok_server);
	link = rig_link(&r);
	r.links[link].stingy = true;
	rig_send(&r, link, 1, 2, 1, 1000, 0);
	c = &r.links[link].calls[1];
	rig_run(&r, 4000, &c->ended);
	claim(c->end == LINK_END_DEADLINE && c->answered && (c->end_flags & LINK_FLAG_SENT), "%s", c->text);
	rig_end(&r);
}

Test(links, a_cancelled_call_ends_at_once_and_its_late_answer_is_dropped, .timeout = 20)
{
	struct rig	r;
	struct rig_call	*c, *next;
	int		link;

	rig_begin(&r, ok_server);
	link = rig_link(&r);
	rig_call(&r, link, 1, 1, 1, 5000);
	rig_send(&r, link, 2, 1, 1, 5000, 0);
	c = &r.links[link].calls[2];
	rig_run(&r, 100, NULL);
	rig_frame(&r, link, 0, LINK_CANCEL, 0, 2, 0, NULL);
	rig_run(&r, 300, &c->ended);
	claim(c->ended && c->end == LINK_END_CANCELLED && (c->end_flags & LINK_FLAG_SENT));
	next = rig_call(&r, link, 3, 1, 1, 5000);
	claim(next->end == LINK_END_OK && strstr(next->answer, "cancelled") == NULL);
	/* What is under way when END is may come late; it is no offence. */
	rig_frame(&r, link, 0, LINK_CANCEL, 0, 2, 0, NULL);
	rig_frame(&r, link, 0, LINK_CREDIT, 0, 2, 64, NULL);
	rig_run(&r, 100, NULL);
	claim(!r.links[link].closed);
	rig_end(&r);
}

Test(links, a_call_cancelled_before_it_was_sent_says_so, .timeout = 20)
{
	struct rig	r;
	struct rig_call	*c;
	int		link;

	rig_begin(&r, ok_server);
	link = rig_link(&r);
	rig_head(&r, link, 1, 0, 1, 5000, &(struct link_call){ .body_bytes = 100, .id = { 5, 1 } }, 0);
	rig_frame(&r, link, 0, LINK_CANCEL, 0, 1, 0, NULL);
	c = &r.links[link].calls[1];
	rig_run(&r, 500, &c->ended);
	claim(c->ended && c->end == LINK_END_CANCELLED && c->end_flags == 0);
	rig_end(&r);
}

Test(links, the_death_of_a_worker_is_the_end_of_its_calls_only, .timeout = 20)
{
	struct rig	r;
	struct rig_call	*c;
	int		dying, living, fds;

	rig_begin(&r, ok_server);
	living = rig_link(&r);
	rig_call(&r, living, 1, 1, 1, 5000);
	fds = rig_fds(&r);
	dying = rig_link(&r);
	for (uint32_t n = 1; n < 5; n++)
		rig_send(&r, dying, n, 1, 1, 5000, 100000);
	rig_send(&r, living, 2, 1, 1, 9000, 0);
	rig_run(&r, 50, NULL);
	rig_unlink(&r, dying);
	c = &r.links[living].calls[2];
	rig_run(&r, 9000, &c->ended);
	claim(c->end == LINK_END_OK, "%s", c->text);
	claim(rig_fds(&r) == fds);
	rig_end(&r);
}

Test(links, full_queues_refuse_and_recover, .timeout = 60)
{
	struct rig	r;
	struct rig_call	*c = NULL;
	int		link, refused = 0;

	rig_begin(&r, ok_server);
	link = rig_link(&r);
	/* The tool takes 700 ms for each, so bodies of 12 MiB pile up: 32 MiB an instance. */
	for (uint32_t n = 1; n <= 4; n++)
		rig_head(&r, link, n, 1, 1, 2000, &(struct link_call){ .body_bytes = 12u << 20, .id = { 5, 1 } }, 0);
	rig_run(&r, 300, NULL);
	for (uint32_t n = 1; n <= 4; n++) {
		c = &r.links[link].calls[n];
		refused += c->ended && c->end == LINK_END_BUSY && c->end_flags == 0;
	}
	claim(refused == 2, "%d", refused);
	rig_run(&r, 3000, &r.links[link].calls[2].ended);
	claim(r.links[link].calls[1].end == LINK_END_DEADLINE);
	c = rig_call(&r, link, 9, 1, 1, 5000);
	claim(c->end == LINK_END_OK, "%s", c->text);
	rig_end(&r);
}

static void
hold_answers(const struct rig_server *servers, long limit_kb)
{
	struct rig	r;
	int		link, whole = 0;
	char		path[64], line[128];
	long		most_kb = 0, kb;
	FILE		*f;

	rig_begin(&r, servers);
	link = rig_link(&r);
	r.links[link].stingy = true;
	/* 16 tools, 12 MB each: not all can be held. */
	for (uint32_t n = 1; n <= 16; n++)
		rig_send(&r, link, n, 2, n, 30000, 0);
	rig_run(&r, 2500, NULL);
	snprintf(path, sizeof(path), "/proc/%d/status", r.runner);
	if ((f = fopen(path, "r")) != NULL) {
		while (fgets(line, sizeof(line), f) != NULL)
			if (sscanf(line, "VmHWM: %ld", &kb) == 1)
				most_kb = kb;
		fclose(f);
	}
	claim(most_kb < limit_kb, "%ld KiB", most_kb);
	/* Now they are taken, and what was whole arrives whole; half lines that filled the rest make room. */
	r.links[link].stingy = false;
	for (uint32_t n = 1; n <= 16; n++)
		if (r.links[link].calls[n].answer_have > 0 && !r.links[link].calls[n].ended)
			rig_frame(&r, link, 0, LINK_CREDIT, 0, n, (uint32_t)r.links[link].calls[n].answer_have, NULL);
	for (uint32_t n = 1; n <= 16; n++)
		rig_run(&r, 20000, &r.links[link].calls[n].ended);
	for (uint32_t n = 1; n <= 16; n++) {
		struct rig_call *c = &r.links[link].calls[n];

		claim(c->end == LINK_END_OK || c->end == LINK_END_TOO_BIG, "call %u: %d %s", n, c->end, c->text);
		claim(c->end != LINK_END_OK || c->answer_have == c->answer_bytes);
		whole += c->end == LINK_END_OK;
	}
	claim(whole == 16, "%d of 16", whole);
	/* Nobody is left unread. */
	for (uint32_t n = 1; n <= 16; n++)
		if (r.links[link].calls[n].end == LINK_END_OK)
			claim(rig_call(&r, link, n + 20, 2, n, 5000)->end == LINK_END_OK, "key %u", n);
	rig_end(&r);
}

Test(links, memory_for_answers_has_a_ceiling, .timeout = 90)
{
	hold_answers(ok_server, MEMORY_KB);
}

Test(links, the_ceiling_is_the_one_that_is_configured, .timeout = 90)
{
	static const struct rig_server	little[] = {
		{ .name = "fine", .mode = "ok", .runner_mib = 16 }, { .name = "slow", .mode = "ok" },
		{ .name = "big", .mode = "big", .n = "12000000", .max_instances = 20 }, { .name = NULL },
	};

	hold_answers(little, MEMORY_KB - 40 * 1024);
}

Test(links, half_lines_cannot_hold_the_memory_for_ever, .timeout = 90)
{
	static const struct rig_server	servers[] = {
		{ .name = "half", .mode = "half", .n = "12000000", .max_instances = 20 },
		{ .name = "big", .mode = "big", .n = "12000000", .max_instances = 20 },
		{ .name = "fine", .mode = "ok", .max_instances = 20 }, { .name = NULL },
	};
	struct rig	r;
	struct rig_call	*c;
	int		link, gone = 0;

	rig_begin(&r, servers);
	link = rig_link(&r);
	for (uint32_t n = 1; n <= 8; n++)
		rig_send(&r, link, n, 0, n, 80000, 0);
	rig_run(&r, 1500, NULL);
	c = rig_call(&r, link, 20, 2, 1, 3000);
	claim(c->end == LINK_END_OK, "a small answer passes: %s", c->text);
	rig_send(&r, link, 21, 1, 1, 60000, 0);
	c = &r.links[link].calls[21];
	rig_run(&r, 60000, &c->ended);
	claim(c->end == LINK_END_OK && c->answer_have == c->answer_bytes, "a big one comes through: %s", c->text);
	for (uint32_t n = 1; n <= 8; n++)
		gone += r.links[link].calls[n].end == LINK_END_TOO_BIG;
	claim(gone > 0 && gone < 8, "%d of 8", gone);
	rig_end(&r);
}
