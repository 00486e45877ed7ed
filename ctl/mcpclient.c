/* SPDX-License-Identifier: Apache-2.0
 *
 * mcpclient.c - an ordinary MCP client of the gateway's unix socket
 *
 * Process: mcpgwctl.
 * Owns:    one answer at a time.
 * Trusts:  nothing of a tool's text; it is proven as JSON before anything looks at it.
 *
 * One request, no handshake: each carries its revision (mcp-wire 3.4, 4.3).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/folders.h"
#include "ctl/known.h"
#include "ctl/lines.h"
#include "ctl/mcpclient.h"
#include "ctl/out.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/percent.h"

#define REVISION	"2026-07-28"
#define META		"io.modelcontextprotocol/"
#define REQUEST_ID	"1"
#define FIELDS_MAX	8192
#define TARGET_MAX	2048

int
mcp_server_target(const char *server, char *to, size_t room)
{
	struct buf	b;
	int		r;

	buf_init(&b, room);
	if ((r = buf_put_str(&b, "/servers/")) == 0 && (r = percent_put(&b, span_of(server))) == 0 &&
	    (r = buf_put(&b, span_make("/mcp", sizeof("/mcp")))) == 0)
		memcpy(to, b.data, b.used);
	buf_fini(&b);
	return r;
}

/* RFC 4648 4: standard alphabet, padded; for header values (mcp-wire 5). */
static int
put_base64(struct buf *b, const char *text)
{
	static const char	alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t			n = strlen(text);
	int			r = 0;

	for (size_t i = 0; i < n && r == 0; i += 3) {
		uint32_t v = (uint32_t)(unsigned char)text[i] << 16;

		if (i + 1 < n)
			v |= (uint32_t)(unsigned char)text[i + 1] << 8;
		if (i + 2 < n)
			v |= (unsigned char)text[i + 2];
		r = buf_put_fmt(b, "%c%c%c%c", alphabet[v >> 18], alphabet[v >> 12 & 63],
		    i + 1 < n ? alphabet[v >> 6 & 63] : '=', i + 2 < n ? alphabet[v & 63] : '=');
	}
	return r;
}

static int
put_header_value(struct buf *b, const char *text)
{
	size_t	n = strlen(text);
	bool	plain = n > 0 && text[0] != ' ' && text[n - 1] != ' ' &&
		    strncmp(text, "=?base64?", 9) != 0;
	int	r;

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] > 0x7e)
			plain = false;
	if (plain)
		return buf_put_str(b, text);
	if ((r = buf_put_str(b, "=?base64?")) != 0 || (r = put_base64(b, text)) != 0)
		return r;
	return buf_put_str(b, "?=");
}

static int
put_fields(struct buf *b, const struct mcp_question *q)
{
	int	r;

	r = buf_put_fmt(b, "MCP-Protocol-Version: " REVISION "\r\nMcp-Method: %s\r\n", q->method);
	if (r == 0 && q->name != NULL && (r = buf_put_str(b, "Mcp-Name: ")) == 0 &&
	    (r = put_header_value(b, q->name)) == 0)
		r = buf_put_str(b, "\r\n");
	if (r == 0 && q->as != NULL && (r = buf_put_str(b, "Mcpgw-As: ")) == 0 &&
	    (r = put_header_value(b, q->as)) == 0)
		r = buf_put_str(b, "\r\n");
	return r;
}

static int
put_body(struct buf *b, const struct mcp_question *q)
{
	return buf_put_fmt(b, "{\"jsonrpc\":\"2.0\",\"id\":" REQUEST_ID ",\"method\":\"%s\",\"params\":{%.*s%s"
	    "\"_meta\":{\"" META "protocolVersion\":\"" REVISION "\",\"" META "clientCapabilities\":{},"
	    "\"" META "clientInfo\":{\"name\":\"mcpgwctl\",\"version\":\"" MCPGW_VERSION "\"}}}}",
	    q->method, SPAN_FMT(q->params), q->params.n > 0 ? "," : "");
}

static int
say_failure(struct ctl *ctl, const char *path, int r)
{
	if (r == E_NOTFOUND) {
		out_error("not running (no %s). Start it: %s", path, where_how_to_start(&ctl->where));
		return EX_UNAVAILABLE;
	}
	if (r == E_DENIED) {
		out_error("%s: you are not root or in group mcpgw", path);
		return EX_NOPERM;
	}
	out_error("%s: %s", path, r == E_CLOSED ? "the gateway hung up before its answer was whole" :
	    err_text(r));
	return EX_PROTOCOL;
}

/* Below the path of a tenant, when one was named. */
static struct span
target_of(const struct ctl *ctl, const char *target, char to[TARGET_MAX])
{
	if (ctl->tenant == NULL)
		return span_of(target);
	snprintf(to, TARGET_MAX, "/t/%.64s%s", ctl->tenant, target);
	return span_of(to);
}

int
mcp_ask(struct ctl *ctl, const struct mcp_question *q, struct mcp_answer *out)
{
	struct buf		fields, body;
	struct json_value	message;
	struct span		text;
	char			target[TARGET_MAX];
	uint64_t		began = clock_mono_ms();
	int			r;

	*out = (struct mcp_answer){ 0 };
	buf_init(&fields, FIELDS_MAX);
	buf_init(&body, HTTPSOCK_MAX);
	if ((r = put_fields(&fields, q)) == 0 && (r = put_body(&body, q)) == 0)
		r = httpsock_post(folders_socket(ctl), target_of(ctl, q->target, target), buf_rest(&fields),
		    buf_rest(&body), &out->http);
	buf_fini(&fields);
	buf_fini(&body);
	if (r != 0)
		return say_failure(ctl, folders_socket(ctl), r);
	out->ms = clock_mono_ms() - began;
	text = out->http.body;
	if (text.n == 0 || json_parse(text, false, &message, NULL) != 0 || message.type != JSON_OBJECT) {
		out_error("HTTP %u: %.*s", out->http.status, SPAN_FMT(span_part(text, 0, 200)));
		mcp_answer_fini(out);
		return EX_PROTOCOL;
	}
	out->result = json_get(message, "result");
	out->error = json_get(message, "error");
	if (out->result.type == JSON_OBJECT || out->error.type == JSON_OBJECT)
		return 0;
	out_error("HTTP %u: neither result nor error", out->http.status);
	mcp_answer_fini(out);
	return EX_PROTOCOL;
}

void
mcp_answer_fini(struct mcp_answer *a)
{
	http_answer_fini(&a->http);
}

/* Whoever may not say --as, or says it of nobody, is told no more than that it is not permitted. */
static bool
is_as_denied(const struct mcp_question *q, const struct mcp_answer *a)
{
	return q->as != NULL && json_is(json_get(json_get(a->error, "data"), "code"), err_row(E_DENIED)->symbol);
}

/* The path is ours but for the server's name. */
static bool
is_no_server(const struct mcp_answer *a, int64_t code)
{
	return code == err_row(E_HTTP_PATH)->rpc_code && a->http.status == 404;
}

static int64_t
code_of(const struct mcp_answer *a)
{
	int64_t	code;

	return json_i64(json_get(a->error, "code"), &code) == 0 ? code : 0;
}

int
mcp_error_exit(const struct mcp_question *q, const struct mcp_answer *a)
{
	const int64_t	code = code_of(a);

	if (is_as_denied(q, a) || code == 403 || a->http.status == 401 || a->http.status == 403)
		return EX_NOPERM;
	if (code == 429 || code == 503 || code == 504)
		return EX_TEMPFAIL;
	return code == -32602 || code == -32601 || is_no_server(a, code) ? EX_DATAERR : EX_SOFTWARE;
}

/* Which limit refused, when it is worth coming again, and what shows it. */
static void
say_limit(struct json_value data)
{
	static const struct span	named[] = { SPAN_LIT("limits.agents."), SPAN_LIT("limits.servers."),
					    SPAN_LIT("limits.tools.") };
	char				limit[256], when[OUT_TIME];
	const char			*name = "";

	if (lines_text(data, "limit", limit, sizeof(limit))[0] == '\0')
		return;
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (span_starts(span_of(limit), named[i]))
			name = limit + named[i].n;
	out_error("limit %s; again in %s.  See: mcpgwctl limit show%s%s", limit,
	    out_span_ms(lines_u64(data, "retry_after_ms"), when), name[0] == '\0' ? "" : " ", name);
}

int
mcp_say_error(struct ctl *ctl, const struct mcp_question *q, const struct mcp_answer *a)
{
	struct json_value	data = json_get(a->error, "data");
	char			room[4096];
	struct arena		arena;
	struct span		message = SPAN_NONE, rule = SPAN_NONE, id = SPAN_NONE;

	if (is_as_denied(q, a)) {
		if (!known_missing(ctl, KNOWN_AGENT, folders_tenant(ctl), q->as))
			out_error("--as %s: not permitted; it is for root and the owner of the gateway alone", q->as);
		return EX_NOPERM;
	}
	arena_init(&arena, room, sizeof(room), 256 * 1024);
	if (json_string(json_get(a->error, "message"), &arena, &message) != 0)
		message = SPAN_LIT("error without a message");
	if (json_string(json_get(data, "rule"), &arena, &rule) != 0)
		rule = SPAN_NONE;
	if (json_string(json_get(data, "request_id"), &arena, &id) != 0)
		id = SPAN_NONE;
	if (rule.n > 0 && memmem(message.p, message.n, rule.p, rule.n) != NULL)
		rule = SPAN_NONE;	/* said already */
	if (id.n > 0 && memmem(message.p, message.n, id.p, id.n) != NULL)
		id = SPAN_NONE;
	if (is_no_server(a, code_of(a)))
		message = SPAN_LIT("no such server, or none that this agent may use");
	else if (a->http.status == 401)
		message = SPAN_LIT("you are no agent here: let \"peers\" of rules.json name one for you "
		    "(root and the owner: or say --as AGENT)");
	out_error("%.*s%s%.*s%s%.*s", SPAN_FMT(message), rule.n > 0 ? "  rule " : "", SPAN_FMT(rule),
	    id.n > 0 ? "  request " : "", SPAN_FMT(id));
	arena_fini(&arena);
	say_limit(data);
	return mcp_error_exit(q, a);
}
