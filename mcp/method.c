/* SPDX-License-Identifier: Apache-2.0
 *
 * method.c - the methods of MCP, from tables/methods.def
 *
 * Process: worker, runner.  Owns: nothing.  Trusts: nothing in a text.
 */
#include "mcp/method.h"

#define KIND_REQUEST		MCP_REQUEST
#define KIND_NOTIFICATION	MCP_NOTIFICATION

static const struct mcp_method_row rows[MCP_METHOD_LIMIT] = {
	[MCP_METHOD_NONE] = { .text = "" },
#define METHOD(NAME, text, kind, from, eras, capability, header, action) \
	[MCP_##NAME] = { text, KIND_##kind, MCP_FROM_##from, MCP_ERA_##eras, MCP_OFFER_##capability, \
	    MCP_HEADER_##header, MCP_ACTION_##action },
#include "tables/methods.def"
#undef METHOD
};

enum mcp_method
mcp_method_find(struct span text)
{
	int	low = 1, high = MCP_METHOD_LIMIT - 1, mid, order;

	while (low <= high) {
		mid = (low + high) / 2;
		order = span_cmp(text, span_of(rows[mid].text));
		if (order == 0)
			return (enum mcp_method)mid;
		if (order < 0)
			high = mid - 1;
		else
			low = mid + 1;
	}
	return MCP_METHOD_NONE;
}

const struct mcp_method_row *
mcp_method_row(enum mcp_method m)
{
	return &rows[m > MCP_METHOD_NONE && m < MCP_METHOD_LIMIT ? m : MCP_METHOD_NONE];
}
