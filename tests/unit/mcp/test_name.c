/* SPDX-License-Identifier: Apache-2.0
 *
 * test_name.c - names in merged views
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "mcp/name.h"

#define TEN	"0123456789"

static struct span
compose(const char *prefix, const char *server, const char *name)
{
	static char	to[MCP_NAME_MAX + 1];

	return mcp_name_compose(span_of(prefix), span_of(server), span_of(name), to);
}

Test(name, joins_prefix_and_name)
{
	cr_expect(span_is(compose("fs", "Files", "read_file"), "fs__read_file"));
	cr_expect(span_is(compose("", "Files", "read-file"), "read-file"));
	cr_expect(span_is(compose("a-b", "x", "y__z"), "a-b__y__z"));
}

static bool
ends_in_hash(struct span s)
{
	if (s.n < 9 || s.p[s.n - 9] != '_')
		return false;
	for (size_t i = s.n - 8; i < s.n; i++)
		if (strchr("0123456789abcdef", s.p[i]) == NULL)
			return false;
	return true;
}

Test(name, cleans_and_cuts_and_marks_what_it_changed)
{
	static const char *const names[] = { "a.b", "a b", "caf\xc3\xa9", "a/b", "", TEN TEN TEN TEN TEN TEN "01",
		"x\"y", TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct span	s = compose("fs", "Files", names[i]);

		cr_expect(s.n <= MCP_NAME_MAX && s.p[s.n] == '\0', "row %zu", i);
		cr_expect(ends_in_hash(s) || i == 4, "row %zu: %.*s", i, SPAN_FMT(s));
		for (size_t k = 0; k < s.n; k++)
			cr_expect(s.p[k] == '_' || s.p[k] == '-' || (s.p[k] >= '0' && s.p[k] <= '9') ||
			    (s.p[k] >= 'a' && s.p[k] <= 'z') || (s.p[k] >= 'A' && s.p[k] <= 'Z'), "row %zu", i);
	}
	cr_expect(span_starts(compose("fs", "Files", "a.b"), SPAN_LIT("fs__a_b_")));
	cr_expect(compose("fs", "F", TEN TEN TEN TEN TEN TEN).n == MCP_NAME_MAX, "64 characters fit as they are");
	cr_expect(span_is(compose("fs", "F", TEN TEN TEN TEN TEN TEN), "fs__" TEN TEN TEN TEN TEN TEN));
}

Test(name, tells_alike_looking_pairs_apart)
{
	char	one[MCP_NAME_MAX + 1];

	strcpy(one, compose("fs", "Files", "a.b").p);
	cr_expect(!span_is(compose("fs", "Files", "a b"), one));
	cr_expect(!span_is(compose("fs", "Other", "a.b"), one));
	cr_expect(span_is(compose("fs", "Files", "a.b"), one), "and is the same each time");
}

Test(name, never_changes_between_releases)
{
	/* Rules are written against these: if this fails, operators' files break. */
	cr_expect(span_is(compose("fs", "Files", "a.b"), "fs__a_b_006ed18f"));
}

Test(name, makes_default_prefixes)
{
	static const struct { const char *server, *want; int r; } rows[] = {
		{ "github", "github", 0 }, { "My_Server 2", "my-server-2", 0 }, { "--a--b--", "a-b", 0 },
		{ "caf\xc3\xa9", "caf", 0 }, { "___", "", E_FORMAT }, { "", "", E_FORMAT },
		{ TEN TEN TEN TEN, TEN TEN TEN "01", 0 },
	};
	char	to[MCP_PREFIX_MAX + 1];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(mcp_name_default_prefix(span_of(rows[i].server), to) == rows[i].r, "row %zu", i);
		cr_expect_str_eq(to, rows[i].want);
		cr_expect(rows[i].r != 0 || mcp_name_prefix_ok(span_of(to)), "row %zu", i);
	}
}

Test(name, judges_written_prefixes)
{
	static const struct { const char *prefix; bool ok; } rows[] = {
		{ "a", true }, { "a-b-1", true }, { "", false }, { "-a", false }, { "a-", false },
		{ "a--b", false }, { "a_b", false }, { "A", false }, { "a.b", false },
		{ TEN TEN TEN "012", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(mcp_name_prefix_ok(span_of(rows[i].prefix)) == rows[i].ok, "%s", rows[i].prefix);
}

Test(name, tells_which_names_it_may_have_changed)
{
	cr_expect(mcp_name_is_marked(compose("fs", "Files", "a.b")));
	cr_expect(mcp_name_is_marked(compose("fs", "F", TEN TEN TEN TEN TEN TEN TEN)));
	cr_expect(mcp_name_is_marked(SPAN_LIT("x_01234567")), "it may also be a tool's own");
	cr_expect(!mcp_name_is_marked(SPAN_LIT("fs__read_file")));
	cr_expect(!mcp_name_is_marked(SPAN_LIT("01234567")));
	cr_expect(!mcp_name_is_marked(SPAN_LIT("x_0123456G")));
	cr_expect(!mcp_name_is_marked(SPAN_NONE));
}

/* --- random servers and tools ------------------------------------------------------------------ */

enum { PREFIXES = 8, NAMES = 4000 };

static const char *const prefix_of[PREFIXES] = { "", "a", "b", "a-b", "ab", "a1", "abcdefghij-abcdefghij-abcdefghij",
	"b-a" };

struct pair {
	int	server, bytes;
	char	name[100], composed[MCP_NAME_MAX + 1];
};

static int
by_composed(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->composed, ((const struct pair *)b)->composed);
}

/* Names that are likely to look like another's: few letters, many "_", other servers' prefixes. */
static void
roll(struct pair *p)
{
	static const char *const piece[] = { "_", "__", "a", "b", "a__", "ab__", "a-b__", "1", "-", ".", " ", "\xc3\xa9",
		"abcdefghij", "_0123abcd" };

	p->server = rand() % PREFIXES;
	p->name[0] = '\0';
	for (int n = rand() % 6 + (rand() % 9 == 0 ? 12 : 1); n > 0; n--) {
		const char	*next = piece[rand() % (int)(sizeof(piece) / sizeof(piece[0]))];

		if (strlen(p->name) + strlen(next) < sizeof(p->name))
			strcat(p->name, next);
	}
}

Test(name, never_gives_two_servers_one_name_but_where_one_has_no_prefix)
{
	struct pair	*all = calloc(NAMES, sizeof(*all));
	char		 again[MCP_NAME_MAX + 1];
	unsigned	 met = 0;

	srand(42);
	for (int i = 0; i < NAMES; i++) {
		struct pair	*p = &all[i];
		struct span	 prefix, s;

		roll(p);
		prefix = span_of(prefix_of[p->server]);
		s = mcp_name_compose(prefix, prefix, span_of(p->name), p->composed);
		cr_assert(s.n > 0 && s.n <= MCP_NAME_MAX && strlen(p->composed) == s.n, "%s", p->name);
		cr_assert(strspn(p->composed, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == s.n);
		cr_assert(span_eq(mcp_name_compose(prefix, prefix, span_of(p->name), again), s));
		if (p->server > 0)
			cr_assert(span_eq(mcp_name_prefix(s), prefix), "%s of %s: %s", p->name, prefix_of[p->server], p->composed);
	}
	qsort(all, NAMES, sizeof(*all), by_composed);
	for (int i = 1; i < NAMES; i++) {
		const struct pair	*p = &all[i - 1], *q = &all[i];

		if (strcmp(p->composed, q->composed) != 0)
			continue;
		if (p->server != q->server) {
			cr_assert(p->server == 0 || q->server == 0, "%s: %s and %s", p->composed, p->name, q->name);
			met++;
		} else {
			cr_assert(strcmp(p->name, q->name) == 0 || mcp_name_is_marked(span_of(p->composed)));
		}
	}
	cr_expect(met > 0, "or this tests nothing");
	free(all);
}

Test(name, splits_at_the_first_two_lines)
{
	cr_expect(span_is(mcp_name_prefix(SPAN_LIT("a__b__c")), "a"));
	cr_expect(span_is(mcp_name_prefix(SPAN_LIT("a___b")), "a"));
	cr_expect(mcp_name_prefix(SPAN_LIT("a_b")).n == 0 && mcp_name_prefix(SPAN_LIT("__a")).n == 0);
	cr_expect(mcp_name_prefix(SPAN_NONE).n == 0 && mcp_name_prefix(SPAN_LIT("_")).n == 0);
}
