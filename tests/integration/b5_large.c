/* SPDX-License-Identifier: Apache-2.0
 *
 * b5_large.c - large answers of HTTP servers: they pass while they come, and are what small ones are
 */
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/lying.h"
#include "tests/integration/common.h"

#define LARGE	300000
#define RULES	"{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}}}"

static size_t
server_written(const struct lying *l)
{
	struct answer	a;
	char		address[32];
	size_t		n;

	snprintf(address, sizeof(address), "127.0.0.1:%u", l->port);
	client_once(address, "GET", "/written", "", NULL, &a);
	n = (size_t)atol(a.body == NULL ? "0" : a.body);
	answer_fini(&a);
	return n;
}

struct rig {
	struct lying	legacy, modern;
	struct gateway	g;
	struct mcp	m[3];		/* of 2026-07-28, 2025-11-25, 2025-03-26 */
};

static void
set_up(struct rig *r)
{
	char	servers[512];

	lying_start(&r->legacy, "legacy large");
	lying_start(&r->modern, "modern large");
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"legacy\":{\"url\":\"http://127.0.0.1:%u/mcp\"},"
	    "\"modern\":{\"url\":\"http://127.0.0.1:%u/mcp\"}}}", r->legacy.port, r->modern.port);
	gateway_start(&r->g, &(struct gateway_setup){ .servers = servers, .rules = RULES });
	for (size_t i = 0; i < 3; i++) {
		mcp_init(&r->m[i], r->g.mcp, "/mcp/catalog", gateway_key(&r->g, "a"));
		r->m[i].version = i == 2 ? "2025-03-26" : NULL;
		cr_assert(i == 0 || mcp_initialize(&r->m[i]) == 200);
	}
}

static void
tear_down(struct rig *r)
{
	for (size_t i = 0; i < 3; i++)
		mcp_fini(&r->m[i]);
	gateway_stop(&r->g);
	lying_stop(&r->legacy);
	lying_stop(&r->modern);
}

static void
call(struct mcp *m, const char *server, size_t n, const char *order, const char *end, struct answer *out)
{
	char	tool[32], arguments[128];

	snprintf(tool, sizeof(tool), "%s__fill", server);
	snprintf(arguments, sizeof(arguments), "{\"n\":\"%zu\",\"order\":\"%s\",\"end\":\"%s\"}", n, order, end);
	mcp_call(m, tool, arguments, out);
}

/* Brings a large answer to the size of a small one: the text is shortened when it is right, and equal rows are one. */
static void
shorten(json_object *result)
{
	json_object	*rows = json_at(result, "structuredContent.rows"), *first = json_at(result, "content[0]");
	const char	*text = json_text_at(result, "content[0].text");
	size_t		 n = strlen(text), i = 0;

	while (i < n && text[i] == "0123456789abcdef"[i % 16])
		i++;
	if (first != NULL)
		json_object_object_add(first, "text", json_object_new_string(i < n ? "not what was sent" :
		    n >= LARGE || n == 32 ? "as sent" : "of another length"));
	if (rows == NULL && json_at(result, "structuredContent[0]") != NULL)
		rows = json_at(result, "structuredContent");
	for (i = 1; rows != NULL && i < json_object_array_length(rows); i++)
		if (strcmp(json_object_to_json_string(json_object_array_get_idx(rows, i)), "{ \"row\": 1.5e3 }") != 0)
			return;
	if (rows != NULL)
		json_object_array_del_idx(rows, 1, json_object_array_length(rows) - 1);
}

static const char *const orders[] = { "c", "tc", "ct", "xcsem", "tmcse", "scx", "ac", "ca", "sxtec", "mtcxs" };

Test(large, answers_are_what_small_ones_are, .timeout = 120)
{
	struct rig	 r;
	struct answer	 small, large;

	set_up(&r);
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		for (size_t how = 0; how < 3 * 2 * 2; how++) {
			struct mcp	*m = &r.m[how % 3];
			const char	*server = how / 3 % 2 == 0 ? "legacy" : "modern";
			const char	*end = how / 6 == 0 ? "chunked" : "";
			char		*want;

			call(m, server, 32, orders[i], end, &small);
			call(m, server, LARGE, orders[i], end, &large);
			cr_assert(small.json != NULL && large.json != NULL, "%s of %s: %.300s", orders[i], server,
			    large.body);
			cr_expect(json_at(small.json, "result") != NULL);
			cr_expect(how % 3 == 2 || large.body_bytes > LARGE, "%s of %s: %zu", orders[i], server,
			    large.body_bytes);
			shorten(json_at(small.json, "result"));
			shorten(json_at(large.json, "result"));
			json_object_object_del(small.json, "id");
			json_object_object_del(large.json, "id");
			want = strdup(json_object_to_json_string(small.json));
			cr_expect_str_eq(json_object_to_json_string(large.json), want, "%s of %s, client %zu", orders[i],
			    server, how % 3);
			free(want);
			answer_fini(&small);
			answer_fini(&large);
		}
	}
	tear_down(&r);
}

/* A client must not take it for whole; its neighbours notice nothing. */
Test(large, answers_that_go_wrong_get_no_end, .timeout = 60)
{
	static const char *const ends[] = { "cut", "bad", "other" };
	struct rig	 r;
	struct answer	 a;
	json_object	*records;
	size_t		 wrong = 0;

	set_up(&r);
	for (size_t i = 0; i < 3; i++) {
		for (size_t how = 0; how < 4; how++) {
			struct mcp	*m = &r.m[how % 2];
			const char	*server = how / 2 == 0 ? "legacy" : "modern";

			call(m, server, LARGE, "tcx", ends[i], &a);
			cr_expect(a.status == 0, "%s of %s: %d %.200s", ends[i], server, a.status, a.body);
			answer_fini(&a);
			wrong++;
			call(m, server, LARGE, "tcx", "", &a);
			cr_expect(json_at(a.json, "result.content[0].text") != NULL, "after %s of %s", ends[i], server);
			answer_fini(&a);
		}
	}
	/* A modern server that asks behind what is large, though this client cannot be asked. */
	call(&r.m[0], "modern", LARGE, "cq", "", &a);
	cr_expect(a.status == 0, "%.200s", a.body);
	answer_fini(&a);
	records = gateway_audit(&r.g);
	cr_expect(audit_count(records, "outcome", "bad-answer") == wrong + 1, "%zu", audit_count(records, "outcome",
	    "bad-answer"));
	cr_expect(audit_count(records, "outcome", "ok") == wrong);
	json_object_put(records);
	tear_down(&r);
}

/* What is not read stays with the server, not in the gateway. */
Test(large, answers_wait_for_their_reader, .timeout = 60)
{
	const size_t	 n = 14 << 20;
	struct rig	 r;
	struct client	 slow;
	struct answer	 a;
	char		*headers, *all, *body, *whole, params[128];
	size_t		 written, before;

	set_up(&r);
	snprintf(params, sizeof(params), "{\"name\":\"modern__fill\",\"arguments\":{\"n\":\"%zu\",\"order\":\"tc\"}}", n);
	mcp_write(&r.m[0], "1", "tools/call", params, &headers, &body);
	all = mcp_headers(&r.m[0], headers);
	cr_assert(asprintf(&whole, "POST /mcp/catalog HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %zu\r\n\r\n%s", r.g.mcp,
	    all, strlen(body), body) > 0);
	cr_assert(client_open(&slow, r.g.mcp) && client_send(&slow, whole, strlen(whole)));
	for (written = 0, before = 1; written == 0 || written != before; written = server_written(&r.modern)) {
		before = written;
		usleep(500000);
	}
	cr_expect(written < n - (1 << 20), "the server is held up after %zu bytes", written);
	/* Others are served meanwhile. */
	call(&r.m[1], "modern", LARGE, "tc", "", &a);
	cr_expect(json_at(a.json, "result") != NULL, "%.200s", a.body);
	answer_fini(&a);
	client_read(&slow, 30000, &a);
	cr_expect(strlen(json_text_at(a.json, "result.content[0].text")) == n, "%zu bytes came", a.body_bytes);
	answer_fini(&a);
	client_close(&slow);
	free(headers);
	free(all);
	free(body);
	free(whole);
	tear_down(&r);
}

/* Asks for a large answer, and reads nothing of it but its first bytes. */
static void
begin_slowly(struct rig *r, struct mcp *m, const char *id, struct client *slow)
{
	char	*headers, *all, *body, *whole, byte;

	mcp_write(m, id, "tools/call", "{\"name\":\"modern__fill\",\"arguments\":{\"n\":\"14000000\",\"order\":\"tc\"}}", &headers,
	    &body);
	all = mcp_headers(m, headers);
	cr_assert(asprintf(&whole, "POST /mcp/catalog HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %zu\r\n\r\n%s", r->g.mcp,
	    all, strlen(body), body) > 0);
	cr_assert(client_open(slow, r->g.mcp) && client_send(slow, whole, strlen(whole)));
	cr_assert(recv(slow->fd, &byte, 1, MSG_PEEK) == 1, "it begins");
	usleep(300000);
	free(headers);
	free(all);
	free(body);
	free(whole);
}

struct ended {
	struct rig	*r;
	const char	*outcome;
	size_t		 count;
};

static bool
has_ended(void *arg)
{
	struct ended	*e = arg;
	json_object	*records = gateway_audit(&e->r->g);
	bool		 has = audit_count(records, "outcome", e->outcome) == e->count;

	json_object_put(records);
	return has;
}

static void
expect_ended(struct rig *r, const char *outcome, size_t count)
{
	struct ended	e = { r, outcome, count };

	cr_expect(wait_until(has_ended, &e, 20000), "not %zu calls ended %s", count, outcome);
}

/* Whoever began it gives it up: the call ends, is recorded, and the worker serves on. */
Test(large, answers_can_be_given_up_midway, .timeout = 60)
{
	struct rig	 r;
	struct client	 slow;
	struct answer	 a;
	struct procs	*before = malloc(sizeof(*before));

	set_up(&r);
	gateway_procs(&r.g, before);
	/* A modern client leaves, and a legacy one, whose call goes on to its end. */
	begin_slowly(&r, &r.m[0], "76", &slow);
	client_close(&slow);
	expect_ended(&r, "cancelled", 1);
	begin_slowly(&r, &r.m[1], "77", &slow);
	client_close(&slow);
	expect_ended(&r, "ok", 1);
	/* That has a message for it. */
	begin_slowly(&r, &r.m[1], "78", &slow);
	mcp_post(&r.m[1], "", "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":78}}", &a);
	EXPECT_STATUS(a, 202, "cancelled");
	answer_fini(&a);
	expect_ended(&r, "cancelled", 2);
	client_read(&slow, 10000, &a);
	cr_expect(a.status == 0, "half of it is not whole: %d", a.status);
	answer_fini(&a);
	client_close(&slow);
	for (int i = 0; i < 8; i++) {
		call(&r.m[i % 3], "modern", 10, "tc", "", &a);
		cr_expect(json_at(a.json, "result") != NULL, "%.200s", a.body);
		answer_fini(&a);
	}
	cr_expect(gateway_deaths(before) == 0);
	free(before);
	tear_down(&r);
}
