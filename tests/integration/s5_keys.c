/* SPDX-License-Identifier: Apache-2.0
 *
 * s5_keys.c - API keys and the key that signs own tokens are exchanged again and again under load: whoever has the newest, or
 *             one within its overlap, is never refused
 */
#include "tests/integration/load.h"

#define ROUNDS	20
#define RULES	"{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"*\"]}}}}}"

static struct gateway	g;
static struct bearers {
	_Atomic(const char *) key, own;
} now;

/* Threads take turns: an API key, or a token of the gateway's own. */
static void
ask(struct load *l, struct mcp *m, unsigned thread, unsigned round)
{
	struct answer	a;
	struct mcp	own;

	(void)round;
	(void)m;
	mcp_init(&own, l->address, "/servers/clock/mcp", atomic_load(thread % 2 == 0 ? &now.key : &now.own));
	mcp_call(&own, "now", "{}", &a);
	atomic_fetch_add(&l->sent, 1);
	atomic_fetch_add(a.status == 200 && json_at(a.json, "result.content") != NULL ? &l->well : &l->failed, 1);
	answer_fini(&a);
	mcp_fini(&own);
}

/* The last word of what a command prints: the secret, alone on its line.  Kept until the end. */
static const char *
secret_of(const char *a, const char *b, const char *c, const char *d, const char *e)
{
	char	*out, *line;

	cr_assert(gateway_ctl(&g, &out, false, a, b, c, d, e, NULL) == 0, "%s %s: %s", a, b, out);
	line = strtok(out, "\n");
	cr_assert(line != NULL && strlen(line) > 20, "%s %s", a, b);
	return line;
}

Test(keys, are_exchanged_under_load_without_a_failed_request, .timeout = 180)
{
	static struct load	l;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .workers = 3, .servers = DEMO_SERVERS, .rules = RULES });
	atomic_store(&now.key, secret_of("key", "add", "--agent", "a", "--name=bot"));
	atomic_store(&now.own, secret_of("token", "--agent", "a", "--for", "1h"));
	l = (struct load){ .fn = ask, .pause_ms = 2 };
	snprintf(l.address, sizeof(l.address), "%s", g.mcp);
	snprintf(l.path, sizeof(l.path), "/servers/clock/mcp");
	load_start(&l);
	for (int i = 0; i < ROUNDS; i++) {
		atomic_store(&now.key, secret_of("key", "rotate", "bot", "--overlap", "1s"));
		EXPECT_CTL(&g, 0, "", "token", "rotate");
		atomic_store(&now.own, secret_of("token", "--agent", "a", "--for", "1h"));
		/* Others come and go beside them. */
		(void)secret_of("key", "add", "--agent", "a", "--name=other");
		EXPECT_CTL(&g, 0, "", "key", "revoke", "other");
		sleep_ms(200);
	}
	load_end(&l);
	cr_expect(atomic_load(&l.failed) == 0 && atomic_load(&l.sent) > 300, "%u of %u failed", atomic_load(&l.failed),
	    atomic_load(&l.sent));
	cr_log_info("%d exchanges of each: none of %u requests failed", ROUNDS, atomic_load(&l.sent));
	gateway_stop(&g);
}
