/* SPDX-License-Identifier: Apache-2.0
 *
 * test_ruletext.c - one rule more or less, and no other byte
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "ctl/files/ruletext.h"

static const struct ruletext tool_rule = { "allow", "a", "s", "t" }, server_rule = { "allow", "a", "s", NULL };

typedef int change_fn(struct span text, const struct ruletext *rule, struct buf *out);

static void
expect(change_fn *fn, const struct ruletext *rule, const char *text, int error, const char *want)
{
	struct buf	out;

	buf_init(&out, 1 << 20);
	cr_expect(eq(int, fn(span_of(text), rule, &out), error), "%s", text);
	if (error == 0)
		cr_expect(span_eq(buf_rest(&out), span_of(want)), "%s: %.*s", text, SPAN_FMT(buf_rest(&out)));
	buf_fini(&out);
}

Test(ruletext, a_rule_is_added_where_it_belongs)
{
	expect(ruletext_add, &tool_rule, "", 0, "{\"agents\": {\"a\": {\"allow\": {\"tools\": {\"s\": [\"t\"]}}}}\n}\n");
	expect(ruletext_add, &server_rule, "{\"agents\": {\"a\": {\"deny\": {}}}}", 0,
	    "{\"agents\": {\"a\": {\"deny\": {}, \"allow\": {\"servers\": [\"s\"]}}}}");
	expect(ruletext_add, &tool_rule, "{\"agents\": {\"a\": {\"allow\": {\"tools\": {\"s\": [\"x\"]}}}}} // end", 0,
	    "{\"agents\": {\"a\": {\"allow\": {\"tools\": {\"s\": [\"x\", \"t\"]}}}}} // end");
	expect(ruletext_add, &tool_rule, "{\"agents\": {\"a\": {\"allow\": {\"tools\": {\"s\": [\"t\"]}}}}}", E_EXISTS, "");
	expect(ruletext_add, &tool_rule, "{\"agents\": {\"a\": {\"allow\": {\"tools\": {\"s\": \"t\"}}}}}", E_FORMAT, "");
	expect(ruletext_add, &tool_rule, "{\"agents\": ", E_FORMAT, "");
	expect(ruletext_add, &(struct ruletext){ "deny", "a", "s", "q\"*" }, "{}", 0,
	    "{\"agents\": {\"a\": {\"deny\": {\"tools\": {\"s\": [\"q\\\"*\"]}}}}}");
}

Test(ruletext, a_rule_is_taken_out_wherever_its_list_has_it)
{
	expect(ruletext_remove, &tool_rule,
	    "{\"agents\": {\"a\": {\"allow\": {\"tools\": {\"s\": [\"t\", \"x\", \"\\u0074\"]}}}}}", 0,
	    "{\"agents\": {\"a\": {\"allow\": {\"tools\": {\"s\": [\"x\"]}}}}}");
	expect(ruletext_remove, &tool_rule, "{\"agents\": {\"b\": {\"allow\": {\"tools\": {\"s\": [\"t\"]}}}}}",
	    E_NOTFOUND, "");
	expect(ruletext_remove, &server_rule, "", E_NOTFOUND, "");
	cr_expect(ruletext_has(SPAN_LIT("{\"agents\": {\"a\": {\"allow\": {\"servers\": [\"s\"]}}}}"), &server_rule));
	cr_expect(ruletext_has(SPAN_LIT("{\"agents\": {\"a\": {\"allow\": {\"servers\": [\"ss\"]}}}}"), &server_rule) == false);
}
