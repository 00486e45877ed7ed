/* SPDX-License-Identifier: Apache-2.0
 *
 * test_about.c - what servers say of themselves
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "mcp/method.h"
#include "worker/front/about.h"

#define T MCP_OFFER_TOOLS
#define P MCP_OFFER_PROMPTS
#define R MCP_OFFER_RESOURCES
#define C MCP_OFFER_COMPLETIONS

#define CORE_TASKS "\"tasks\":{\"requests\":{\"tools\":{\"call\":{}}}}"

static int
read_text(const char *text, struct about **out)
{
	struct json_value	v;

	cr_assert(json_parse(span_of(text), true, &v, NULL) == 0, "%s", text);
	return about_read(v, out);
}

Test(about, offers_what_is_declared)
{
	static const struct { const char *text; uint32_t want; } rows[] = {
		{ "{\"capabilities\":{\"prompts\":{\"listChanged\":true},\"resources\":{}}}",
		    P | R | MCP_OFFER_PROMPTS_CHANGED },
		{ "{\"capabilities\":{\"tools\":{\"listChanged\":true,\"subscribe\":true},\"resources\":"
		    "{\"listChanged\":false,\"subscribe\":true}}}", T | R | MCP_OFFER_TOOLS_CHANGED | MCP_OFFER_UPDATED },
		{ "{\"capabilities\":{\"resources\":{\"listChanged\":true,\"subscribe\":1}}}",
		    R | MCP_OFFER_RESOURCES_CHANGED },
		{ "{\"capabilities\":{\"tools\":{},\"completions\":{},\"logging\":{},\"x\":{}}}",
		    T | C | MCP_OFFER_LOGGING },
		{ "{\"capabilities\":{\"tools\":true,\"prompts\":{}}}", P },
		{ "{\"capabilities\":{}}", T },
		{ "{\"protocolVersion\":\"2024-11-05\",\"capabilities\":{\"prompts\":{}}}", P | C },
		{ "{\"protocolVersion\":\"2024-11-05\",\"capabilities\":{\"tools\":{}}}", T },
		{ "{\"protocolVersion\":\"2025-03-26\",\"capabilities\":{\"prompts\":{}}}", P },
		{ "{\"capabilities\":{\"tools\":{},\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}}",
		    T | MCP_OFFER_TASKS },
		{ "{\"capabilities\":{" CORE_TASKS "}}", T },
		{ "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{" CORE_TASKS "}}", T | MCP_OFFER_CORE_TASKS },
		{ "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{},\"extensions\":{"
		    "\"io.modelcontextprotocol/tasks\":{}}}}", T },
	};
	struct about	*a;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert(read_text(rows[i].text, &a) == 0);
		cr_expect(a->offers == rows[i].want && a->bytes == 0, "row %zu: %x", i, a->offers);
		free(a);
	}
	cr_expect(read_text("{\"capabilities\":[]}", &a) == E_UPSTREAM && a == NULL);
	cr_expect(read_text("{}", &a) == E_UPSTREAM && a == NULL);
}

Test(about, bounds_instructions_between_two_characters)
{
	size_t		 n = 2 * ABOUT_INSTRUCTIONS_MAX;
	char		*text = malloc(n + 128), *at = text;
	struct about	*a;

	at += sprintf(at, "{\"capabilities\":{},\"instructions\":\"x");
	for (size_t i = 0; i < n / 2; i++)
		at += sprintf(at, "\xc3\xa4");
	sprintf(at, "\"}");
	cr_assert(read_text(text, &a) == 0);
	cr_expect(a->bytes == ABOUT_INSTRUCTIONS_MAX - 1, "%zu", a->bytes);
	cr_expect(json_utf8_ok(span_make(a->instructions, a->bytes)));
	free(a);
	free(text);
	cr_assert(read_text("{\"capabilities\":{},\"instructions\":\"a\\nb\"}", &a) == 0);
	cr_expect(span_is(span_make(a->instructions, a->bytes), "a\nb"));
	free(a);
}
