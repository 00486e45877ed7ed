/* SPDX-License-Identifier: Apache-2.0
 *
 * test_groups.c - rows that a decision cannot tell apart, counted
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "audit/auditor/groups.h"

static struct buf	out;

static void
add(struct groups *g, const char *agent, const char *object, const char *decision, uint64_t ms)
{
	struct auditdb_row	row = { .r = { .wall_ns = ms * 1000000, .f = { .tenant = SPAN_LIT("default"),
	    .agent = span_of(agent), .object = span_of(object), .decision = span_of(decision) } } };

	cr_assert(eq(int, groups_add(g, &row), 0));
}

static int
on_line(void *arg)
{
	(*(unsigned *)arg)++;
	return 0;
}

static const char *
text_of(const struct groups *g, unsigned *lines)
{
	static char	text[4096];

	*lines = 0;
	buf_init(&out, sizeof(text) - 1);
	cr_assert(eq(int, groups_print(g, &out, on_line, lines), 0));
	snprintf(text, sizeof(text), "%.*s", SPAN_FMT(buf_rest(&out)));
	buf_fini(&out);
	return text;
}

Test(groups, count_what_is_alike_with_the_first_and_the_last_time)
{
	struct groups	*g;
	unsigned	 lines;

	cr_assert(eq(int, groups_new(&g), 0));
	add(g, "a", "query", "allow", 50);
	add(g, "a", "query", "allow", 20);
	add(g, "b", "query", "allow", 30);
	add(g, "a", "query", "deny", 40);
	add(g, "a", "query", "allow", 90);
	add(g, "a", "quer", "allow", 95);
	/* One text's end is not another's beginning. */
	add(g, "aq", "uery", "allow", 60);
	add(g, "a\"b", "", "allow", 70);
	cr_expect(eq(str, (char *)(uintptr_t)text_of(g, &lines),
	    "{\"count\":3,\"first_ms\":20,\"last_ms\":90,\"tenant\":\"default\",\"agent\":\"a\",\"object\":\"query\","
	    "\"decision\":\"allow\"}\n"
	    "{\"count\":1,\"first_ms\":30,\"last_ms\":30,\"tenant\":\"default\",\"agent\":\"b\",\"object\":\"query\","
	    "\"decision\":\"allow\"}\n"
	    "{\"count\":1,\"first_ms\":40,\"last_ms\":40,\"tenant\":\"default\",\"agent\":\"a\",\"object\":\"query\","
	    "\"decision\":\"deny\"}\n"
	    "{\"count\":1,\"first_ms\":95,\"last_ms\":95,\"tenant\":\"default\",\"agent\":\"a\",\"object\":\"quer\","
	    "\"decision\":\"allow\"}\n"
	    "{\"count\":1,\"first_ms\":60,\"last_ms\":60,\"tenant\":\"default\",\"agent\":\"aq\",\"object\":\"uery\","
	    "\"decision\":\"allow\"}\n"
	    "{\"count\":1,\"first_ms\":70,\"last_ms\":70,\"tenant\":\"default\",\"agent\":\"a\\\"b\","
	    "\"decision\":\"allow\"}\n"));
	cr_expect(eq(uint, lines, 6));
	groups_free(&g);
}

Test(groups, are_bounded)
{
	struct auditdb_row	row = { .r = { .wall_ns = 1 } };
	struct groups		*g;
	char			name[24];
	int			r = 0;
	unsigned		n;

	cr_assert(eq(int, groups_new(&g), 0));
	for (n = 0; r == 0 && n <= GROUPS_MAX; n++) {
		snprintf(name, sizeof(name), "tool-%u", n);
		row.r.f.object = span_of(name);
		r = groups_add(g, &row);
	}
	cr_expect(eq(int, r, E_FULL));
	cr_expect(eq(uint, n, GROUPS_MAX + 1));
	row.r.f.object = SPAN_LIT("tool-7");
	cr_expect(eq(int, groups_add(g, &row), 0), "what is there is counted on");
	groups_free(&g);
}
