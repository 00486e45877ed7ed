/* SPDX-License-Identifier: Apache-2.0
 *
 * asking_tools.c - the tools of asking-server
 *
 * A tool that asks gives back what it got: structuredContent.got, an array of the client's answers in the
 * legacy era, inputResponses in the modern one; there `state` too, which came with them.  A legacy one that
 * gets an error says isError.  Arguments: "tag" stands in the message of what is asked; "n", "ms" numbers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/servers/asking.h"

#define HEAR_MS	60000

/* Params of what is asked; %s is the tag, if there is one. */
#define FORM		"{\"message\":\"for %s\",\"requestedSchema\":{\"type\":\"object\",\"properties\":"	\
	"{\"tag\":{\"type\":\"string\"}}}}"
#define URL		"{\"mode\":\"url\",\"message\":\"for %s\",\"url\":\"https://example.org/%s\"%s}"
#define SAMPLING	"{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"%s\"}}],"	\
	"\"maxTokens\":10,\"includeContext\":\"thisServer\"%s}"

const char	tools_name[] = "asking";

static const struct asked_call	*now;

static const char *
tag(void)
{
	static char		text[128];
	struct json_value	v = json_get(now->arguments, "tag");

	if (v.type != JSON_STRING)
		return "nobody";
	snprintf(text, sizeof(text), "%.*s", SPAN_FMT(span_part(v.raw, 1, v.raw.n - 2)));
	return text;
}

static int
number(const char *name, int otherwise)
{
	struct json_value	v = json_get(now->arguments, name);

	return v.type == JSON_NUMBER ? atoi(v.raw.p) : otherwise;
}

static void
answer_text(const char *text)
{
	answer("\"result\":{%s\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]}", modern ? "\"resultType\":\"complete\"," : "",
	    text);
}

/* method and params of one question, by the last word of a tool's name. */
static void
question(const char *kind, char *text, size_t room)
{
	static const char	head[] = "\"method\":\"%s\"%s";
	char			params[1024] = ",\"params\":";
	size_t			at = strlen(params), left = sizeof(params) - at;
	const char		*method = "elicitation/create";

	if (strcmp(kind, "url") == 0) {
		snprintf(params + at, left, URL, tag(), tag(), modern ? "" : ",\"elicitationId\":\"theirs\"");
	} else if (strcmp(kind, "sampling") == 0 || strcmp(kind, "tools") == 0) {
		method = "sampling/createMessage";
		snprintf(params + at, left, SAMPLING, tag(), strcmp(kind, "tools") == 0 ? ",\"tools\":[]" : "");
	} else if (strcmp(kind, "roots") == 0) {
		method = "roots/list";
		params[0] = '\0';
	} else {
		snprintf(params + at, left, FORM, tag());
	}
	snprintf(text, room, head, method, params);
}

/* ---- legacy ------------------------------------------------------------------------------------- */

static unsigned
ask(const char *kind)
{
	char		text[2048];
	unsigned	id = ask_number();

	question(kind, text, sizeof(text));
	say("{\"jsonrpc\":\"2.0\",\"id\":%u,%s}", id, text);
	return id;
}

/* What the tool got. */
static char	got[16384];
static bool	got_error;

static bool
await(unsigned id)
{
	struct json_value	message, value;
	struct span		text;
	size_t			n = strlen(got);

	if (!hear(id, HEAR_MS, &text))
		return false;
	if (json_parse(text, false, &message, NULL) != 0)
		return false;
	if ((value = json_get(message, "result")).type == JSON_NONE) {
		got_error = true;
		value = json_get(message, "error");
	}
	snprintf(got + n, sizeof(got) - n, "%s%.*s", n > 0 ? "," : "", SPAN_FMT(value.raw));
	return true;
}

static void
answer_got(void)
{
	answer("\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"done\"}],\"structuredContent\":{\"got\":[%s]}%s}",
	    got, got_error ? ",\"isError\":true" : "");
}

static void
withdraw(unsigned id)
{
	say("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":%u}}", id);
}

static void
legacy(const char *name)
{
	unsigned	first, second;

	if (strcmp(name, "ask_two") == 0) {
		first = ask("form");
		second = ask("sampling");
		if (await(first) && await(second))
			answer_got();
	} else if (strcmp(name, "ask_twice") == 0) {
		if (await(ask("form")) && await(ask("form")))
			answer_got();
	} else if (strcmp(name, "ask_late") == 0) {
		first = ask("form");
		if (pause_ms(200) && await((second = ask("form"), first)) && await(second))
			answer_got();
	} else if (strcmp(name, "ask_work") == 0) {
		if (await(ask("form")) && pause_ms(number("ms", 400)))
			answer_got();
	} else if (strcmp(name, "withdraw") == 0) {
		first = ask("form");
		if (!pause_ms(200))
			return;
		withdraw(first);
		if (pause_ms(200))
			answer_text("withdrawn");
	} else if (strcmp(name, "withdraw_one") == 0) {
		first = ask("form");
		second = ask("form");
		if (pause_ms(200) && (withdraw(first), await(second)))
			answer_got();
	} else if (strcmp(name, "finish") == 0) {
		(void)ask("form");
		if (pause_ms(number("ms", 200)))
			answer_text("finished");
	} else if (strcmp(name, "urls") == 0) {
		if (urls_count() % 2 == 1)
			answer_text("visited");
		else
			answer("\"error\":{\"code\":-32042,\"message\":\"visit\",\"data\":{\"elicitations\":[{\"mode\":\"url\","
			    "\"elicitationId\":\"e1\",\"url\":\"https://example.org/1\",\"message\":\"first\"},{\"mode\":"
			    "\"url\",\"elicitationId\":\"e2\",\"url\":\"https://example.org/2\",\"message\":\"second\"}]}}");
	} else if (await(ask(strrchr(name, '_') + 1))) {
		answer_got();
	}
}

/* ---- modern ------------------------------------------------------------------------------------- */

/* A state that is easily spoilt on its way: escapes and spaces, which must come back as they went. */
#define STATE	"\"%s \\u00e9\\/\\\" \xc3\xa9\""

static void
input_required(const char *kinds, const char *state)
{
	char	text[4096], words[128], one[2048], key = 'a';
	char	*save = NULL;
	size_t	n = 0;

	text[0] = '\0';
	snprintf(words, sizeof(words), "%s", kinds);
	for (char *w = strtok_r(words, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save), key++) {
		question(w, one, sizeof(one));
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\"%c\":{%s}", n > 0 ? "," : "", key, one);
	}
	answer("\"result\":{\"resultType\":\"input_required\"%s%s%s,\"requestState\":" STATE "}",
	    n > 0 ? ",\"inputRequests\":{" : "", text, n > 0 ? "}" : "", state);
}

static void
modern_got(struct json_value responses, struct json_value state)
{
	answer("\"result\":{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"done\"}],"
	    "\"structuredContent\":{\"got\":%.*s,\"state\":%.*s}}",
	    SPAN_FMT(responses.type == JSON_NONE ? SPAN_LIT("null") : responses.raw),
	    SPAN_FMT(state.type == JSON_NONE ? SPAN_LIT("null") : state.raw));
}

static void
modern_one(const char *name)
{
	struct json_value	responses = json_get(now->params, "inputResponses");
	struct json_value	state = json_get(now->params, "requestState");
	bool			second = state.type == JSON_STRING && strncmp(state.raw.p, "\"two", 4) == 0;

	if (strcmp(name, "missing") == 0)
		answer("\"error\":{\"code\":-32021,\"message\":\"needs more\",\"data\":{\"requiredCapabilities\":"
		    "{\"elicitation\":{\"url\":{}}}}}");
	else if (strcmp(name, "endless_rounds") == 0)
		input_required("", "more");
	else if (strcmp(name, "bad_entry") == 0)
		answer("\"result\":{\"resultType\":\"input_required\",\"inputRequests\":{\"a\":5}}");
	else if (strcmp(name, "bare") == 0)
		answer("\"result\":{\"resultType\":\"input_required\"}");
	else if (strcmp(name, "ask_twice") == 0 && state.type != JSON_NONE && !second)
		input_required("form", "two");
	else if (state.type != JSON_NONE)
		modern_got(responses, state);
	else if (strcmp(name, "state_only") == 0)
		input_required("", "one");
	else if (strcmp(name, "ask_two") == 0)
		input_required("form sampling", "one");
	else if (strcmp(name, "ask_twice") == 0)
		input_required("form", "one");
	else
		input_required(strrchr(name, '_') + 1, "one");
}

/* ---- both ---------------------------------------------------------------------------------------- */

/* "n" notes, then some that may not reach the client, then the result, then one more. */
static void
progress(void)
{
	static const char	note[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
	    "\"progressToken\":%.*s,\"progress\":%d,\"total\":9,\"message\":\"at %d\",\"x\":[1, 2]}}";
	struct span		token = now->token.type == JSON_NONE ? SPAN_LIT("4711") : now->token.raw;
	int			n = number("n", 3);

	for (int i = 1; i <= n; i++)
		say(note, SPAN_FMT(token), i, i);
	say(note, SPAN_FMT(token), n, n);
	say(note, SPAN_FMT(token), 1, 1);
	say(note, SPAN_FMT(SPAN_LIT("\"somebody\"")), n + 1, n + 1);
	answer_text("done");
	say(note, SPAN_FMT(token), n + 2, n + 2);
}

/* "n" notes, "ms" between them, then the result. */
static void
steps(void)
{
	struct span	token = now->token.type == JSON_NONE ? SPAN_LIT("4711") : now->token.raw;

	for (int i = 1; i <= number("n", 4); i++) {
		if (i > 1 && !pause_ms(number("ms", 200)))
			return;
		say("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":%.*s,"
		    "\"progress\":%d}}", SPAN_FMT(token), i);
	}
	answer_text("done");
}

static void
logs(void)
{
	static const char *const	levels[] = { "debug", "info", "warning", "error", "loud" };

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		say("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"%s\",\"logger\":\"l\","
		    "\"data\":{\"a\": [\"%s\"]}}}", levels[i], levels[i]);
	answer_text("done");
}

static const char *const	names[] = { "progress", "steps", "log", "slow", "quiet", "heard", "ask_form", "ask_url", "ask_sampling",
	"ask_tools", "ask_roots", "ask_twice", "ask_two", "ask_late", "ask_work", "withdraw", "withdraw_one", "finish", "urls", "missing",
	"state_only", "endless_rounds", "bad_entry", "bare" };

void
tools_list(void)
{
	char	text[8192];
	size_t	n = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s{\"name\":\"%s\",\"inputSchema\":{\"type\":\"object\"}}",
		    i > 0 ? "," : "", names[i]);
	answer("\"result\":{%s\"tools\":[%s]}", modern ? "\"resultType\":\"complete\",\"ttlMs\":1000,\"cacheScope\":\"public\"," :
	    "", text);
}

void
tools_call(const struct asked_call *c)
{
	char	name[64];
	bool	known = false;

	now = c;
	got[0] = '\0';
	got_error = false;
	snprintf(name, sizeof(name), "%.*s", SPAN_FMT(c->name));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		known |= strcmp(name, names[i]) == 0;
	if (!known) {
		answer("\"error\":{\"code\":-32602,\"message\":\"no such tool\"}");
	} else if (strcmp(name, "progress") == 0) {
		progress();
	} else if (strcmp(name, "steps") == 0) {
		steps();
	} else if (strcmp(name, "log") == 0) {
		logs();
	} else if (strcmp(name, "heard") == 0) {
		answer_heard();
	} else if (strcmp(name, "quiet") == 0) {
		answer_text("quiet");
	} else if (strcmp(name, "slow") == 0) {
		if (pause_ms(number("ms", 3000)))
			answer_text("slow");
	} else if (modern) {
		modern_one(name);
	} else {
		legacy(name);
	}
}

const char *
tools_capabilities(void)
{
	return "\"tools\":{},\"logging\":{}";
}

void
tools_begin(void)
{
}

bool
tools_other(const struct asked_call *c, struct json_value method)
{
	(void)c;
	(void)method;
	return false;
}
