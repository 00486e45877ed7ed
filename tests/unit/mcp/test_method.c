/* SPDX-License-Identifier: Apache-2.0
 *
 * test_method.c - the table of methods and its look-up
 */
#include <criterion/criterion.h>

#include "mcp/method.h"

Test(method, table_is_sorted_and_finds_every_row)
{
	for (int m = MCP_METHOD_NONE + 1; m < MCP_METHOD_LIMIT; m++) {
		const struct mcp_method_row	*row = mcp_method_row((enum mcp_method)m);

		cr_expect(mcp_method_find(span_of(row->text)) == (enum mcp_method)m, "%s", row->text);
		if (m > 1)
			cr_expect(strcmp(mcp_method_row((enum mcp_method)(m - 1))->text, row->text) < 0,
			    "%s is out of order", row->text);
		cr_expect((strncmp(row->text, "notifications/", 14) == 0) == (row->kind == MCP_NOTIFICATION),
		    "%s", row->text);
		cr_expect(row->eras != 0 && row->from != 0, "%s", row->text);
	}
}

Test(method, finds_no_other_text)
{
	static const char *const texts[] = { "", "tools", "tools/", "tools/calls", "Tools/call", "tools/call ", "a",
		"zzz", "notifications/" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect(mcp_method_find(span_of(texts[i])) == MCP_METHOD_NONE, "%s", texts[i]);
	cr_expect(mcp_method_find(span_make("ping\0", 5)) == MCP_METHOD_NONE);
	cr_expect(mcp_method_row(MCP_METHOD_NONE)->eras == 0);
	cr_expect(mcp_method_row(MCP_METHOD_LIMIT)->eras == 0);
}

Test(method, says_what_mcp_name_repeats)
{
	cr_expect(mcp_method_row(MCP_TOOLS_CALL)->header == MCP_HEADER_NAME);
	cr_expect(mcp_method_row(MCP_PROMPTS_GET)->header == MCP_HEADER_NAME);
	cr_expect(mcp_method_row(MCP_RESOURCES_READ)->header == MCP_HEADER_URI);
	cr_expect(mcp_method_row(MCP_TASKS_GET)->header == MCP_HEADER_TASK_ID);
	cr_expect(mcp_method_row(MCP_TOOLS_LIST)->header == MCP_HEADER_NONE);
}
