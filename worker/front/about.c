/* SPDX-License-Identifier: Apache-2.0
 *
 * about.c - what a server says of itself
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  nothing a server says: a lie about what it offers costs its own users, instructions are
 *          bounded and go to clients as the server's.
 */
#include <stdlib.h>

#include "mcp/capability.h"
#include "mcp/method.h"
#include "mcp/version.h"
#include "worker/front/about.h"

#define DECODED_MAX	(256 * 1024)

struct span
about_cut(struct span text, size_t most)
{
	size_t	n = most;

	if (text.n <= most)
		return text;
	while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
		n--;
	return span_part(text, 0, n);
}

/* An extension since 2026-07-28, a capability in 2025-11-25; of each revision what it knows. */
static uint32_t
tasks_of(struct json_value result, struct json_value capabilities)
{
	struct json_value	of_calls;

	if (json_get(result, "protocolVersion").type == JSON_NONE)
		return json_get(json_get(capabilities, "extensions"), MCP_EXTENSION_TASKS).type == JSON_OBJECT ?
		    MCP_OFFER_TASKS : 0;
	of_calls = json_get(json_get(json_get(json_get(capabilities, "tasks"), "requests"), "tools"), "call");
	return of_calls.type == JSON_OBJECT ? MCP_OFFER_CORE_TASKS : 0;
}

static uint32_t
offers_of(struct json_value result, struct json_value capabilities)
{
	static const struct { const char *name; uint32_t bit, changed, updated; } rows[] = {
		{ "tools", MCP_OFFER_TOOLS, MCP_OFFER_TOOLS_CHANGED, 0 },
		{ "prompts", MCP_OFFER_PROMPTS, MCP_OFFER_PROMPTS_CHANGED, 0 },
		{ "resources", MCP_OFFER_RESOURCES, MCP_OFFER_RESOURCES_CHANGED, MCP_OFFER_UPDATED },
		{ "completions", MCP_OFFER_COMPLETIONS, 0, 0 }, { "logging", MCP_OFFER_LOGGING, 0, 0 },
	};
	struct json_value	said;
	uint32_t		bits = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if ((said = json_get(capabilities, rows[i].name)).type != JSON_OBJECT)
			continue;
		bits |= rows[i].bit;
		if (json_get(said, "listChanged").type == JSON_TRUE)
			bits |= rows[i].changed;
		if (json_get(said, "subscribe").type == JSON_TRUE)
			bits |= rows[i].updated;
	}
	/* That revision has the method and no word for it (mcp-wire 14.3); whoever lacks it has no values. */
	if (json_is(json_get(result, "protocolVersion"), mcp_version_name(MCP_2024_11_05)) &&
	    (bits & (MCP_OFFER_PROMPTS | MCP_OFFER_RESOURCES)) != 0)
		bits |= MCP_OFFER_COMPLETIONS;
	/* Servers that declare nothing at all were written when nobody looked: they have tools. */
	return (bits == 0 ? MCP_OFFER_TOOLS : bits) | tasks_of(result, capabilities);
}

int
about_read(struct json_value result, struct about **out)
{
	struct json_value	capabilities = json_get(result, "capabilities"),
				said = json_get(result, "instructions");
	struct span		text = SPAN_NONE;
	struct arena		a;
	int			r = 0;

	*out = NULL;
	if (capabilities.type != JSON_OBJECT)
		return E_UPSTREAM;
	arena_init(&a, NULL, 0, DECODED_MAX);
	if (said.type == JSON_STRING && json_string(said, &a, &text) != 0)
		text = SPAN_NONE;
	text = about_cut(text, ABOUT_INSTRUCTIONS_MAX);
	if ((*out = malloc(sizeof(**out) + text.n)) == NULL) {
		r = E_NOMEM;
	} else {
		(*out)->offers = offers_of(result, capabilities);
		(*out)->bytes = text.n;
		if (text.n > 0)
			memcpy((*out)->instructions, text.p, text.n);
	}
	arena_fini(&a);
	return r;
}
