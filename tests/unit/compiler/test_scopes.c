/* SPDX-License-Identifier: Apache-2.0
 *
 * test_scopes.c - scopes as files have them, and what a credential with some of them may do
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "policy/decide.h"
#include "policy/scopes.h"
#include "tests/unit/compiler/compile.h"

#define RULES	"{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"docs\",\"git\"],\"tools\":{\"docs\":[\"*\"],\"git\":[\"*\"]}}," \
	"\"deny\":{\"tools\":{\"git\":[\"push\"]}}}}}"
#define SERVERS	"{\"mcpServers\":{\"docs\":{\"command\":\"/bin/true\"},\"git\":{\"command\":\"/bin/true\"}," \
	"\"secret\":{\"command\":\"/bin/true\"}}}"
#define SCOPES	"{\"scopes\":{" \
	"\"docs:read\":{\"tools\":{\"docs\":[\"get_*\",\"list\"]}}," \
	"\"docs:data\":{\"servers\":[\"docs\"],\"kinds\":[\"resources\"]}," \
	"\"docs\":{\"implies\":[\"docs:*\"],\"servers\":[\"docs\"],\"kinds\":[\"prompts\"],\"advertise\":false}," \
	"\"git\":{\"servers\":[\"g*\"]}," \
	"\"loop\":{\"implies\":[\"pool\"],\"advertise\":false},\"pool\":{\"implies\":[\"loop\",\"git\"],\"advertise\":false}," \
	"\"all\":{\"servers\":[\"*\"],\"advertise\":false}}}"

static char		folder[64];
static struct compiled	made;

static void
compile(const char *issuers)
{
	scratch_new(folder);
	scratch_write(folder, "mcpgw.conf", "", 0644);
	scratch_write(folder, "rules.json", RULES, 0644);
	scratch_write(folder, "servers.json", SERVERS, 0644);
	scratch_write(folder, "issuers.json", issuers, 0644);
	compile_folder(folder, false, (const char *const[]){ NULL }, &made);
}

static void
done(void)
{
	compiled_fini(&made);
	scratch_remove(folder);
}

#define SET(s)	{ s, sizeof(s) }	/* the NUL behind a literal is the last name's */

Test(scopes, narrow_what_rules_allow_and_name_what_is_missing)
{
	static const struct {
		struct span	 scopes;
		enum object_kind kind;
		const char	*server, *name;
		bool		 allow;
		const char	*wanted;	/* NULL: it is no matter of scopes */
	} rows[] = {
		{ SET("docs:read"), OBJECT_TOOL, "docs", "get_page", true, NULL },
		{ SET("docs:read"), OBJECT_TOOL, "docs", "list", true, NULL },
		{ SET("docs:read"), OBJECT_TOOL, "docs", "put_page", false, "all" },
		{ SET("docs:read"), OBJECT_TOOL, "git", "log", false, "git" },
		{ SET("docs:read"), OBJECT_SERVER, "docs", "", true, NULL },
		{ SET("docs:read"), OBJECT_SERVER, "git", "", false, "git" },
		{ SET("docs:read"), OBJECT_RESOURCE, "docs", "", false, "docs:data" },
		{ SET("docs:data"), OBJECT_RESOURCE, "docs", "", true, NULL },
		{ SET("docs:data"), OBJECT_TEMPLATE, "docs", "", true, NULL },
		{ SET("docs:data"), OBJECT_COMPLETION, "docs", "", true, NULL },
		{ SET("docs:data"), OBJECT_PROMPT, "docs", "", false, "docs" },
		{ SET("docs:data"), OBJECT_TOOL, "docs", "get_page", false, "docs:read" },
		{ SET("docs"), OBJECT_TOOL, "docs", "get_page", true, NULL },
		{ SET("docs"), OBJECT_RESOURCE, "docs", "", true, NULL },
		{ SET("docs"), OBJECT_PROMPT, "docs", "", true, NULL },
		{ SET("loop"), OBJECT_TOOL, "git", "log", true, NULL },
		{ SET("all"), OBJECT_TOOL, "docs", "put_page", true, NULL },
		{ SET("docs:read\0git"), OBJECT_TOOL, "git", "log", true, NULL },
		/* What rules deny no scope gives, and none is named for it. */
		{ SET("all"), OBJECT_TOOL, "git", "push", false, NULL },
		{ SET("docs:read"), OBJECT_TOOL, "git", "push", false, NULL },
		{ SET("all"), OBJECT_TOOL, "secret", "look", false, NULL },
		/* Nobody said what these are good for; patterns are the file's to write. */
		{ SET("other"), OBJECT_TOOL, "docs", "list", false, "docs:read" },
		{ SET("docs:*"), OBJECT_TOOL, "docs", "list", false, "docs:read" },
		{ { NULL, 0 }, OBJECT_TOOL, "docs", "list", false, "docs:read" },
	};

	compile(SCOPES);
	cr_assert(eq(uint, made.errors, 0), "%.*s", SPAN_FMT(buf_rest(&made.notes)));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct principal	who = { .tenant = SPAN_LIT("default"), .agent = SPAN_LIT("a"),
			.traits = { .scopes = rows[i].scopes, .scoped = true } };
		const struct object	what = { rows[i].kind, span_of(rows[i].server), span_of(rows[i].name) };
		struct decision		d;

		decide(made.policy, &who, &what, &d);
		cr_expect(d.allow == rows[i].allow, "row %zu", i);
		cr_expect(d.lacks_scope == (rows[i].wanted != NULL), "row %zu", i);
		if (d.lacks_scope)
			cr_expect(span_is(scope_wanted(made.policy, who.tenant, &what), rows[i].wanted), "row %zu: %.*s", i,
			    SPAN_FMT(scope_wanted(made.policy, who.tenant, &what)));
	}
	done();
}

Test(scopes, mean_nothing_to_a_credential_that_is_not_scoped)
{
	const struct principal	who = { .tenant = SPAN_LIT("default"), .agent = SPAN_LIT("a"),
		.traits = { .scopes = SET("other") } };
	const struct object	what = { OBJECT_TOOL, SPAN_LIT("docs"), SPAN_LIT("list") };
	struct decision		d;

	compile(SCOPES);
	decide(made.policy, &who, &what, &d);
	cr_expect(d.allow && !d.lacks_scope);
	done();
}

Test(scopes, are_of_one_tenant)
{
	const struct principal	who = { .tenant = SPAN_LIT("other"), .agent = SPAN_LIT("a"),
		.traits = { .scopes = SET("all"), .scoped = true } };
	const struct object	what = { OBJECT_TOOL, SPAN_LIT("docs"), SPAN_LIT("list") };
	uint64_t		at = 0;

	compile(SCOPES);
	cr_expect_not(scope_allows(made.policy, &who, &what));
	cr_expect(scope_wanted(made.policy, who.tenant, &what).n == 0);
	cr_expect(scope_next_advertised(made.policy, who.tenant, &at).n == 0);
	done();
}

Test(scopes, are_told_in_the_order_of_the_file_but_those_that_are_not_to_be)
{
	static const char *const	want[] = { "docs:read", "docs:data", "git" };
	uint64_t			at = 0;

	compile(SCOPES);
	for (size_t i = 0; i < 3; i++)
		cr_expect(span_is(scope_next_advertised(made.policy, SPAN_LIT("default"), &at), want[i]));
	cr_expect(scope_next_advertised(made.policy, SPAN_LIT("default"), &at).n == 0);
	done();
}

Test(scopes, that_are_wrong_are_refused_with_their_place)
{
	static const struct { const char *scopes, *line; } rows[] = {
		{ "{\"a b\":{\"servers\":[\"*\"]}}", "a scope's name has no blanks" },
		{ "{\"a\":{}}", "is good for nothing" },
		{ "{\"a\":{\"servers\":[\"a*b\"]}}", "scopes.a.servers[0]" },
		{ "{\"a\":{\"tools\":{\"s\":[\"\"]}}}", "scopes.a.tools.s[0]" },
		{ "{\"a\":{\"implies\":[\"b*\"]}}", "there is no scope \"b*\"" },
		{ "{\"a\":{\"servers\":[\"*\"],\"kinds\":[\"tool\"]}}", "want \"tools\", \"prompts\" or \"resources\"" },
		{ "{\"a\":{\"tools\":{\"s\":[\"t\"]},\"kinds\":[\"tools\"]}}", "means nothing without \"servers\"" },
		{ "{\"a\":{\"server\":[\"*\"]}}", "did you mean \"servers\"" },
	};
	char	text[200];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "{\"scopes\":%s}", rows[i].scopes);
		compile(text);
		cr_expect(made.errors > 0 && made.notes.used > 0, "row %zu", i);
		cr_assert(eq(int, buf_put_u8(&made.notes, 0), 0));
		cr_expect(strstr(made.notes.data, rows[i].line) != NULL, "row %zu: %s", i, made.notes.data);
		done();
	}
}

/* The public URL is compared byte for byte by clients, so there is one way to write it. */
Test(scopes, public_url_is_checked)
{
	static const struct { const char *url; bool good; } rows[] = {
		{ "https://gw.example", true }, { "https://gw.example:8443", true }, { "http://127.0.0.1:8080", true },
		{ "http://localhost", true }, { "http://[::1]:1", true }, { "http://gw.example", false },
		{ "https://gw.example/", false }, { "https://gw.example/base", false }, { "https://gw.example:443", false },
		{ "https://GW.example", false }, { "gw.example", false }, { "https://a@gw.example", false },
		{ "https://gw.example#x", false }, { "https://gw.example?x", false }, { "https://", false },
	};
	char	option[100];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		scratch_new(folder);
		scratch_write(folder, "mcpgw.conf", "", 0644);
		snprintf(option, sizeof(option), "public_url=%s", rows[i].url);
		compile_folder(folder, false, (const char *const[]){ option, NULL }, &made);
		cr_expect(rows[i].good == (made.errors == 0), "%s: %.*s", rows[i].url, SPAN_FMT(buf_rest(&made.notes)));
		done();
	}
}
