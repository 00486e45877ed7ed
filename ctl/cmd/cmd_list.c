/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_list.c - the tools an agent may call, as any client sees them
 *
 * Process: mcpgwctl.  Owns: one page of the list at a time.
 * Trusts:  no name or description of a tool.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/folders.h"
#include "ctl/known.h"
#include "ctl/mcpclient.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/log.h"

#define PAGES_MAX	1000
#define CURSOR_MAX	8192

static struct span
text_of(struct json_value v, const char *name, struct arena *a)
{
	struct span	s;

	return json_string(json_get(v, name), a, &s) == 0 ? s : SPAN_NONE;
}

static void
print_tools(const struct mcp_answer *answer, bool json, struct out_table *t, size_t *count)
{
	struct json_iter	it;
	struct json_value	tool;
	struct span		key, text;
	struct arena		arena;

	json_iter_init(&it, json_get(answer->result, "tools"));
	while (json_iter_next(&it, &key, &tool)) {
		++*count;
		if (json) {
			printf("%.*s\n", SPAN_FMT(tool.raw));
			continue;
		}
		arena_init(&arena, NULL, 0, 1024 * 1024);
		out_cell_span(t, text_of(tool, "name", &arena));
		text = text_of(tool, "description", &arena);
		if (text.n > 0 && memchr(text.p, '\n', text.n) != NULL)
			text.n = (size_t)((const char *)memchr(text.p, '\n', text.n) - text.p);
		out_cell_span(t, text);
		arena_fini(&arena);
	}
}

/* The cursor of the next page as a member of params, or an empty one. */
static bool
next_page(const struct mcp_answer *a, char params[CURSOR_MAX])
{
	struct json_value	cursor = json_get(a->result, "nextCursor");

	if (cursor.type != JSON_STRING || cursor.raw.n + 16 > CURSOR_MAX)
		return false;
	snprintf(params, CURSOR_MAX, "\"cursor\":%.*s", SPAN_FMT(cursor.raw));
	return true;
}

/* Of no server there is nothing to list; which was meant? */
static int
say_error(struct ctl *ctl, const struct mcp_question *q, const struct mcp_answer *a, const char *server)
{
	const int	r = mcp_say_error(ctl, q, a);

	if (r == EX_DATAERR && server != NULL && a->http.status == 404)
		(void)known_missing(ctl, KNOWN_SERVER, folders_tenant(ctl), server);
	return r;
}

int
cmd_list(struct ctl *ctl, int argc, char **argv)
{
	static const struct out_column	columns[] = { { "TOOL", false, true }, { "WHAT IT DOES", false, false } };
	const char		*as = NULL;
	const struct opt	 rows[] = { { "--as", &as, NULL }, { "--tenant", &ctl->tenant, NULL },
	    { NULL, NULL, NULL } };
	struct mcp_question	 q = { .target = "/mcp/catalog", .method = "tools/list" };
	struct mcp_answer	 a;
	struct out_table	*t;
	char			 target[1024], params[CURSOR_MAX] = "";
	size_t			 count = 0;
	bool			 more = true;
	int			 r = 0;

	argc = opts_take(rows, argc, argv, 0, 1);
	if (argc == 1) {
		if (mcp_server_target(argv[0], target, sizeof(target)) != 0)
			fatal(EX_USAGE, "%s: too long for a server's name", argv[0]);
		q.target = target;
	}
	q.as = as;
	t = out_table_new(columns, 2);
	for (int page = 0; r == 0 && more && page < PAGES_MAX; page++) {
		q.params = span_of(params);
		if ((r = mcp_ask(ctl, &q, &a)) != 0)
			break;
		if (a.result.type != JSON_OBJECT)
			r = say_error(ctl, &q, &a, argc == 1 ? argv[0] : NULL);
		else
			print_tools(&a, ctl->json, t, &count);
		more = next_page(&a, params);
		mcp_answer_fini(&a);
	}
	if (r == 0 && !ctl->json && count > 0)
		out_table_end(&t);
	out_table_free(&t);
	if (r == 0 && count == 0)
		out_note(LOG_LEVEL_NOTICE, SPAN_LIT("no tool may be called"));
	return out_end(r);
}
