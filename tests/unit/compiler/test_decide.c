/* SPDX-License-Identifier: Apache-2.0
 *
 * test_decide.c - decisions on compiled policies, against a plain reading of the seed's text
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "policy/decide.h"
#include "policy/policy.h"
#include "tests/unit/compiler/compile.h"

/* --- a random policy, as lists -------------------------------------------------------------------- */

#define RULES_MAX	24
#define AGENTS		3

enum about { SERVERS, TOOLS };

struct line {			/* one entry of allow, deny or hide */
	enum about	 about;
	bool		 deny, hide;
	const char	*server;	/* of TOOLS; the entry itself of SERVERS */
	const char	*pattern;
	unsigned	 place;		/* in its list */
};

struct agent {
	const char	*name;
	struct line	 lines[RULES_MAX];
	unsigned	 count;
	bool		 list[5];	/* allow.tools has a list for servers[i] */
};

static const char *const agents[AGENTS + 1] = { "backend", "team.role", "me", "nobody" };
static const char *const servers[5] = { "*", "pg", "gh", "f.s", "x" };
static const char *const patterns[] = { "query", "q", "drop_table", "drop_all", "list", "*", "drop_*",
	"*_table", "q*", "?uery", "[dq]*", "[!d]*", "*l" };
static const char *const tools[] = { "query", "q", "drop_table", "drop_all", "list", "table", "uery",
	"", "*", "drop_", "q_table" };
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t	dice_state;

static unsigned
dice(unsigned n)
{
	uint64_t z = (dice_state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (unsigned)((z ^ z >> 31) >> 33) % n;
}

static void
section_make(struct agent *a, bool deny, bool hide, struct buf *json)
{
	bool	first = true, first_list = true;

	cr_assert(eq(int, buf_put_fmt(json, "\"%s\":{\"servers\":[", hide ? "hide" : deny ? "deny" : "allow"), 0));
	for (unsigned i = 0, place = 0; i < COUNT(servers); i++) {
		if (dice(deny ? 8 : 3) != 0 || a->count == RULES_MAX)
			continue;
		a->lines[a->count++] = (struct line){ SERVERS, deny, hide, servers[i], servers[i], place++ };
		cr_assert(eq(int, buf_put_fmt(json, "%s\"%s\"", first ? "" : ",", servers[i]), 0));
		first = false;
	}
	cr_assert(eq(int, buf_put_str(json, "],\"tools\":{"), 0));
	for (unsigned s = 0; s < COUNT(servers); s++) {
		unsigned n = dice(3) == 0 ? dice(4) : 0;

		if (n == 0 && dice(6) != 0)
			continue;
		cr_assert(eq(int, buf_put_fmt(json, "%s\"%s\":[", first_list ? "" : ",", servers[s]), 0));
		first_list = false;
		if (!deny)
			a->list[s] = true;
		for (unsigned place = 0; place < n && a->count < RULES_MAX; place++) {
			const char *p = patterns[dice(COUNT(patterns))];

			a->lines[a->count++] = (struct line){ TOOLS, deny, hide, servers[s], p, place };
			cr_assert(eq(int, buf_put_fmt(json, "%s\"%s\"", place == 0 ? "" : ",", p), 0));
		}
		cr_assert(eq(int, buf_put_str(json, "]"), 0));
	}
	cr_assert(eq(int, buf_put_str(json, "}}"), 0));
}

static void
policy_make(struct agent all[AGENTS], struct buf *json)
{
	cr_assert(eq(int, buf_put_str(json, "{\"agents\":{"), 0));
	for (unsigned i = 0; i < AGENTS; i++) {
		all[i] = (struct agent){ .name = agents[i] };
		cr_assert(eq(int, buf_put_fmt(json, "%s\"%s\":{", i > 0 ? "," : "", agents[i]), 0));
		section_make(&all[i], false, false, json);
		cr_assert(eq(int, buf_put_str(json, ","), 0));
		section_make(&all[i], true, false, json);
		cr_assert(eq(int, buf_put_str(json, ","), 0));
		section_make(&all[i], true, true, json);
		cr_assert(eq(int, buf_put_str(json, "}"), 0));
	}
	cr_assert(eq(int, buf_put_str(json, "}}"), 0));
}

/* --- the reference: every line is looked at, nothing is prepared ---------------------------------- */

struct verdict {
	bool		 allow, hide;
	const char	*class;
};

static bool
is_wild(const char *s)
{
	return strpbrk(s, "*?[") != NULL;
}

static const char *
class_of(const struct line *l)
{
	if (l->deny)
		return is_wild(l->pattern) ? "wildcard deny" : "explicit deny";
	return is_wild(l->pattern) || is_wild(l->server) ? "wildcard allow" : "explicit allow";
}

static bool
speaks_of(const struct line *l, enum about about, const char *server, const char *tool, bool whole)
{
	if (l->about != about || (strcmp(l->server, "*") != 0 && strcmp(l->server, server) != 0))
		return false;
	if (about == SERVERS)
		return true;
	return whole ? strcmp(l->pattern, "*") == 0 : fnmatch(l->pattern, tool, FNM_NOESCAPE) == 0;
}

/* The strongest class that speaks; *none when none does.  Whether it hides is told only for classes
 * in which all that speak agree. */
static struct verdict
strongest(const struct agent *a, enum about about, const char *server, const char *tool, bool whole,
    bool deny_first, bool *hide_known)
{
	static const char *const seed[] = { "explicit deny", "explicit allow", "wildcard deny",
		"wildcard allow" };
	static const char *const other[] = { "explicit deny", "wildcard deny", "explicit allow",
		"wildcard allow" };

	for (unsigned c = 0; c < 4; c++) {
		const char	*class = deny_first ? other[c] : seed[c];
		unsigned	 hide = 0, show = 0;

		for (unsigned i = 0; i < a->count; i++)
			if (speaks_of(&a->lines[i], about, server, tool, whole) &&
			    strcmp(class_of(&a->lines[i]), class) == 0)
				*(a->lines[i].hide ? &hide : &show) += 1;
		if (hide + show == 0)
			continue;
		*hide_known = hide == 0 || show == 0;
		return (struct verdict){ strstr(class, "allow") != NULL, hide > 0, class };
	}
	*hide_known = true;
	return (struct verdict){ false, false, "no rule" };
}

static struct verdict
reference(const struct agent *a, enum object_kind kind, const char *server, const char *tool,
    bool deny_first, bool *hide_known)
{
	struct verdict	v = strongest(a, SERVERS, server, "", false, deny_first, hide_known);
	bool		list = a->list[0];

	if (kind == OBJECT_SERVER || !v.allow)
		return v;
	v = strongest(a, TOOLS, server, tool, kind != OBJECT_TOOL, deny_first, hide_known);
	for (unsigned i = 1; i < COUNT(servers); i++)
		list |= strcmp(servers[i], server) == 0 && a->list[i];
	if (strcmp(v.class, "no rule") == 0 && deny_first && !list)
		return (struct verdict){ true, false, "implicit grant" };
	return v;
}

/* --- both ---------------------------------------------------------------------------------------- */

static void
path_check(const struct agent *a, const struct decision *d, const char *class)
{
	char	path[200];

	if (d->rule == 0 || strcmp(class, "implicit grant") == 0)
		return;
	for (unsigned i = 0; i < a->count; i++) {
		const struct line *l = &a->lines[i];
		const char	  *section = l->hide ? "hide" : l->deny ? "deny" : "allow";

		if (l->about == SERVERS)
			snprintf(path, sizeof(path), "agents.%s.%s.servers[%u]", a->name, section, l->place);
		else
			snprintf(path, sizeof(path), "agents.%s.%s.tools.%s[%u]", a->name, section, l->server,
			    l->place);
		if (span_is(d->path, path)) {
			cr_expect(eq(str, (char *)class_of(l), (char *)class), "%s", path);
			return;
		}
	}
	cr_expect(false, "no such rule: %.*s", SPAN_FMT(d->path));
}

static void
one_case(const struct snap *s, const struct agent all[AGENTS], bool deny_first)
{
	unsigned		who = dice(AGENTS + 1);
	enum object_kind	kind = dice(4) == 0 ? (enum object_kind)dice(OBJECT_KIND_LIMIT) : OBJECT_TOOL;
	const char		*server = servers[1 + dice(4)], *tool = tools[dice(COUNT(tools))];
	struct principal	p = { .tenant = SPAN_LIT("default"), .agent = span_of(agents[who]) };
	struct object		o = { kind, span_of(server), span_of(tool) };
	struct verdict		want = { false, false, "unknown agent" };
	struct decision		got;
	bool			hide_known = true;

	decide(s, &p, &o, &got);
	if (who < AGENTS)
		want = reference(&all[who], kind, server, tool, deny_first, &hide_known);
	cr_expect(eq(int, got.allow, want.allow), "%s kind %d %s.%s: %s", agents[who], (int)kind, server, tool,
	    want.class);
	cr_expect(eq(str, (char *)got.class_text, (char *)want.class), "%s kind %d %s.%s", agents[who],
	    (int)kind, server, tool);
	if (hide_known)
		cr_expect(eq(int, got.hide, want.hide), "%s kind %d %s.%s", agents[who], (int)kind, server, tool);
	cr_expect(not(got.allow && got.hide));
	if (who < AGENTS)
		path_check(&all[who], &got, want.class);
}

static void
many_cases(bool deny_first, unsigned policies, unsigned cases)
{
	const char *const	options[] = { deny_first ? "rules_precedence=deny-first" :
				    "rules_precedence=seed", NULL };
	struct agent		all[AGENTS];
	struct compiled		c;
	struct buf		json;
	char			folder[64];

	scratch_new(folder);
	buf_init(&json, 1 << 20);
	for (unsigned n = 0; n < policies; n++) {
		buf_clear(&json);
		policy_make(all, &json);
		cr_assert(eq(int, buf_put_u8(&json, 0), 0));
		scratch_write(folder, "rules.json", json.data, 0600);
		compile_folder(folder, false, options, &c);
		cr_assert(eq(uint, c.errors, 0), "%.*s", SPAN_FMT(buf_rest(&c.notes)));
		for (unsigned i = 0; i < cases; i++)
			one_case(c.policy, all, deny_first);
		compiled_fini(&c);
	}
	buf_fini(&json);
	scratch_remove(folder);
}

Test(decide, agrees_with_the_seed_on_random_policies)
{
	dice_state = 1;
	many_cases(false, 500, 200);
}

Test(decide, agrees_with_deny_first_on_random_policies)
{
	dice_state = 2;
	many_cases(true, 500, 200);
}

/* --- particular cases ----------------------------------------------------------------------------- */

static void
decided(const struct snap *s, const char *agent, enum object_kind kind, const char *server,
    const char *name, struct decision *d)
{
	struct principal	p = { .tenant = SPAN_LIT("default"), .agent = span_of(agent) };
	struct object		o = { kind, span_of(server), span_of(name) };

	decide(s, &p, &o, d);
}

Test(decide, names_the_rule_that_decided)
{
	static const char	rules[] = "{\"agents\": {\"backend\": {\n"
		"\"allow\": {\"servers\": [\"pg\"], \"tools\": {\"pg\": [\"query\", \"list_*\"]}},\n"
		"\"deny\": {\"tools\": {\"pg\": [\"drop_*\"]}},\n"
		"\"hide\": {\"tools\": {\"pg\": [\"secret_*\"]}}}}}\n";
	struct decision		d;
	struct compiled		c;
	char			folder[64];

	scratch_new(folder);
	scratch_write(folder, "rules.json", rules, 0600);
	compile_folder(folder, false, NULL, &c);
	cr_assert(eq(uint, c.errors, 0));
	decided(c.policy, "backend", OBJECT_TOOL, "pg", "drop_all", &d);
	cr_expect(not(d.allow));
	cr_expect(not(d.hide));
	cr_expect(span_is(d.path, "agents.backend.deny.tools.pg[0]"));
	cr_expect(span_is(d.file, "rules.json"));
	cr_expect(eq(u32, d.line, 3));
	cr_expect(eq(str, (char *)d.class_text, "wildcard deny"));
	cr_expect(span_is(snap_text(c.policy, SNAP_AT(c.policy, RULE, d.rule - 1)->pattern), "drop_*"));
	decided(c.policy, "backend", OBJECT_TOOL, "pg", "secret_x", &d);
	cr_expect(not(d.allow));
	cr_expect(d.hide);
	decided(c.policy, "backend", OBJECT_TOOL, "pg", "insert", &d);
	cr_expect(not(d.allow));
	cr_expect(span_is(d.path, "default"));
	cr_expect(eq(u32, d.rule, 0));
	decided(c.policy, "backend", OBJECT_RESOURCE, "pg", "file:///x", &d);
	cr_expect(not(d.allow), "some tools are not the whole server");
	decided(c.policy, "other", OBJECT_TOOL, "pg", "query", &d);
	cr_expect(not(d.allow));
	decided(NULL, "backend", OBJECT_TOOL, "pg", "query", &d);
	cr_expect(not(d.allow));
	decided(c.policy, "backend", OBJECT_TOOL, "pg", "query", &d);
	cr_expect(d.allow);
	compiled_fini(&c);

	compile_folder(folder, false, (const char *const[]){ "deny_detail=hide", NULL }, &c);
	decided(c.policy, "backend", OBJECT_TOOL, "pg", "drop_all", &d);
	cr_expect(d.hide);
	decided(c.policy, "backend", OBJECT_TOOL, "pg", "insert", &d);
	cr_expect(d.hide);
	decided(c.policy, "backend", OBJECT_TOOL, "pg", "query", &d);
	cr_expect(not(d.hide));
	compiled_fini(&c);
	scratch_remove(folder);
}

static double
ms_since(const struct timespec *t0)
{
	struct timespec	t1;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	return (double)(t1.tv_sec - t0->tv_sec) * 1e3 + (double)(t1.tv_nsec - t0->tv_nsec) / 1e6;
}

/* One agent with all of them, and a thousand agents with a hundred each. */
Test(decide, a_hundred_thousand_rules_compile_and_decide_quickly)
{
	for (unsigned shape = 0; shape < 2; shape++) {
		unsigned	 per = shape == 0 ? 100000 : 100;
		struct timespec	 t0;
		struct compiled	 c;
		struct decision	 d;
		struct buf	 b;
		double		 ms;
		char		 folder[64];

		scratch_new(folder);
		buf_init(&b, CONF_MAX_BYTES);
		cr_assert(eq(int, buf_put_str(&b, "{\"agents\":{"), 0));
		for (unsigned a = 0; a < 100000 / per; a++) {
			cr_assert(eq(int, buf_put_fmt(&b, "%s\"agent%u\":{\"allow\":{\"servers\":[\"*\"],"
			    "\"tools\":{\"*\":[\"z*\"],\"pg\":[", a > 0 ? ",\n" : "", a), 0));
			for (unsigned i = 0; i < per; i++)
				cr_assert(eq(int, buf_put_fmt(&b, "%s\"tool_number_%u\"", i > 0 ? ",\n" : "", i), 0));
			cr_assert(eq(int, buf_put_str(&b, "]}},\"deny\":{\"tools\":{\"pg\":[\"*_77\"]}}}"), 0));
		}
		cr_assert(eq(int, buf_put_str(&b, "}}"), 0));
		cr_assert(eq(int, buf_put_u8(&b, 0), 0));
		scratch_write(folder, "rules.json", b.data, 0600);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
		compile_folder(folder, false, NULL, &c);
		ms = ms_since(&t0);
		cr_assert(eq(uint, c.errors, 0));
		cr_log_info("shape %u: compiled and mapped in %.1f ms", shape, ms);
		cr_expect(lt(dbl, ms, 1000.0));
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
		for (unsigned i = 0; i < 100000; i++)
			decided(c.policy, shape == 0 ? "agent0" : "agent777", OBJECT_TOOL, "pg",
			    i % 2 ? "tool_number_42" : "tool_number_none", &d);
		cr_log_info("shape %u: %.0f ns a decision", shape, ms_since(&t0) * 10);
		cr_expect(d.allow);
		compiled_fini(&c);
		buf_fini(&b);
		scratch_remove(folder);
	}
}
