/* SPDX-License-Identifier: Apache-2.0
 *
 * test_capability.c - capabilities to bits and back
 */
#include <criterion/criterion.h>

#include "mcp/capability.h"

static const struct {
	const char	*text;
	uint64_t	 bits;
	const char	*back;
} rows[] = {
	{ "{}", 0, "{}" },
	{ "{\"roots\":{}}", MCP_CAN_ROOTS, "{\"roots\":{}}" },
	{ "{\"roots\":{\"listChanged\":true}}", MCP_CAN_ROOTS | MCP_CAN_ROOTS_CHANGED,
	    "{\"roots\":{\"listChanged\":true}}" },
	{ "{\"roots\":{\"listChanged\":false}}", MCP_CAN_ROOTS, "{\"roots\":{}}" },
	{ "{\"sampling\":{\"tools\":{},\"context\":{}}}",
	    MCP_CAN_SAMPLING | MCP_CAN_SAMPLING_TOOLS | MCP_CAN_SAMPLING_CONTEXT,
	    "{\"sampling\":{\"tools\":{},\"context\":{}}}" },
	{ "{\"elicitation\":{}}", MCP_CAN_ELICIT_FORM, "{\"elicitation\":{\"form\":{}}}" },
	{ "{\"elicitation\":{\"url\":{}}}", MCP_CAN_ELICIT_URL, "{\"elicitation\":{\"url\":{}}}" },
	{ "{\"elicitation\":{\"url\":{},\"form\":{}}}", MCP_CAN_ELICIT_URL | MCP_CAN_ELICIT_FORM,
	    "{\"elicitation\":{\"form\":{},\"url\":{}}}" },
	{ "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{},\"x\":{}},\"experimental\":{\"y\":{}}}",
	    MCP_CAN_TASKS, "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}" },
	{ "{\"roots\":true,\"sampling\":null,\"elicitation\":[]}", 0, "{}" },
};

Test(capability, reads_what_is_declared_and_writes_it_back)
{
	struct buf	b;

	buf_init(&b, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_value	v;

		cr_assert(json_parse(span_of(rows[i].text), true, &v, NULL) == 0);
		cr_expect(mcp_capabilities_of(v) == rows[i].bits, "row %zu", i);
		buf_clear(&b);
		cr_assert(mcp_capabilities_write(&b, rows[i].bits) == 0);
		cr_expect(span_is(buf_rest(&b), rows[i].back), "row %zu: %.*s", i, SPAN_FMT(buf_rest(&b)));
	}
	buf_fini(&b);
}

Test(capability, takes_an_absent_object_as_nothing_declared)
{
	cr_expect(mcp_capabilities_of((struct json_value){ JSON_NONE, SPAN_NONE }) == 0);
}
