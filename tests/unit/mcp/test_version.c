/* SPDX-License-Identifier: Apache-2.0
 *
 * test_version.c - names of revisions, and what initialize is answered with
 */
#include <criterion/criterion.h>

#include "lib/json.h"
#include "mcp/version.h"

Test(version, knows_its_names_and_no_others)
{
	static const char *const others[] = { "", "foo", "2025-11-2", "2025-11-255", "2026-07-28 ", "2024-10-07" };

	for (int v = MCP_VERSION_NONE + 1; v < MCP_VERSION_LIMIT; v++)
		cr_expect(mcp_version_of(span_of(mcp_version_name((enum mcp_version)v))) == (enum mcp_version)v);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		cr_expect(mcp_version_of(span_of(others[i])) == MCP_VERSION_NONE, "%s", others[i]);
	cr_expect_str_eq(mcp_version_name(MCP_VERSION_NONE), "");
	cr_expect_str_eq(mcp_version_name(MCP_VERSION_LIMIT), "");
}

Test(version, calls_modern_only_what_has_the_form_of_a_date)
{
	static const struct { const char *text; bool modern; } rows[] = {
		{ "2026-07-28", true }, { "2026-07-29", true }, { "2027-01-01", true }, { "9999-99-99", true },
		{ "2026-07-27", false }, { "2025-11-25", false }, { "foo", false }, { "zzzz-zz-zz", false },
		{ "2026-07-28x", false }, { "2026/07/28", false }, { "", false }, { "2026-7-280", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(mcp_version_claims_modern(span_of(rows[i].text)) == rows[i].modern, "%s", rows[i].text);
}

Test(version, negotiates_what_it_serves_and_never_a_modern_one)
{
	static const struct { const char *asked; enum mcp_version want; } rows[] = {
		{ "2024-11-05", MCP_2024_11_05 }, { "2025-03-26", MCP_2025_03_26 },
		{ "2025-06-18", MCP_2025_06_18 }, { "2025-11-25", MCP_2025_11_25 },
		{ "2026-07-28", MCP_2025_11_25 }, { "2099-01-01", MCP_2025_11_25 },
		{ "1999-01-01", MCP_2025_11_25 }, { "", MCP_2025_11_25 }, { "2024-10-07", MCP_2024_11_05 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(mcp_version_negotiate(span_of(rows[i].asked)) == rows[i].want, "%s", rows[i].asked);
}

Test(version, lists_every_name_newest_first)
{
	struct json_value	v, value;
	struct json_iter	it;
	struct span		key;
	int			next = MCP_VERSION_LIMIT - 1;

	cr_assert(json_parse(mcp_version_supported(), true, &v, NULL) == 0);
	for (json_iter_init(&it, v); json_iter_next(&it, &key, &value); next--)
		cr_expect(json_is(value, mcp_version_name((enum mcp_version)next)), "%d", next);
	cr_expect(next == MCP_VERSION_NONE);
}
