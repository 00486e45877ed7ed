/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_call.c - call a tool, as an ordinary client
 *
 * Process: mcpgwctl.
 * Owns:    the arguments while they are put together.
 * Trusts:  no result of a tool: it is printed, control bytes and all, only when stdout is no terminal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/explain/explain.h"
#include "ctl/folders.h"
#include "ctl/known.h"
#include "ctl/lines.h"
#include "ctl/mcpclient.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/log.h"
#include "policy/policy.h"

#define WORDS_MAX	200
#define ARGS_BYTES	(4u * 1024 * 1024)
#define GROUPS_MAX	256
#define TEXT_BYTES	(32u * 1024 * 1024)

/* --- arguments ----------------------------------------------------------------------------------- */

/* The tool's inputSchema.properties, from the server's list; nothing when it is not listed, and then
 * every value is text.  The answer backs it.  0, or an exit code with the reason said. */
static int
tool_properties(struct ctl *ctl, const char *target, const char *tool, const char *as,
    struct mcp_answer *list, struct json_value *out)
{
	const struct mcp_question	 q = { .target = target, .method = "tools/list", .as = as };
	struct json_value		 one;
	struct json_iter		 it;
	struct span			 key;
	int				 r;

	if ((r = mcp_ask(ctl, &q, list)) != 0)
		return r;
	json_iter_init(&it, json_get(list->result, "tools"));
	while (json_iter_next(&it, &key, &one))
		if (json_is(json_get(one, "name"), tool))
			*out = json_get(json_get(one, "inputSchema"), "properties");
	return 0;
}

/* Does the schema want something else than text here, and is the value such a thing? */
static bool
is_json_for(struct json_value property, const char *text)
{
	struct json_value	type = json_get(property, "type"), v;

	if (type.type != JSON_STRING || json_is(type, "string") ||
	    json_parse(span_of(text), false, &v, NULL) != 0)
		return false;
	switch (v.type) {
	case JSON_NUMBER:
		return json_is(type, "number") || json_is(type, "integer");
	case JSON_TRUE:
	case JSON_FALSE:
		return json_is(type, "boolean");
	case JSON_ARRAY:
		return json_is(type, "array");
	case JSON_OBJECT:
		return json_is(type, "object");
	default:
		return false;
	}
}

static void
check(int r)
{
	if (r != 0)
		fatal(EX_USAGE, "arguments: %s", err_text(r));
}

static void
put_argument(struct buf *b, char *pair, struct json_value properties, bool first)
{
	char	*value = strchr(pair + 1, '=');	/* put_params() saw it */

	*value++ = '\0';
	check(buf_put_str(b, first ? "" : ","));
	check(json_put_string(b, span_of(pair)));
	check(buf_put_str(b, ":"));
	if (is_json_for(json_get(properties, pair), value))
		check(buf_put_str(b, value));
	else
		check(json_put_string(b, span_of(value)));
}

/* Members of params: "name" and "arguments".  0, or an exit code with the reason said. */
static int
put_params(struct buf *b, struct ctl *ctl, const char *target, int argc, char **argv, const char *json,
    const char *as)
{
	struct json_value	v, properties = { JSON_NONE, { NULL, 0 } };
	struct mcp_answer	list = { 0 };
	int			r;

	check(buf_put_str(b, "\"name\":"));
	check(json_put_string(b, span_of(argv[1])));
	check(buf_put_str(b, ",\"arguments\":"));
	if (json != NULL) {
		if (argc > 2)
			fatal(EX_USAGE, "--args JSON or NAME=VALUE, not both");
		if (json_parse(span_of(json), true, &v, NULL) != 0 || v.type != JSON_OBJECT)
			fatal(EX_USAGE, "--args: not a JSON object");
		check(buf_put(b, v.raw));
		return 0;
	}
	for (int i = 2; i < argc; i++)
		if (strchr(argv[i] + (argv[i][0] != '\0'), '=') == NULL)
			fatal(EX_USAGE, "\"%s\": write arguments as NAME=VALUE, or all of them as --args JSON",
			    argv[i]);
	if (argc > 2 && (r = tool_properties(ctl, target, argv[1], as, &list, &properties)) != 0)
		return r;
	check(buf_put_str(b, "{"));
	for (int i = 2; i < argc; i++)
		put_argument(b, argv[i], properties, i == 2);
	check(buf_put_str(b, "}"));
	mcp_answer_fini(&list);
	return 0;
}

/* --- the answer ---------------------------------------------------------------------------------- */

/* A tool must not steer the operator's terminal. */
static void
print_text(struct span s)
{
	bool	tty = isatty(STDOUT_FILENO);

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		putchar(tty && (c < 0x20 || c == 0x7f) && c != '\n' && c != '\t' ? '?' : c);
	}
	if (s.n == 0 || s.p[s.n - 1] != '\n')
		putchar('\n');
}

static void
print_content(struct json_value result)
{
	struct json_iter	it;
	struct json_value	block;
	struct span		key, text;
	struct arena		arena;

	json_iter_init(&it, json_get(result, "content"));
	while (json_iter_next(&it, &key, &block)) {
		arena_init(&arena, NULL, 0, TEXT_BYTES);
		if (json_is(json_get(block, "type"), "text") &&
		    json_string(json_get(block, "text"), &arena, &text) == 0)
			print_text(text);
		else
			print_text(block.raw);
		arena_fini(&arena);
	}
}

/* Which rule decided, for those who may know: who may not ask the master sees the time alone.  Below a refusal a rule
 * that allows decided nothing: somebody's approval did. */
static void
say_rule(struct ctl *ctl, const char *server, const char *tool, const char *as, uint64_t ms, bool refused)
{
	struct explain_question	 q = explain_asked(span_of(folders_tenant(ctl)), span_of(as), span_of(server),
				    span_of(tool));
	const struct rec_agent	*agent;
	struct snap		*s = NULL;
	struct decision		 d;
	struct ask		 a;
	gid_t			 gids[GROUPS_MAX];
	bool			 several;
	int			 n;

	if (ask_open(ctl, &a, false) == 0) {
		ask_command(&a, CTLCMD_explain, NULL);
		(void)ask_wait(&a, ask_take_snapshot, &s);
		ask_close(&a);
	}
	if (s != NULL && as == NULL) {
		n = getgroups(GROUPS_MAX, gids);
		agent = policy_peer_find(s, span_of(ctl->tenant), geteuid(), gids, n > 0 ? (size_t)n : 0,
		    &several);
		if (agent != NULL) {
			q.tenant = policy_tenant_name(s, agent->tenant);
			q.agent = snap_text(s, agent->name);
		}
	}
	fflush(stdout);
	if (s != NULL && q.agent.n > 0) {
		explain_decide(s, &q, &d);
		if (!refused || !d.allow) {
			explain_print(stderr, s, &d);
			fprintf(stderr, "   ");
		}
	}
	fprintf(stderr, "%llu ms\n", (unsigned long long)ms);
	snap_release(&s);
}

/* The one that was meant, of those that may be called; else where those are, when there is no such tool. */
static void
say_near_tool(struct ctl *ctl, const struct mcp_question *q, const char *server, const char *tool, bool refused)
{
	const struct mcp_question	 ask = { .target = q->target, .method = "tools/list", .as = q->as };
	struct mcp_answer		 list = { 0 };
	struct json_value		 one;
	struct json_iter		 it;
	struct span			 key;
	char				 near[KNOWN_HINT] = "", name[KNOWN_HINT];

	if (mcp_ask(ctl, &ask, &list) != 0)
		return;
	json_iter_init(&it, json_get(list.result, "tools"));
	while (json_iter_next(&it, &key, &one))
		known_near(tool, lines_text(one, "name", name, sizeof(name)), near);
	mcp_answer_fini(&list);
	if (near[0] != '\0')
		out_error("did you mean %s.%s?", server, near);
	else if (!refused)
		out_error("its tools: mcpgwctl list %s", server);
}

/* A tool that no rule speaks of may be none. */
static void
say_near(struct ctl *ctl, const struct mcp_question *q, const struct mcp_answer *a, const char *server,
    const char *tool)
{
	const struct json_value	data = json_get(a->error, "data");

	if (json_is(json_get(data, "code"), err_row(E_TOOL)->symbol))
		say_near_tool(ctl, q, server, tool, false);
	else if (json_is(json_get(data, "rule"), "default"))
		say_near_tool(ctl, q, server, tool, true);
	else if (a->http.status == 404)
		(void)known_missing(ctl, KNOWN_SERVER, folders_tenant(ctl), server);
}

static int
show(struct ctl *ctl, const struct mcp_question *q, const struct mcp_answer *a, const char *server, const char *tool)
{
	bool	failed = json_get(a->result, "isError").type == JSON_TRUE;

	if (ctl->json) {
		struct json_value	v = a->result.type == JSON_OBJECT ? a->result : a->error;

		out_json_begin();
		out_json_raw(a->result.type == JSON_OBJECT ? "result" : "error", v.raw);
		out_json_u64("ms", a->ms);
		out_json_end();
		return a->result.type != JSON_OBJECT ? mcp_error_exit(q, a) : failed ? 1 : 0;
	}
	if (a->result.type != JSON_OBJECT) {
		int64_t	code;
		int	r = mcp_say_error(ctl, q, a);

		if (json_i64(json_get(a->error, "code"), &code) == 0 && code == err_row(E_POLICY)->rpc_code)
			say_rule(ctl, server, tool, q->as, a->ms, true);
		if (r == EX_DATAERR || r == EX_NOPERM)
			say_near(ctl, q, a, server, tool);
		return r;
	}
	print_content(a->result);
	if (failed)
		out_error("the tool says that it failed");
	say_rule(ctl, server, tool, q->as, a->ms, false);
	return failed ? 1 : 0;
}

/* SERVER.TOOL in one word; names may have dots, so those of servers that are in force say which one divides it.  False:
 * there is none. */
static bool
split_name(struct ctl *ctl, char *word, char **tool)
{
	struct snap	*s = NULL;
	struct ask	 a;
	char		*first = strchr(word, '.'), *at = first;

	if (first == NULL || first == word || first[1] == '\0')
		return false;
	if (strchr(first + 1, '.') != NULL && ask_open(ctl, &a, false) == 0) {
		ask_command(&a, CTLCMD_explain, NULL);
		(void)ask_wait(&a, ask_take_snapshot, &s);
		ask_close(&a);
	}
	while (s != NULL && at != NULL && policy_server_find(s, span_of(folders_tenant(ctl)),
	    span_make(word, (size_t)(at - word))) == NULL)
		at = strchr(at + 1, '.');
	snap_release(&s);
	if (at == NULL)
		at = first;
	*at = '\0';
	*tool = at + 1;
	return true;
}

/* What stands behind a name that is whole: nothing, or arguments. */
static bool
is_argument(const char *word)
{
	return word == NULL || word[0] == '{' || strchr(word, '=') != NULL;
}

int
cmd_call(struct ctl *ctl, int argc, char **argv)
{
	const char		*as = NULL, *json = NULL;
	const struct opt	 rows[] = { { "--as", &as, NULL }, { "--args", &json, NULL },
	    { "--tenant", &ctl->tenant, NULL }, { NULL, NULL, NULL } };
	struct mcp_question	 q = { .method = "tools/call" };
	struct mcp_answer	 a;
	struct buf		 params;
	char			 target[1024], *words[WORDS_MAX + 2];
	int			 r, n;

	n = argc = opts_take(rows, argc, argv, 1, WORDS_MAX);
	memcpy(words, argv, sizeof(*words) * (size_t)argc);
	if (is_argument(argc > 1 ? argv[1] : NULL)) {
		if (!split_name(ctl, argv[0], &words[1]))
			fatal(EX_USAGE, "call: which tool of \"%s\"? Write SERVER.TOOL, or SERVER TOOL", argv[0]);
		memcpy(words + 2, argv + 1, sizeof(*words) * (size_t)(argc - 1));
		n++;
	}
	if (n == 3 && words[2][0] == '{' && json == NULL) {
		json = words[2];
		n = 2;
	}
	if (mcp_server_target(words[0], target, sizeof(target)) != 0)
		fatal(EX_USAGE, "%s: too long for a server's name", words[0]);
	buf_init(&params, ARGS_BYTES);
	q.target = target;
	q.name = words[1];
	q.as = as;
	if ((r = put_params(&params, ctl, target, n, words, json, as)) == 0) {
		q.params = buf_rest(&params);
		r = mcp_ask(ctl, &q, &a);
	}
	buf_fini(&params);
	if (r != 0)
		return r;
	r = show(ctl, &q, &a, words[0], words[1]);
	mcp_answer_fini(&a);
	return out_end(r);
}
