/* SPDX-License-Identifier: Apache-2.0
 *
 * native_answer.c - what a client is told of a program: its definition, its output, why there is none
 *
 * Process: mcpgw-runner.
 * Owns:    the scanner that proves structured output.
 * Trusts:  the profile's definitions, which the compiler wrote; no byte of a program: text goes into JSON strings,
 *          and what goes on as JSON was proven.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "mcp/write.h"
#include "policy/policy.h"
#include "sandbox/runner/jail_end.h"
#include "sandbox/runner/native_priv.h"

/* Whatever id we write, the worker writes its client's over it. */
#define OWN_ID		SPAN_LIT("0")
#define OWN_ID_AT	(sizeof("{\"jsonrpc\":\"2.0\",\"id\":") - 1)
#define VERSION		MCP_2026_07_28
#define FAILURE_MAX	1024
#define LISTS_TTL_MS	(5 * 60 * 1000)

/* Gives the answer in `text` to the call and frees it. */
static void
give(struct native *n, int r, struct buf *text, unsigned flags)
{
	struct call	*c = n->call;
	struct span	 whole = buf_rest(text);

	c->native = NULL;
	n->call = NULL;
	call_started(c);
	/* Its program may have done what it was to do. */
	if (r != 0 && n->state >= NATIVE_SPAWNING)
		c->state = CALL_ANSWERING;
	if (r != 0)
		call_end(c, r == E_TOOBIG ? LINK_END_TOO_BIG : LINK_END_BUSY, r == E_TOOBIG ?
		    "its answer is larger than 16 MiB" : "out of memory");
	else
		call_give(c, whole, span_part(whole, OWN_ID_AT, 1), flags | LINK_FLAG_MODERN);
	buf_fini(text);
	if (n->state < NATIVE_SPAWNING)
		native_free(n);
}

void
native_answer_about(struct native *n)
{
	struct buf	text;

	buf_init(&text, LINK_LINE_MAX);
	give(n, mcp_write_discover(&text, OWN_ID, MCP_OFFER_TOOLS, SPAN_NONE, LISTS_TTL_MS, MCP_SCOPE_PRIVATE),
	    &text, 0);
}

static int
put_tools(const struct native *n, struct buf *to)
{
	const struct snap		*s = n->server->profile;
	const struct rec_profile	*p = policy_profile_find(s, n->server->hash);
	const struct rec_tool		*t;
	struct mcp_list			 list;
	int				 r;

	if ((r = mcp_list_begin(&list, to, OWN_ID, VERSION, CATALOGUE_TOOLS)) != 0)
		return r;
	for (uint32_t i = 0; p != NULL && i < p->tool_count; i++)
		if ((t = SNAP_AT(s, TOOL, (uint64_t)p->tool_first + i)) != NULL &&
		    (r = mcp_list_raw(&list, snap_text(s, t->definition))) != 0)
			return r;
	return mcp_list_end(&list, SPAN_NONE, LISTS_TTL_MS, MCP_SCOPE_PRIVATE);
}

void
native_answer_tools(struct native *n)
{
	struct buf	text;

	buf_init(&text, LINK_LINE_MAX);
	give(n, put_tools(n, &text), &text, 0);
}

void
native_answer_error(struct native *n, int error, const char *what)
{
	struct mcp_error	e = { .error = error, .text = what };
	struct buf		text;

	buf_init(&text, LINK_LINE_MAX);
	give(n, mcp_write_error(&text, OWN_ID, &e), &text, LINK_FLAG_ERROR);
}

#define TOO_LONG	"Its output is more than 16 MiB as JSON; ask for less."

static void
give_text(struct native *n, bool is_error, struct span what)
{
	struct buf	text;
	int		r;

	buf_init(&text, LINK_LINE_MAX);
	/* Many bytes that are no text become six each: no fault of the server. */
	if ((r = mcp_write_tool_text(&text, OWN_ID, VERSION, is_error, what)) == E_TOOBIG) {
		buf_clear(&text);
		r = mcp_write_tool_text(&text, OWN_ID, VERSION, true, SPAN_LIT(TOO_LONG));
	}
	give(n, r, &text, 0);
}

void
native_answer_failure(struct native *n, const char *fmt, ...)
{
	char	what[FAILURE_MAX];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	give_text(n, true, span_of(what));
}

/* --- output ----------------------------------------------------------------------------------- */

/* A NUL is text for nobody: it becomes what no UTF-8 has, and that is replaced. */
static void
without_nul(struct span s)
{
	char	*p = (char *)(uintptr_t)s.p;

	for (size_t i = 0; i < s.n; i++)
		if (p[i] == '\0')
			p[i] = (char)0xff;
}

/* How it ended, the end of what it said about that, then its output. */
static void
give_failed(struct native *n, const char *how)
{
	struct span	errors = span_make(n->errors, n->error_bytes), output = buf_rest(&n->output);
	struct buf	text;
	int		r;

	without_nul(errors);
	without_nul(output);
	buf_init(&text, LINK_LINE_MAX);
	if ((r = buf_put_fmt(&text, "%s.%s", how, errors.n > 0 ? "\n" : "")) == 0 &&
	    (r = buf_put(&text, errors)) == 0 && output.n > 0 &&
	    (r = buf_put_str(&text, errors.n > 0 && errors.p[errors.n - 1] == '\n' ? "" : "\n")) == 0)
		r = buf_put(&text, output);
	if (r == 0)
		give_text(n, true, buf_rest(&text));
	else
		native_answer_failure(n, "%s.", how);
	buf_fini(&text);
}

/* Blanks between JSON's tokens, so that no line of it ends: within strings there are none of these. */
static void
on_one_line(struct span json)
{
	char	*p = (char *)(uintptr_t)json.p;

	for (size_t i = 0; i < json.n; i++)
		if (p[i] == '\n' || p[i] == '\r' || p[i] == '\t')
			p[i] = ' ';
}

/* Would the gateway take the answer?  It may be too deep now that it stands in one. */
static bool
is_proven(struct span answer)
{
	static struct rpc_scan	*scan;		/* as long as the process */
	struct rpc_answer	 a;

	return (scan != NULL || rpc_answer_new(&scan) == 0) && rpc_answer_whole(scan, answer, &a) == 0;
}

static void
give_json(struct native *n, struct span output)
{
	struct json_value	v;
	struct buf		text;
	size_t			at = 0;
	int			r;

	if (json_parse(output, n->tool->output == OUTPUT_STRUCTURED, &v, &at) != 0) {
		native_answer_failure(n, "Its output is not one JSON value%s: byte %zu.",
		    n->tool->output == OUTPUT_STRUCTURED ? " without doubled members" : "", at);
		return;
	}
	if (n->tool->output == OUTPUT_JSON) {
		give_text(n, false, v.raw);
		return;
	}
	if (v.type != JSON_OBJECT) {
		native_answer_failure(n, "Its output is JSON, but no object.");
		return;
	}
	on_one_line(v.raw);
	buf_init(&text, LINK_LINE_MAX);
	r = mcp_write_tool_json(&text, OWN_ID, VERSION, false, v);
	if (r == 0 && !is_proven(buf_rest(&text))) {
		buf_fini(&text);
		native_answer_failure(n, "Its output is JSON that cannot be passed on.");
		return;
	}
	give(n, r, &text, 0);
}

void
native_answer_output(struct native *n, int status)
{
	struct span	output = buf_rest(&n->output);
	int		signal = jail_end_signal(status), code = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
	char		how[80];

	/* A status over 128 may be the program's own; where the operator says so it is. */
	if (!WIFEXITED(status) || (n->tool->ok_status[code / 64] >> code % 64 & 1) == 0) {
		snprintf(how, sizeof(how), signal != 0 ? "Ended by signal %d" : "Exited with status %d",
		    signal != 0 ? signal : code);
		give_failed(n, how);
	} else if (n->tool->output != OUTPUT_TEXT) {
		give_json(n, output);
	} else {
		without_nul(output);
		give_text(n, false, output);
	}
}

void
native_answer_lost(struct native *n)
{
	give_failed(n, "Ended, nobody knows how");
}
