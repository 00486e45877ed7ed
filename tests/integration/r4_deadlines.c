/* SPDX-License-Identifier: Apache-2.0
 *
 * r4_deadlines.c - how long a client says it waits: that is what a call takes, and its server hears of the end
 */
#include "tests/integration/r2_faults.h"

static struct failing	bad;

static void
begin(const char *era)
{
	char	servers[512];

	failing_start(&bad, era, "bad");
	failing_start(&good, era, "good");
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"bad\":{\"url\":\"http://127.0.0.1:%u/mcp\",\"timeout_ms\":20000},"
	    "\"short\":{\"url\":\"http://127.0.0.1:%u/mcp\",\"timeout_ms\":300}}}", bad.port, bad.port);
	gateway_start(&g, &(struct gateway_setup){ .workers = 1, .servers = servers, .rules = FAULT_RULES,
	    .conf = "breaker_failures = 1000\nupstream_check = 0\n" });
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "one"));
}

static void
finish(void)
{
	gateway_stop(&g);
	failing_stop(&bad);
	failing_stop(&good);
}

/* The header with this value, _meta with that one; NULL: without.  What was answered, and how long it took. */
static double
ask(const char *path, bool modern, const char *header, const char *meta, char said[256])
{
	struct mcp	m;
	char		head[64], more[64];
	double		took;

	mcp_init(&m, g.mcp, path, key);
	if (!modern)
		cr_assert(mcp_initialize(&m) == 200);
	snprintf(head, sizeof(head), "Mcpgw-Timeout-Ms: %s\r\n", header == NULL ? "" : header);
	snprintf(more, sizeof(more), ",\"mcpgw/timeout_ms\":%s", meta == NULL ? "" : meta);
	m.more = header == NULL ? NULL : head;
	m.meta = meta == NULL ? NULL : more;
	took = fault_call(&m, "work", atomic_fetch_add(&next_n, 1), said);
	mcp_fini(&m);
	return took;
}

#define EXPECT_MS(took, want)	cr_expect((took) > (want) - 30 && (took) < (want) + patience(&g, 600), "%.0f ms, not %d", (took), (want))

Test(deadlines, of_clients_shorten_what_a_call_may_take, .timeout = 60)
{
	static const struct { const char *path, *header, *meta; int want; } rows[] = {
		{ "/servers/bad/mcp", "400", NULL, 400 }, { "/servers/bad/mcp", NULL, "300", 300 },
		{ "/servers/bad/mcp", "900", "200", 200 }, { "/servers/bad/mcp", "200", "900", 200 },
		{ "/servers/short/mcp", "5000", NULL, 300 },	/* the operator's is shorter */
	};
	static const char *const wrong[] = { "0", "-1", "x", "1.5", "3600001", "" };
	char			 said[256];
	size_t			 before;

	begin("modern");
	(void)ask("/servers/bad/mcp", true, NULL, NULL, said);
	cr_expect(strstr(said, "\"result\"") != NULL, "%s", said);
	failing_mode(&bad, "mute");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double	took = ask(rows[i].path, true, rows[i].header, rows[i].meta, said);

		EXPECT_MS(took, rows[i].want);
		cr_expect(strstr(said, "\"TIMEOUT\"") != NULL, "%s", said);
	}
	before = failing_calls(&bad);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)ask("/servers/bad/mcp", true, wrong[i], NULL, said);
		cr_expect(strstr(said, "-32602") != NULL && strstr(said, "mcpgw-timeout-ms") != NULL, "%s: %s", wrong[i], said);
	}
	(void)ask("/servers/bad/mcp", true, NULL, "\"200\"", said);
	cr_expect(strstr(said, "-32602") != NULL, "%s", said);
	cr_expect(failing_calls(&bad) == before, "none of these was made");
	finish();
}

static bool
was_told(void *arg)
{
	char		at[64];
	struct answer	a;
	unsigned	told = 0, closed = 0;

	snprintf(at, sizeof(at), "127.0.0.1:%u", bad.port);
	client_once(at, "GET", "/told", "", NULL, &a);
	(void)sscanf(a.body, "%u %u", &told, &closed);
	answer_fini(&a);
	return *(bool *)arg ? told > 0 : closed > 0;
}

Test(deadlines, are_told_to_servers_of_both_eras, .timeout = 60)
{
	char	said[256];
	double	took;
	bool	cancelled;

	for (int legacy = 0; legacy < 2; legacy++) {
		begin(legacy ? "legacy" : "modern");
		failing_mode(&bad, "mute");
		took = ask("/servers/bad/mcp", true, "500", NULL, said);
		EXPECT_MS(took, 500);
		cancelled = legacy == 1;
		cr_expect(wait_until(was_told, &cancelled, patience(&g, 3000)), "%s: its server hears of it",
		    legacy ? "notifications/cancelled" : "the end of its connection");
		/* And it knew before: what is left of it goes along. */
		cr_expect(failing_saw(&bad, "deadline ") >= 1);
		finish();
	}
}

static bool
has_come(void *arg)
{
	return failing_calls_of(&bad, *(unsigned *)arg) == 1;
}

Test(deadlines, end_with_the_client_that_goes, .timeout = 60)
{
	struct mcp	m;
	char		*headers, *body, said[256];
	bool		 cancelled = false;

	begin("modern");
	(void)ask("/servers/bad/mcp", true, NULL, NULL, said);
	failing_mode(&bad, "mute");
	mcp_init(&m, g.mcp, "/servers/bad/mcp", key);
	cr_assert(client_open(&m.conn, m.address));
	mcp_write(&m, "7", "tools/call", "{\"name\":\"work\",\"arguments\":{\"n\":7}}", &headers, &body);
	{
		char	*all = NULL, *more = mcp_headers(&m, headers);
		int	 n = asprintf(&all, "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %zu\r\n\r\n%s", m.path, m.address, more,
			    strlen(body), body);

		cr_assert(n > 0 && client_send(&m.conn, all, (size_t)n));
		free(all);
		free(more);
	}
	free(headers);
	free(body);
	cr_expect(wait_until(has_come, &(unsigned){ 7 }, patience(&g, 5000)), "the call is under way");
	cr_expect(was_told(&cancelled) == false);
	client_close(&m.conn);
	cr_expect(wait_until(was_told, &cancelled, patience(&g, 3000)), "the connection to its server ends with it");
	m.conn.fd = -1;
	mcp_fini(&m);
	finish();
}
