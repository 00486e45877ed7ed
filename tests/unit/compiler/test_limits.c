/* SPDX-License-Identifier: Apache-2.0
 *
 * test_limits.c - limits of rules.json and of parameters, as they stand in a policy
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "policy/policy.h"
#include "tests/unit/compiler/compile.h"

static void
compile_ok(const char *folder, bool personal, const char *const *options, struct compiled *c)
{
	compile_folder(folder, personal, options, c);
	cr_assert(eq(uint, c->errors, 0), "%.*s", SPAN_FMT(buf_rest(&c->notes)));
}

Test(limits, limits_are_found_by_agent_and_tool)
{
	const struct rec_limit	*l;
	struct compiled		 c;
	char			 folder[64];

	scratch_new(folder);
	scratch_write(folder, "rules.json", "{\"agents\": {\"b\": {}, \"a\": {}}, \"limits\": {"
	    "\"agents\": {\"b\": {\"rate\": \"50/s\", \"burst\": 100}}, "
	    "\"tools\": {\"pg.query\": {\"rate\": \"120/min\"}, \"ab.x\": {\"rate\": \"1/h\"}}}}", 0644);
	compile_ok(folder, false, NULL, &c);
	l = policy_limit_agent(c.policy, policy_agent_find(c.policy, SPAN_LIT("default"), SPAN_LIT("b")));
	cr_assert(l != NULL);
	cr_expect(eq(u64, l->interval_ns, 20000000));
	cr_expect(eq(u32, l->burst, 100));
	cr_expect(span_is(snap_text(c.policy, l->path), "limits.agents.b"));
	cr_expect(policy_limit_agent(c.policy, policy_agent_find(c.policy, SPAN_LIT("default"),
	    SPAN_LIT("a"))) == NULL);
	l = policy_limit_tool(c.policy, SPAN_LIT("default"), SPAN_LIT("pg"), SPAN_LIT("query"));
	cr_assert(l != NULL);
	cr_expect(eq(u64, l->interval_ns, 500000000));
	cr_expect(eq(u32, l->burst, 120));
	cr_expect(policy_limit_tool(c.policy, SPAN_LIT("default"), SPAN_LIT("ab"), SPAN_LIT("x")) != NULL);
	cr_expect(policy_limit_tool(c.policy, SPAN_LIT("default"), SPAN_LIT("pg"), SPAN_LIT("other")) == NULL);
	cr_expect(policy_limit_tool(c.policy, SPAN_LIT("default"), SPAN_NONE, SPAN_NONE) == NULL);
	compiled_fini(&c);
	scratch_remove(folder);
}

/* A tenant's own and the gateway's stand behind those of "each", and are found with them. */
Test(limits, limits_of_a_tenant_are_together)
{
	static const enum limit_of	want[] = { LIMIT_OF_EACH, LIMIT_OF_TENANT, LIMIT_OF_GATEWAY };
	const struct rec_tenant		*t;
	const struct rec_limit		*l;
	const struct rec_quota		*q;
	struct compiled			 c;
	char				 folder[64];

	scratch_new(folder);
	scratch_write(folder, "rules.json", "{\"agents\": {\"a\": {}}, \"limits\": {"
	    "\"servers\": {\"s\": {\"max_concurrent\": 7}}, "
	    "\"each\": [{\"by\": [\"principal\", \"address\"], \"agent\": \"a\", \"rate\": \"1/s\"}]}}", 0644);
	scratch_write(folder, "mcpgw.conf", "tenant_quota = calls=9/month time=2h/day\nquota_zone = -03:30\n"
	    "quota_warn = 70\nmax_concurrent = 5\naddress_rate = 9/s\n", 0644);
	compile_ok(folder, false, NULL, &c);
	t = policy_tenant_find(c.policy, SPAN_LIT("default"));
	cr_assert(t != NULL);
	cr_expect(eq(u32, t->limit_count, 3));
	for (uint32_t i = 0; i < 3; i++) {
		l = policy_limit_tenant(c.policy, t, i);
		cr_assert(l != NULL);
		cr_expect(eq(int, l->of, (int)want[i]));
	}
	cr_expect(eq(u32, l->max_concurrent, 5));
	l = policy_limit_tenant(c.policy, t, 0);
	cr_expect(eq(u32, l->by, LIMIT_BY_PRINCIPAL | LIMIT_BY_ADDRESS));
	l = policy_limit_tenant(c.policy, t, 1);
	q = policy_quota(c.policy, l, 1);
	cr_assert(q != NULL && policy_quota(c.policy, l, 2) == NULL);
	cr_expect(eq(u64, q->hard, 7200000));
	cr_expect(eq(int, q->what, QUOTA_TIME));
	cr_expect(eq(int, q->period, QUOTA_DAY));
	cr_expect(eq(int, q->zone_s, -12600));
	cr_expect(eq(u32, q->warn, 70));
	l = policy_limit_tool(c.policy, SPAN_LIT("default"), SPAN_LIT("s"), SPAN_NONE);
	cr_assert(l != NULL);
	cr_expect(eq(u32, l->max_concurrent, 7));
	l = SNAP_AT(c.policy, TENANT_LIMIT, 3);
	cr_assert(l != NULL);
	cr_expect(eq(int, l->of, (int)LIMIT_OF_ADDRESS));
	compiled_fini(&c);
	scratch_remove(folder);
}
