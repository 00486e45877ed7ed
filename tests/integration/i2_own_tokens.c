/* SPDX-License-Identifier: Apache-2.0
 *
 * i2_own_tokens.c - tokens that the gateway itself issues: used, rotated, taken back
 */
#include <sys/stat.h>

#include "tests/integration/common.h"

#define RULES	"{\"agents\":{\"backend\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"now\"]}}}}}"

static void
start(struct gateway *g)
{
	gateway_start(g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = RULES });
	/* Scopes are of the gateway, whoever signs. */
	gateway_write(g, "issuers.json", "{\"scopes\":{\"tools:call\":{\"servers\":[\"clock\"]}}}");
	cr_assert(gateway_ctl(g, NULL, false, "reload", NULL) == 0);
}

/* A token, and its id; both malloc'ed. */
static char *
token(const struct gateway *g, char **id, const char *lasts)
{
	char		*out, *text;
	json_object	*o;

	cr_assert(gateway_ctl(g, &out, false, "--json", "token", "--agent", "backend", "--subject", "ann", "--role", "dev",
	    "--scope", "tools:call", "--for", lasts, "--claim", "v=2", "--force", NULL) == 0, "%s", out);
	o = json_tokener_parse(out);
	text = strdup(json_text_at(o, "token"));
	if (id != NULL)
		*id = strdup(json_text_at(o, "id"));
	cr_assert(text[0] != '\0', "%s", out);
	json_object_put(o);
	free(out);
	return text;
}

/* Of several requests, each on a connection of its own, as one worker may have what another has not. */
static void
expect_status(const struct gateway *g, const char *bearer, int want, const char *what)
{
	struct mcp	m;
	struct answer	a;

	for (int i = 0; i < 10; i++) {
		mcp_init(&m, g->mcp, "/mcp", bearer);
		mcp_ask_modern(&m, "server/discover", NULL, &a);
		EXPECT_STATUS(a, want, "%s", what);
		answer_fini(&a);
		mcp_fini(&m);
	}
}

Test(own_tokens, open_the_gateway_and_the_audit_names_the_bearer, .timeout = 60)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	json_object	*records;
	char		*t;

	NEEDS_JAILS();
	start(&g);
	t = token(&g, NULL, "1h");
	mcp_init(&m, g.mcp, "/servers/clock/mcp", t);
	mcp_call(&m, "now", "{}", &a);
	cr_expect(json_at(a.json, "result.content") != NULL, "%s", a.body);
	answer_fini(&a);
	mcp_call(&m, "sleep", "{}", &a);
	cr_expect(json_int_at(a.json, "error.code") == 403, "%s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "how", "token") == 2 && audit_count(records, "agent", "backend") == 2);
	cr_expect(strstr(json_object_to_json_string(records), "ann at urn:mcpgw:") != NULL, "%s",
	    json_object_to_json_string(records));
	json_object_put(records);
	free(t);
	gateway_stop(&g);
}

Test(own_tokens, are_good_over_a_rotation_and_a_restart_until_they_end, .timeout = 90)
{
	struct gateway	 g;
	char		*old, *new, *brief;

	start(&g);
	old = token(&g, NULL, "1h");
	EXPECT_CTL(&g, 0, "signed with a new key", "token", "rotate");
	new = token(&g, NULL, "1h");
	expect_status(&g, old, 200, "of the key before");
	expect_status(&g, new, 200, "of the new one");
	gateway_stop_keep(&g);
	gateway_start_again(&g);
	expect_status(&g, old, 200, "after a restart");
	expect_status(&g, new, 200, "after a restart");
	brief = token(&g, NULL, "2s");
	sleep_ms(2100);
	expect_status(&g, brief, 401, "when it has ended");
	free(old);
	free(new);
	free(brief);
	gateway_stop(&g);
}

Test(own_tokens, that_are_revoked_are_refused_at_once_in_every_worker, .timeout = 90)
{
	struct gateway	 g;
	char		*one, *other, *id;

	start(&g);
	one = token(&g, &id, "1h");
	other = token(&g, NULL, "1h");
	expect_status(&g, one, 200, "one");
	expect_status(&g, other, 200, "another");
	EXPECT_CTL(&g, 0, "ended, in every worker", "token", "revoke", id);
	expect_status(&g, one, 401, "the one that was revoked");
	expect_status(&g, other, 200, "the other");
	sleep_ms(1100);
	EXPECT_CTL(&g, 0, "tokens issued before today ", "token", "revoke", "--before", "0");
	expect_status(&g, other, 401, "issued before");
	sleep_ms(1100);
	free(other);
	other = token(&g, NULL, "1h");
	expect_status(&g, other, 200, "issued since");
	EXPECT_CTL(&g, 0, "all tokens: ended", "token", "revoke", "--all");
	expect_status(&g, other, 401, "all");
	EXPECT_CTL(&g, 65, "not a token's id", "token", "revoke", "xyz");
	EXPECT_CTL(&g, 64, "wants", "token", "revoke");
	EXPECT_CTL(&g, 65, "1s to 24h", "token", "--agent", "backend", "--for", "25h");
	EXPECT_CTL(&g, 64, "not exp; say --for", "token", "--agent", "backend", "--claim", "exp=1");
	EXPECT_CTL(&g, 65, "have a name twice", "token", "--agent", "backend", "--claim", "v=1", "--claim", "v=2");
	free(one);
	free(other);
	free(id);
	gateway_stop(&g);
}

/* What signs them is in the store's files alone, which are their owner's. */
Test(own_tokens, are_signed_by_a_key_that_only_the_store_has, .timeout = 60)
{
	struct gateway	g;
	struct stat	st;
	char		path[400], *t;

	start(&g);
	t = token(&g, NULL, "1h");
	snprintf(path, sizeof(path), "%s/state/store/data.mdb", g.dir);
	cr_assert(stat(path, &st) == 0, "%s", path);
	cr_expect((st.st_mode & 0777) == 0600, "%o", st.st_mode);
	free(t);
	gateway_stop(&g);
}
