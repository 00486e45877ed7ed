/* SPDX-License-Identifier: Apache-2.0
 *
 * capability.c - what clients declare, as bits
 *
 * Process: worker, runner.  Owns: nothing.  Trusts: that the object's text was proven.
 */
#include "mcp/capability.h"

#define EXTENSION_UI	"io.modelcontextprotocol/ui"

static bool
has(struct json_value object, const char *name)
{
	return json_get(object, name).type == JSON_OBJECT;
}

uint64_t
mcp_capabilities_of(struct json_value c)
{
	struct json_value	roots = json_get(c, "roots"), sampling = json_get(c, "sampling"),
				elicit = json_get(c, "elicitation"), extensions = json_get(c, "extensions");
	uint64_t		bits = 0;

	if (roots.type == JSON_OBJECT) {
		bits |= MCP_CAN_ROOTS;
		if (json_get(roots, "listChanged").type == JSON_TRUE)
			bits |= MCP_CAN_ROOTS_CHANGED;
	}
	if (sampling.type == JSON_OBJECT) {
		bits |= MCP_CAN_SAMPLING;
		bits |= has(sampling, "tools") ? MCP_CAN_SAMPLING_TOOLS : 0;
		bits |= has(sampling, "context") ? MCP_CAN_SAMPLING_CONTEXT : 0;
	}
	if (elicit.type == JSON_OBJECT) {
		bits |= has(elicit, "url") ? MCP_CAN_ELICIT_URL : 0;
		/* An empty object means forms: it is what 2025-06-18 knew. */
		if (has(elicit, "form") || !has(elicit, "url"))
			bits |= MCP_CAN_ELICIT_FORM;
	}
	bits |= has(extensions, MCP_EXTENSION_TASKS) ? MCP_CAN_TASKS : 0;
	bits |= has(extensions, EXTENSION_UI) ? MCP_CAN_UI : 0;
	return bits;
}

/* One object of the capabilities, with those of its members whose bit is set. */
struct member {
	uint64_t	 bit;
	const char	*text;
};

static int
put_object(struct buf *to, const char *name, const struct member *m, size_t n, uint64_t bits, bool *comma)
{
	const char	*sep = "";
	int		 r;

	if ((r = buf_put_fmt(to, "%s\"%s\":{", *comma ? "," : "", name)) != 0)
		return r;
	for (; n > 0; n--, m++) {
		if ((bits & m->bit) == 0)
			continue;
		if ((r = buf_put_fmt(to, "%s%s", sep, m->text)) != 0)
			return r;
		sep = ",";
	}
	*comma = true;
	return buf_put_str(to, "}");
}

int
mcp_capabilities_write(struct buf *to, uint64_t bits)
{
	static const struct member	roots[] = { { MCP_CAN_ROOTS_CHANGED, "\"listChanged\":true" } };
	static const struct member	sampling[] = { { MCP_CAN_SAMPLING_TOOLS, "\"tools\":{}" },
					    { MCP_CAN_SAMPLING_CONTEXT, "\"context\":{}" } };
	static const struct member	elicit[] = { { MCP_CAN_ELICIT_FORM, "\"form\":{}" },
					    { MCP_CAN_ELICIT_URL, "\"url\":{}" } };
	static const struct member	extensions[] = { { MCP_CAN_TASKS, "\"" MCP_EXTENSION_TASKS "\":{}" },
					    { MCP_CAN_UI, "\"" EXTENSION_UI "\":{}" } };
	bool	comma = false;
	int	r;

	if ((r = buf_put_str(to, "{")) != 0)
		return r;
	if ((bits & (MCP_CAN_ROOTS | MCP_CAN_ROOTS_CHANGED)) != 0 &&
	    (r = put_object(to, "roots", roots, 1, bits, &comma)) != 0)
		return r;
	if ((bits & (MCP_CAN_SAMPLING | MCP_CAN_SAMPLING_TOOLS | MCP_CAN_SAMPLING_CONTEXT)) != 0 &&
	    (r = put_object(to, "sampling", sampling, 2, bits, &comma)) != 0)
		return r;
	if ((bits & (MCP_CAN_ELICIT_FORM | MCP_CAN_ELICIT_URL)) != 0 &&
	    (r = put_object(to, "elicitation", elicit, 2, bits, &comma)) != 0)
		return r;
	if ((bits & (MCP_CAN_TASKS | MCP_CAN_UI)) != 0 &&
	    (r = put_object(to, "extensions", extensions, 2, bits, &comma)) != 0)
		return r;
	return buf_put_str(to, "}");
}
