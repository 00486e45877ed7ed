/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rehead.c - the head of another request in the name of the same client
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/front/rehead.h"

#define FIRST	"GET /sse?x=1 HTTP/1.1\r\nHost: h:1\r\n"

static struct http_head	from, out;
static struct buf	to;

static int
rehead(const char *head, const char *session, size_t body_bytes)
{
	http_head_init(&from, HTTP_REQUEST);
	cr_assert(http_head_parse(&from, head, strlen(head)) == 0, "%s", head);
	buf_init(&to, HTTP_HEAD_BYTES_MAX);
	return rehead_write(&to, &from, "POST", SPAN_LIT("/mcp"), span_of(session), body_bytes, &out);
}

Test(rehead, says_who_the_client_is_and_nothing_else_of_it)
{
	cr_assert(rehead(FIRST "Authorization: Bearer k\r\nOrigin: http://o\r\nMCP-Protocol-Version: 2024-11-05\r\n"
	    "Mcpgw-As: a\r\nAccept: text/plain\r\nMcp-Session-Id: theirs\r\nLast-Event-ID: 7\r\nMcp-Method: m\r\n"
	    "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close\r\nCookie: c\r\n\r\n", "s-1", 17) == 0);
	cr_expect(out.method == HTTP_POST && span_is(http_head_path(&out), "/mcp") && http_head_query(&out).n == 0);
	cr_expect(span_is(http_head_get(&out, HTTP_HOST), "h:1"));
	cr_expect(span_is(http_head_get(&out, HTTP_AUTHORIZATION), "Bearer k"));
	cr_expect(span_is(http_head_get(&out, HTTP_ORIGIN), "http://o"));
	cr_expect(span_is(http_head_get(&out, HTTP_MCP_PROTOCOL_VERSION), "2024-11-05"));
	cr_expect(span_is(http_head_get(&out, HTTP_MCPGW_AS), "a"));
	cr_expect(span_is(http_head_get(&out, HTTP_MCP_SESSION_ID), "s-1") &&
	    http_head_count(&out, HTTP_MCP_SESSION_ID) == 1);
	cr_expect(http_head_lists(&out, HTTP_ACCEPT, "application/json") &&
	    http_head_lists(&out, HTTP_ACCEPT, "text/event-stream") && !http_head_lists(&out, HTTP_ACCEPT, "text/plain"));
	cr_expect(!out.chunked && out.has_length && out.length == 17 && !out.expect_continue && out.keep_alive);
	cr_expect(out.count == 9, "%u", out.count);
	buf_fini(&to);
}

Test(rehead, leaves_a_session_out_that_there_is_not)
{
	cr_assert(rehead(FIRST "Mcp-Session-Id: theirs\r\n\r\n", "", 0) == 0);
	cr_expect(http_head_count(&out, HTTP_MCP_SESSION_ID) == 0 && out.has_length && out.length == 0);
	buf_fini(&to);
}

/* So that whoever looks refuses it, as in the request it is made of. */
Test(rehead, keeps_what_came_twice)
{
	cr_assert(rehead(FIRST "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", "", 0) == 0);
	cr_expect(http_head_count(&out, HTTP_AUTHORIZATION) == 2);
	buf_fini(&to);
}

Test(rehead, is_refused_when_it_grows_too_large)
{
	char	*head = calloc(1, HTTP_HEAD_BYTES_MAX + 1);
	int	 n = sprintf(head, FIRST "Authorization: ");

	memset(head + n, 'x', HTTP_HEAD_BYTES_MAX - 4 - (size_t)n);
	memcpy(head + HTTP_HEAD_BYTES_MAX - 4, "\r\n\r\n", 4);
	cr_expect(rehead(head, "s", 5) == E_HTTP_HEAD);
	buf_fini(&to);
	free(head);
}
