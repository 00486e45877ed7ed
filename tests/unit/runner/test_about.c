/* SPDX-License-Identifier: Apache-2.0
 *
 * test_about.c - a worker asks what a tool says of itself
 */
#include <stdio.h>

#include "claim.h"
#include "rig.h"

static const struct rig_server servers[] = {
	{ .name = "legacy", .mode = "ok" },
	{ .name = "modern", .mode = "modern" },
	{ .name = NULL },
};

static struct rig_call *
ask(struct rig *r, int link, int server, uint32_t call, uint16_t flags)
{
	static const char	text[] = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"server/discover\",\"params\":{\"_meta\":{"
				    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}}}";
	struct link_call	lc = { .body_bytes = sizeof(text) - 1, .id = { 22, 1 } };
	struct rig_call		*c = &r->links[link].calls[call % RIG_CALLS];

	rig_head(r, link, call, server, 1, 5000, &lc, flags);
	rig_frame(r, link, lc.body_bytes, LINK_BODY, 0, call, 0, text);
	rig_run(r, 6000, &c->ended);
	return c;
}

Test(about, is_what_a_legacy_tool_answered_initialize_with, .timeout = 30)
{
	struct rig	 r;
	struct rig_call	*c;
	int		 link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	/* The first starts it, the second finds it up. */
	for (uint32_t i = 1; i <= 2; i++) {
		c = ask(&r, link, 0, i, LINK_FLAG_LIST);
		claim(c->ended && c->end == LINK_END_OK && c->answered, "call %u: end %d", i, c->end);
		claim(c->answer != NULL && strstr(c->answer, "\"protocolVersion\":\"") != NULL &&
		    strstr(c->answer, "\"capabilities\":") != NULL, "%.300s", c->answer == NULL ? "" : c->answer);
		claim((c->answer_flags & (LINK_FLAG_MODERN | LINK_FLAG_ERROR)) == 0, "flags %x", c->answer_flags);
	}
	/* The tool is none the worse, and a client's own request goes to the tool. */
	c = rig_call(&r, link, 3, 0, 1, 3000);
	claim(c->ended && c->end == LINK_END_OK, "end %d", c->end);
	c = ask(&r, link, 0, 4, 0);
	claim(c->ended && c->answer != NULL && strstr(c->answer, "protocolVersion\":\"2025") == NULL, "%.300s",
	    c->answer == NULL ? "" : c->answer);
	rig_end(&r);
}

Test(about, is_what_a_modern_tool_says_now, .timeout = 30)
{
	struct rig	 r;
	struct rig_call	*c;
	int		 link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	c = ask(&r, link, 1, 1, LINK_FLAG_LIST);
	claim(c->ended && c->end == LINK_END_OK && (c->answer_flags & LINK_FLAG_MODERN) != 0 && c->answer != NULL &&
	    strstr(c->answer, "supportedVersions") != NULL, "%.300s", c->answer == NULL ? "" : c->answer);
	rig_end(&r);
}
