/* SPDX-License-Identifier: Apache-2.0
 *
 * test_compare.c - two policies differ in what they decide, not in how they are written
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "ctl/compare/compare.h"
#include "lib/fd.h"
#include "lib/sum.h"
#include "policy/build.h"
#include "policy/policy.h"

/* A policy of one agent, one server and one or two rules about its tools. */
struct made {
	uint64_t	 profile;
	const char	*exact, *wild;		/* allowed; NULL: no such rule */
};

static struct build *b;

static struct stext
text(const char *s)
{
	struct stext	t = { 0, 0 };

	cr_assert(eq(int, build_text(b, span_of(s), &t), 0));
	return t;
}

static uint32_t
add(enum snap_section section, const void *record)
{
	uint32_t	index;

	cr_assert(eq(int, build_add(b, section, record, &index), 0));
	return index;
}

static uint32_t
rule(enum rule_about about, enum rule_class class, const char *pattern)
{
	struct rec_rule	r = { .path = text("agents.a"), .file = text("rules.json"), .line = 5, .server = text("s"),
	    .pattern = text(pattern), .rule_class = (uint8_t)class, .about = (uint8_t)about };

	return add(SECTION_RULE, &r);
}

static void
exact(uint32_t index, enum rule_about about, const char *tool)
{
	struct rec_exact	e = { .hash = policy_exact_hash(about, sum64(SPAN_LIT("s")), sum64(span_of(tool))),
	    .rule = index + 1 };

	add(SECTION_EXACT, &e);
}

static struct snap *
make(const struct made *m)
{
	struct rec_tenant	 tenant = { 0 };
	struct rec_agent	 agent = { .exact_slots = 1 };
	struct rec_server	 server = { .profile = m->profile, .kind = SERVER_STDIO };
	struct rec_index	 index = { 0 };
	struct rec_wild		 wild = { 0 };
	struct snap		*s;
	uint64_t		 length;
	int			 fd;

	cr_assert(eq(int, build_new(SNAP_POLICY, "", &b), 0));
	tenant.name = text("default");
	add(SECTION_TENANT, &tenant);
	server.name = text("s");
	server.file = text("servers.json");
	add(SECTION_SERVER, &server);
	add(SECTION_SERVER_BY_NAME, &index);
	/* A table of two, each in any place: a look-up passes over the other. */
	exact(rule(RULE_ABOUT_SERVER, RULE_EXPLICIT_ALLOW, "s"), RULE_ABOUT_SERVER, "");
	if (m->exact != NULL) {
		exact(rule(RULE_ABOUT_TOOL, RULE_EXPLICIT_ALLOW, m->exact), RULE_ABOUT_TOOL, m->exact);
		agent.exact_slots = 2;
	}
	if (m->wild != NULL) {
		wild.server = text("s");
		wild.rule = rule(RULE_ABOUT_TOOL, RULE_WILDCARD_ALLOW, m->wild);
		add(SECTION_WILD, &wild);
		agent.wild_count = 1;
	}
	agent.name = text("a");
	add(SECTION_AGENT, &agent);
	cr_assert(eq(int, build_seal(b, 1, &fd, &length), 0));
	cr_assert(eq(int, snap_map(fd, &s), 0));
	fd_close(&fd);
	build_free(&b);
	return s;
}

static void
known(compare_tool_fn *fn, void *arg, void *tool)
{
	fn(SPAN_LIT("default"), SPAN_LIT("s"), span_of(tool), arg);
}

struct row {
	struct made	 before, after;
	const char	*known;			/* a tool that the server lists, or NULL */
	size_t		 decisions, restarts;
	const char	*tool;			/* of the first decision */
	bool		 allow;
};

Test(compare, finds_what_is_decided_otherwise)
{
	static const struct row	rows[] = {
		{ { 1, "t", NULL }, { 1, "t", NULL }, NULL, 0, 0, NULL, false },
		{ { 1, "t", NULL }, { 2, "t", NULL }, NULL, 0, 1, NULL, false },
		{ { 1, NULL, NULL }, { 1, "t", NULL }, NULL, 1, 0, "t", true },
		{ { 1, "t", NULL }, { 1, NULL, NULL }, NULL, 1, 0, "t", false },
		/* A pattern stands for the tools it fits, where nobody knows them. */
		{ { 1, NULL, NULL }, { 1, NULL, "get_*" }, NULL, 1, 0, "get_*", true },
		{ { 1, NULL, NULL }, { 1, NULL, "get_*" }, "get_all", 1, 0, "get_all", true },
		{ { 1, NULL, NULL }, { 1, NULL, "get_*" }, "set_all", 0, 0, NULL, true },
		{ { 1, NULL, "*" }, { 1, NULL, NULL }, NULL, 1, 0, "*", false },
		{ { 1, NULL, "*" }, { 1, NULL, NULL }, "set_all", 2, 0, "*", false },
		/* Said in another way it is no change. */
		{ { 1, "t", "*" }, { 1, NULL, "*" }, "t", 0, 0, NULL, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct snap	*before = make(&rows[i].before), *after = make(&rows[i].after);
		struct compare	 c;

		compare_make(before, after, rows[i].known == NULL ? NULL : known, (void *)(uintptr_t)rows[i].known, &c);
		cr_expect(eq(sz, c.decision_count, rows[i].decisions), "row %zu", i);
		cr_expect(eq(sz, c.restarts, rows[i].restarts), "row %zu", i);
		cr_expect(eq(int, compare_any(&c), rows[i].decisions + rows[i].restarts > 0), "row %zu", i);
		cr_expect(eq(sz, c.agents, rows[i].decisions > 0), "row %zu", i);
		if (c.decision_count > 0 && rows[i].tool != NULL)
			cr_expect(span_is(c.decisions[0].tool, rows[i].tool) &&
			    c.decisions[0].after.allow == rows[i].allow, "row %zu: %.*s", i,
			    SPAN_FMT(c.decisions[0].tool));
		compare_fini(&c);
		snap_release(&before);
		snap_release(&after);
	}
}

Test(compare, knows_a_file_by_the_name_its_operator_gave_it)
{
	struct compare	c = { .file = "rules.json.a1b2c3", .shown = "rules.json" };

	cr_expect(span_is(compare_file(&c, SPAN_LIT("rules.json.a1b2c3")), "rules.json"));
	cr_expect(span_is(compare_file(&c, SPAN_LIT("policy/rules.json.a1b2c3")), "rules.json"));
	cr_expect(span_is(compare_file(&c, SPAN_LIT("servers.json")), "servers.json"));
	c.file = NULL;
	cr_expect(span_is(compare_file(&c, SPAN_LIT("rules.json.a1b2c3")), "rules.json.a1b2c3"));
}
