/* SPDX-License-Identifier: Apache-2.0
 *
 * i5_admin_audit.c - who changed what of the gateway is in its audit
 */
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include "tests/integration/common.h"

static struct gateway	g;

/* How many records say just that. */
static size_t
said(json_object *records, const char *method, const char *object, const char *outcome)
{
	size_t	n = 0;

	for (size_t i = 0; i < json_object_array_length(records); i++) {
		json_object	*o = json_object_array_get_idx(records, i);

		n += strcmp(json_text_at(o, "method"), method) == 0 && strstr(json_text_at(o, "object"), object) != NULL &&
		    strcmp(json_text_at(o, "outcome"), outcome) == 0;
	}
	return n;
}

static void
expect_said(const char *method, const char *object, const char *outcome, size_t want)
{
	json_object	*records = gateway_audit_admin(&g);

	cr_expect(said(records, method, object, outcome) == want, "%s %s %s: not %zu: %s", method, object, outcome, want,
	    json_object_to_json_string(records));
	json_object_put(records);
}

static void
kill_all(const char *program)
{
	struct procs	*p = malloc(sizeof(*p));

	gateway_procs(&g, p);
	for (size_t i = 0; procs_find(p, program, i) != NULL; i++)
		(void)kill(procs_find(p, program, i)->pid, SIGKILL);
	free(p);
}

Test(admin_audit, has_who_changed_keys_tokens_and_policies_and_what_was_refused, .timeout = 120)
{
	const struct passwd	*pw = getpwuid(getuid());
	char			*key, *token, *out, who[96], public_name[16];
	json_object		*records;

	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES, .workers = 4 });
	cr_assert(gateway_ctl(&g, &key, false, "key", "add", "--agent", "reader", "--name", "ci", NULL) == 0);
	snprintf(public_name, sizeof(public_name), "%.12s", key);
	EXPECT_CTL(&g, 65, "there is a key", "key", "add", "--agent", "reader", "--name", "ci");
	EXPECT_CTL(&g, 0, "mgk_", "key", "rotate", "ci");
	EXPECT_CTL(&g, 0, "ended", "key", "revoke", "ci");
	cr_assert(gateway_ctl(&g, &token, false, "--json", "token", "--agent", "reader", NULL) == 0);
	EXPECT_CTL(&g, 0, "ended", "token", "revoke", "00112233445566778899aabbccddeeff");
	EXPECT_CTL(&g, 0, "new key", "token", "rotate");
	gateway_write(&g, "rules.json", "{\"agents\":{\"reader\":{}},\"limits\":{\"agents\":{\"reader\":{\"rate\":\"9/h\"}}}}");
	EXPECT_CTL(&g, 0, "in force", "reload");
	EXPECT_CTL(&g, 0, "begins anew", "limit", "reset", "reader");
	EXPECT_CTL(&g, 0, "", "server", "breaker", "reset", "clock");
	EXPECT_CTL(&g, 0, "", "drain", "--undo");
	gateway_write(&g, "rules.json", "{");
	EXPECT_CTL(&g, 1, "error", "reload");
	EXPECT_CTL(&g, 0, "", "rollback");
	records = gateway_audit_admin(&g);
	snprintf(who, sizeof(who), pw == NULL ? "uid %u" : "uid %u (%s)", getuid(), pw == NULL ? "" : pw->pw_name);
	cr_expect(audit_count(records, "principal", who) == json_object_array_length(records), "%s: %s", who,
	    json_object_to_json_string(records));
	cr_expect(said(records, "key add", public_name, "ok") == 1 && said(records, "key add", "agent reader", "ok") == 1);
	cr_expect(said(records, "key add", "ci (", "refused") == 1);
	cr_expect(said(records, "key rotate", "ci (mgk_", "ok") == 1 && said(records, "key revoke", "ci", "ok") == 1);
	cr_expect(said(records, "token revoke", "00112233445566778899aabbccddeeff", "ok") == 1);
	cr_expect(said(records, "token rotate", "", "ok") == 1);
	cr_expect(said(records, "limit reset", "reader agent default", "ok") == 1 &&
	    said(records, "server breaker reset", "clock", "ok") == 1 && said(records, "drain --undo", "", "ok") == 1, "%s",
	    json_object_to_json_string(records));
	cr_expect(said(records, "reload", "generation ", "ok") == 1 && said(records, "reload", "", "refused") == 1);
	cr_expect(said(records, "rollback", "generation ", "ok") == 1, "%s", json_object_to_json_string(records));
	out = strstr(token, "\"id\":\"");
	cr_assert(out != NULL, "%s", token);
	snprintf(who, sizeof(who), "%.32s", out + 6);
	cr_expect(said(records, "token", who, "ok") == 1, "%s: %s", who, json_object_to_json_string(records));
	json_object_put(records);
	/* No key and no token stands there. */
	cr_assert(gateway_ctl(&g, &out, false, "--json", "audit", "list", NULL) == 0);
	cr_expect(strstr(out, "key add") != NULL && strstr(out, key + 13) == NULL && strstr(out, "eyJ0eXAi") == NULL);
	free(out);
	EXPECT_CTL(&g, 0, "key revoke ci", "audit", "list", "--kind", "admin");
	EXPECT_CTL(&g, 0, "chain whole", "audit", "verify");
	free(key);
	free(token);
	gateway_stop(&g);
}

Test(admin_audit, has_each_once_whoever_dies_meanwhile, .timeout = 120)
{
	char	name[24];

	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES });
	for (int i = 0; i < 12; i++) {
		if (i % 3 == 1)
			kill_all("mcpgw-audit");
		snprintf(name, sizeof(name), "key-%d-", i);
		EXPECT_CTL(&g, 0, "mgk_", "key", "add", "--agent", "reader", "--name", name);
	}
	cr_assert(kill(g.pid, SIGHUP) == 0);
	sleep_ms(patience(&g, 3000));
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "key-%d-", i);
		expect_said("key add", name, "ok", 1);
	}
	expect_said("reload", "generation ", "ok", 1);
	gateway_stop_keep(&g);
	gateway_start_again(&g);
	expect_said("key add", "key-", "ok", 12);
	expect_said("reload", "", "ok", 1);
	EXPECT_CTL(&g, 0, "mgk_", "key", "add", "--agent", "reader", "--name", "after");
	expect_said("key add", "after", "ok", 1);
	EXPECT_CTL(&g, 0, "chain whole", "audit", "verify");
	gateway_stop(&g);
}
