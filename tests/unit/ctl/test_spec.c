/* SPDX-License-Identifier: Apache-2.0
 *
 * test_spec.c - what names a package, and what is none
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "ctl/import/spec.h"

struct row {
	const char	*text, *name, *range, *exact, *given;
};

static void
check(int (*fn)(const char *, struct spec *, const char **), const struct row *rows, size_t n)
{
	struct spec	s;
	const char	*why;

	for (size_t i = 0; i < n; i++) {
		cr_assert(eq(int, fn(rows[i].text, &s, &why), 0), "%s: %s", rows[i].text, why);
		cr_expect(true && !s.source, "%s", rows[i].text);
		cr_expect(eq(str, s.name, (char *)rows[i].name), "%s", rows[i].text);
		cr_expect(eq(str, s.range, (char *)rows[i].range), "%s", rows[i].text);
		cr_expect(eq(str, s.exact, (char *)rows[i].exact), "%s", rows[i].text);
		cr_expect(eq(str, s.text, (char *)rows[i].given), "%s", rows[i].text);
	}
}

Test(spec, of_npm_is_a_name_with_or_without_a_range)
{
	static const struct row rows[] = {
		{ "server-x", "server-x", "", "", "server-x" },
		{ "@scope/server-x", "@scope/server-x", "", "", "@scope/server-x" },
		{ "@scope/server-x@1.2.3", "@scope/server-x", "1.2.3", "1.2.3", "@scope/server-x@1.2.3" },
		{ "x@latest", "x", "latest", "", "x@latest" },
		{ "x@^1.2", "x", "^1.2", "", "x@^1.2" },
		{ "x@1.2", "x", "1.2", "", "x@1.2" },
		{ "x@1.2.x", "x", "1.2.x", "", "x@1.2.x" },
		{ "x@1.0.0-beta.1", "x", "1.0.0-beta.1", "1.0.0-beta.1", "x@1.0.0-beta.1" },
		{ "x@", "x", "", "", "x" },
	};

	check(spec_npm, rows, sizeof(rows) / sizeof(rows[0]));
}

Test(spec, of_pypi_is_as_pip_and_as_uvx_have_it)
{
	static const struct row rows[] = {
		{ "mcp-server-time", "mcp-server-time", "", "", "mcp-server-time" },
		{ "MCP_Server.Time", "mcp-server-time", "", "", "MCP_Server.Time" },
		{ "x==1.2.3", "x", "==1.2.3", "1.2.3", "x==1.2.3" },
		{ "x>=1,<2", "x", ">=1,<2", "", "x>=1,<2" },
		{ "x@1.2.3", "x", "==1.2.3", "1.2.3", "x==1.2.3" },
		{ "x@latest", "x", "", "", "x" },
		{ "x[cli,ws]", "x", "", "", "x[cli,ws]" },
		{ "x[cli]@1.0", "x", "==1.0", "1.0", "x[cli]==1.0" },
	};

	check(spec_pypi, rows, sizeof(rows) / sizeof(rows[0]));
}

Test(spec, sees_what_comes_from_elsewhere)
{
	static const char *const npm[] = { "git+https://h.example/a.git", "github:a/b", "a/b", "https://h.example/a.tgz",
		"file:../a", "./a", "/a", "x@git+ssh://git@h.example/a", "x@npm:y@1", "x@file:/a" };
	static const char *const pypi[] = { "git+https://h.example/a.git", "https://h.example/a.whl", "./a",
		"x @ https://h.example/a.whl" };
	struct spec	s;
	const char	*why;

	for (size_t i = 0; i < sizeof(npm) / sizeof(npm[0]); i++)
		cr_expect(spec_npm(npm[i], &s, &why) == 0 && s.source, "%s", npm[i]);
	for (size_t i = 0; i < sizeof(pypi) / sizeof(pypi[0]); i++)
		cr_expect(spec_pypi(pypi[i], &s, &why) == 0 && s.source, "%s", pypi[i]);
}

Test(spec, refuses_what_an_installer_could_take_for_something_else)
{
	static const char *const bad[] = { "", "-x", "--registry=http://h.example", "x\n", "x y", "x;y", "x$(y)", ".x x",
		"\x80" };
	struct spec	s;
	const char	*why;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect(spec_npm(bad[i], &s, &why) != 0 || s.source, "npm: %s", bad[i]);
		cr_expect(spec_pypi(bad[i], &s, &why) != 0 || s.source, "pypi: %s", bad[i]);
	}
	cr_expect(spec_npm("_x", &s, &why) != 0 && spec_npm("@scope", &s, &why) != 0 && spec_npm("@/x", &s, &why) != 0);
	cr_expect(spec_npm("x@1 || rm", &s, &why) == 0, "a range of npm has blanks");
	cr_expect(spec_npm("x@1\"", &s, &why) != 0);
	cr_expect(spec_pypi("x[a", &s, &why) != 0 && spec_pypi("x@y", &s, &why) != 0 && spec_pypi("x y", &s, &why) != 0);
}
