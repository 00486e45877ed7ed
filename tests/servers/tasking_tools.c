/* SPDX-License-Identifier: Apache-2.0
 *
 * tasking_tools.c - the tools of tasking-server, and what becomes of them: tasks of both eras
 *
 * A modern one makes a task of every call whose client declared the extension, but for `plain`; a legacy one
 * of those that come with `task`.  Arguments: "tag" stands in the result, "ms" says how long the work takes
 * (0), "poll" which interval is asked for.
 *
 *   may       a task, or its result at once
 *   must      a task, or an error
 *   ask       needs an answer while it works, for `a`
 *   fail      ends with a JSON-RPC error
 *   wrong     ends with isError
 *   forever   until it is cancelled
 *   gone      the server forgets it at once
 *   plain     no task
 *   lie       a task, whoever asks
 *   nameless  a task without an id
 *   heard     every message heard so far
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "tests/servers/asking.h"

#define TASKS_MAX	1024
#define EXTENSION	"io.modelcontextprotocol/tasks"
#define RELATED		"\"io.modelcontextprotocol/related-task\":{\"taskId\":\"%s\"}"
#define DATE		"\"createdAt\":\"2026-01-01T00:00:00Z\",\"lastUpdatedAt\":\"2026-01-01T00:00:01Z\""

const char	tools_name[] = "tasking";

/* Seen by every process of this server. */
static struct tasks {
	atomic_uint	count;
	struct a_task {
		char		tool[16], tag[64], got[1024];
		long		until_ms;
		int		poll_ms;
		atomic_bool	cancelled, answered, asked;
	} task[TASKS_MAX];
} *tasks;

static const char *const names[] = { "may", "must", "ask", "fail", "wrong", "forever", "gone", "plain", "lie",
	"nameless", "heard", NULL };

static long
now_ms(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const char *
tools_capabilities(void)
{
	return modern ? "\"tools\":{},\"extensions\":{\"" EXTENSION "\":{}}" :
	    "\"tools\":{},\"tasks\":{\"list\":{},\"cancel\":{},\"requests\":{\"tools\":{\"call\":{}}}}";
}

void
tools_begin(void)
{
	tasks = mmap(NULL, sizeof(*tasks), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tasks == MAP_FAILED)
		exit(71);
}

void
tools_list(void)
{
	char	text[4096] = "", support[64];
	size_t	n = 0;

	for (int i = 0; names[i] != NULL; i++) {
		support[0] = '\0';
		if (!modern && strcmp(names[i], "plain") != 0 && strcmp(names[i], "heard") != 0)
			snprintf(support, sizeof(support), ",\"execution\":{\"taskSupport\":\"%s\"}",
			    strcmp(names[i], "may") == 0 ? "optional" : "required");
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s{\"name\":\"%s\",\"inputSchema\":{\"type\":\"object\"}%s}",
		    n > 0 ? "," : "", names[i], support);
	}
	answer("\"result\":{%s\"tools\":[%s]}",
	    modern ? "\"resultType\":\"complete\",\"ttlMs\":1000,\"cacheScope\":\"public\"," : "", text);
}

/* ---- what a task is ----------------------------------------------------------------------------- */

static const char *
id_of(const struct a_task *t)
{
	static char	id[64];

	snprintf(id, sizeof(id), "theirs-%zu", (size_t)(t - tasks->task));
	return id;
}

static bool
is(const struct a_task *t, const char *tool)
{
	return strcmp(t->tool, tool) == 0;
}

static const char *
status_of(const struct a_task *t)
{
	if (atomic_load(&t->cancelled))
		return "cancelled";
	if (is(t, "ask") && !atomic_load(&t->answered))
		return "input_required";
	if (is(t, "forever") || now_ms() < t->until_ms)
		return "working";
	if (is(t, "fail") || (!modern && is(t, "wrong")))
		return "failed";
	return "completed";
}

static bool
has_ended(const struct a_task *t)
{
	const char	*status = status_of(t);

	return status[0] == 'c' || status[0] == 'f';
}

/* Members of a result. */
static void
put_result(const struct a_task *t, char *text, size_t room)
{
	snprintf(text, room, "\"content\":[{\"type\":\"text\",\"text\":\"%s\"}],\"structuredContent\":{\"got\":%s}%s", t->tag,
	    t->got[0] == '\0' ? "null" : t->got, is(t, "wrong") ? ",\"isError\":true" : "");
}

/* Members of a task. */
static void
put_task(const struct a_task *t, char *text, size_t room)
{
	snprintf(text, room, "\"taskId\":\"%s\",\"status\":\"%s\",\"statusMessage\":\"%s %s\"," DATE ",\"%s\":60000,\"%s\":%d",
	    id_of(t), status_of(t), t->tool, status_of(t), modern ? "ttlMs" : "ttl", modern ? "pollIntervalMs" : "pollInterval",
	    t->poll_ms);
}

static struct a_task *
find(const struct asked_call *c)
{
	struct json_value	id = json_get(c->params, "taskId");
	size_t			i;
	char			text[64];

	if (id.type != JSON_STRING)
		return NULL;
	snprintf(text, sizeof(text), "%.*s", SPAN_FMT(span_part(id.raw, 1, id.raw.n - 2)));
	if (sscanf(text, "theirs-%zu", &i) != 1 || i >= TASKS_MAX || i >= atomic_load(&tasks->count) ||
	    is(&tasks->task[i], "gone"))
		return NULL;
	return &tasks->task[i];
}

/* ---- calls -------------------------------------------------------------------------------------- */

static int
number(const struct asked_call *c, const char *name, int otherwise)
{
	struct json_value	v = json_get(c->arguments, name);

	return v.type == JSON_NUMBER ? atoi(v.raw.p) : otherwise;
}

static struct a_task *
make(const struct asked_call *c)
{
	struct a_task		*t = &tasks->task[atomic_fetch_add(&tasks->count, 1) % TASKS_MAX];
	struct json_value	 tag = json_get(c->arguments, "tag");

	snprintf(t->tool, sizeof(t->tool), "%.*s", SPAN_FMT(c->name));
	snprintf(t->tag, sizeof(t->tag), "%.*s", SPAN_FMT(tag.type == JSON_STRING ?
	    span_part(tag.raw, 1, tag.raw.n - 2) : SPAN_LIT("nobody")));
	t->until_ms = now_ms() + number(c, "ms", 0);
	t->poll_ms = number(c, "poll", 50);
	return t;
}

static bool
wants_task(const struct asked_call *c)
{
	if (!modern)
		return json_get(c->params, "task").type == JSON_OBJECT;
	return json_get(json_get(json_get(json_get(c->params, "_meta"), "io.modelcontextprotocol/clientCapabilities"),
	    "extensions"), EXTENSION).type == JSON_OBJECT;
}

void
tools_call(const struct asked_call *c)
{
	char		 text[4096];
	struct a_task	*t;
	bool		 wants = wants_task(c);

	if (span_is(c->name, "heard")) {
		answer_heard();
		return;
	}
	if (span_is(c->name, "nameless")) {
		answer(modern ? "\"result\":{\"resultType\":\"task\",\"status\":\"working\"}" :
		    "\"result\":{\"task\":{\"status\":\"working\"}}");
		return;
	}
	t = make(c);
	if (span_is(c->name, "lie") || (wants && !span_is(c->name, "plain"))) {
		put_task(t, text, sizeof(text));
		answer(modern ? "\"result\":{\"resultType\":\"task\",%s}" : "\"result\":{\"task\":{%s}}", text);
	} else if (!wants && span_is(c->name, "may")) {
		put_result(t, text, sizeof(text));
		answer("\"result\":{%s%s}", modern ? "\"resultType\":\"complete\"," : "", text);
	} else if (!wants && !span_is(c->name, "plain")) {
		answer(modern ? "\"error\":{\"code\":-32021,\"message\":\"tasks only\",\"data\":{\"requiredCapabilities\":"
		    "{\"extensions\":{\"" EXTENSION "\":{}}}}}" : "\"error\":{\"code\":-32601,\"message\":\"tasks only\"}");
	} else {
		answer("\"result\":{%s\"content\":[{\"type\":\"text\",\"text\":\"plain\"}]}",
		    modern ? "\"resultType\":\"complete\"," : "");
	}
}

/* ---- what is asked about tasks ------------------------------------------------------------------ */

static void
answer_task(const struct a_task *t)
{
	char	text[2048], more[4096] = "", result[2048];

	put_task(t, text, sizeof(text));
	if (!modern) {
		answer("\"result\":{%s}", text);
		return;
	}
	put_result(t, result, sizeof(result));
	if (strcmp(status_of(t), "input_required") == 0)
		snprintf(more, sizeof(more), ",\"inputRequests\":{\"a\":{\"method\":\"elicitation/create\",\"params\":{"
		    "\"message\":\"for %s\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{}}}}}", t->tag);
	else if (strcmp(status_of(t), "completed") == 0)
		snprintf(more, sizeof(more), ",\"result\":{\"resultType\":\"complete\",%s}", result);
	else if (strcmp(status_of(t), "failed") == 0)
		snprintf(more, sizeof(more), ",\"error\":{\"code\":-32000,\"message\":\"it failed\"}");
	answer("\"result\":{\"resultType\":\"complete\",%s%s}", text, more);
}

/* Legacy: blocks to the end, and asks on the way. */
static void
answer_result(struct a_task *t)
{
	struct json_value	message;
	struct span		heard;
	unsigned		number_of;
	char			text[2048];

	if (is(t, "ask") && !atomic_exchange(&t->asked, true)) {
		number_of = ask_number();
		say("{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"elicitation/create\",\"params\":{\"message\":\"for %s\","
		    "\"requestedSchema\":{\"type\":\"object\",\"properties\":{}},\"_meta\":{" RELATED "}}}", number_of,
		    t->tag, id_of(t));
		if (hear(number_of, 20000, &heard) && json_parse(heard, false, &message, NULL) == 0)
			snprintf(t->got, sizeof(t->got), "%.*s", SPAN_FMT(json_get(message, "result").raw));
		atomic_store(&t->answered, true);
	}
	while (!has_ended(t))
		if (!pause_ms(20))
			return;
	put_result(t, text, sizeof(text));
	if (is(t, "fail"))
		answer("\"error\":{\"code\":-32000,\"message\":\"it failed\"}");
	else if (atomic_load(&t->cancelled))
		answer("\"error\":{\"code\":-32000,\"message\":\"it was cancelled\"}");
	else
		answer("\"result\":{%s,\"_meta\":{" RELATED "}}", text, id_of(t));
}

static void
take_update(const struct asked_call *c, struct a_task *t)
{
	struct json_value	a = json_get(json_get(c->params, "inputResponses"), "a");

	if (a.type == JSON_OBJECT) {
		snprintf(t->got, sizeof(t->got), "%.*s", SPAN_FMT(a.raw));
		atomic_store(&t->answered, true);
	}
	answer("\"result\":{\"resultType\":\"complete\"}");
}

static void
take_cancel(struct a_task *t)
{
	if (!modern && has_ended(t)) {
		answer("\"error\":{\"code\":-32602,\"message\":\"%s has ended\"}", id_of(t));
		return;
	}
	if (!has_ended(t))
		atomic_store(&t->cancelled, true);
	if (modern)
		answer("\"result\":{\"resultType\":\"complete\"}");
	else
		answer_task(t);
}

bool
tools_other(const struct asked_call *c, struct json_value method)
{
	struct a_task	*t = find(c);

	if (!json_is(method, "tasks/get") && !json_is(method, "tasks/cancel") &&
	    !json_is(method, modern ? "tasks/update" : "tasks/result"))
		return false;
	if (t == NULL)
		answer("\"error\":{\"code\":-32602,\"message\":\"no task %.*s\"}",
		    (int)json_get(c->params, "taskId").raw.n - 2, json_get(c->params, "taskId").raw.p + 1);
	else if (json_is(method, "tasks/get"))
		answer_task(t);
	else if (json_is(method, "tasks/cancel"))
		take_cancel(t);
	else if (modern)
		take_update(c, t);
	else
		answer_result(t);
	return true;
}
