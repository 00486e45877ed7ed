/* SPDX-License-Identifier: Apache-2.0
 *
 * puppet.c - calls to a puppet-server, and what it shall say while they run
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "claim.h"
#include "lib/json.h"
#include "puppet.h"

#define STRINGS	0	/* the link */

void
puppet_begin(struct rig *r, const struct rig_server *servers)
{
	rig_begin(r, servers);
	must(rig_link(r) == STRINGS);
}

struct rig_call *
puppet_call(struct rig *r, int link, uint32_t call, int server, const char *name, uint32_t capabilities,
    uint32_t log_level, uint32_t deadline_ms)
{
	struct link_call	 lc = { .capabilities = capabilities, .log_level = log_level };
	char			 body[512];

	snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"tools/call\",\"params\":{"
	    "\"name\":\"%s\",\"_meta\":{\"progressToken\":7}}}", name);
	rig_body(r, link, call, server, PUPPET_KEY, deadline_ms, &lc, 0, body);
	/* So that it comes before what the puppet is told over another link. */
	rig_run(r, 20, NULL);
	return &r->links[link].calls[call % RIG_CALLS];
}

const char *
puppet_says(struct rig *r, int server, const char *fmt, ...)
{
	static const struct link_call	 none;
	static uint32_t			 number;
	struct rig_call			*c;
	struct buf			 body;
	char				*line;
	va_list				 ap;

	va_start(ap, fmt);
	must(vasprintf(&line, fmt, ap) != -1);
	va_end(ap);
	buf_init(&body, 16u << 20);
	must(!buf_put_str(&body, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"puppet/say\",\"params\":{\"lines\":["));
	for (char *at = line, *end; *at != '\0'; at = end + (*end != '\0')) {
		end = strchrnul(at, '\n');
		must(at == line || !buf_put_str(&body, ","));
		must(!json_put_string(&body, span_make(at, (size_t)(end - at))));
	}
	must(!buf_put(&body, span_make("]}}", 4)));
	c = &r->links[STRINGS].calls[++number % RIG_CALLS];
	rig_body(r, STRINGS, number, server, PUPPET_KEY, 5000, &none, LINK_FLAG_LIST, body.data);
	rig_run(r, 6000, &c->ended);
	must(c->end == LINK_END_OK, "%s", c->text);
	buf_fini(&body);
	free(line);
	return c->answer;
}

bool
puppet_heard(struct rig *r, int server, const char *text)
{
	struct buf	quoted;
	bool		found;

	buf_init(&quoted, 16u << 20);
	must(!json_put_string(&quoted, span_of(text)));
	must(!buf_put(&quoted, span_make("", 1)));
	/* Without its quotes it may be a part. */
	quoted.data[strlen(quoted.data) - 1] = '\0';
	found = strstr(puppet_says(r, server, "%s", ""), quoted.data + 1) != NULL;
	buf_fini(&quoted);
	return found;
}

bool
puppet_hears(struct rig *r, int server, uint64_t ms, const char *text)
{
	uint64_t	end = now_ms() + ms;
	bool		found;

	while (!(found = puppet_heard(r, server, text)) && now_ms() < end)
		rig_run(r, 10, NULL);
	return found;
}

void
puppet_reply(struct rig *r, int link, uint32_t call, const char *text, size_t piece)
{
	size_t	left = strlen(text);

	while (left > 0) {
		size_t	n = left < piece ? left : piece;

		rig_frame(r, link, (uint32_t)n, LINK_REPLY, n < left ? LINK_FLAG_MORE : 0, call, 0, text);
		text += n;
		left -= n;
	}
}

bool
puppet_said(struct rig *r, const struct rig_call *c, int count)
{
	RIG_UNTIL(r, 2000, c->said_count > count || (c->said_count == count && c->said[count - 1].whole));
	return c->said_count == count && c->said[count - 1].whole;
}
