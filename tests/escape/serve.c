/* SPDX-License-Identifier: Apache-2.0
 *
 * serve.c - the attempts as an MCP stdio server: escaping-server FOLDER PORT ADDRESS
 *
 * One tool, `attempt`, with one argument, `name`; its result's text is what the attempt came to, as attempt.c
 * prints it.  An attempt is made by this very process, since not every tier can fork: one that is killed is a
 * server that died.
 *
 * Process: the tool in a jail of its own.  Owns: what it breaks.  Trusts: nobody.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/json.h"
#include "tests/escape/attempts.h"

#define PATIENCE_S	15

struct outside	outside;

static const struct {
	const char	*name;
	int		(*run)(void);
} attempts[] = {
#define ATTEMPT(name, row, runtime, strict, off, layers, landlock, what) { #name, try_##name },
#include "tests/escape/attempts.def"
#undef ATTEMPT
};

static void
answer(struct span id, const char *text)
{
	printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]}}\n",
	    SPAN_FMT(id), text);
	fflush(stdout);
}

static void
on_call(struct span id, struct json_value name)
{
	char	said[ESCAPE_SAID] = "no such attempt";

	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		int r;

		if (!json_is(name, attempts[i].name))
			continue;
		alarm(PATIENCE_S);
		r = attempts[i].run();
		alarm(0);
		if (r > 0)
			snprintf(said, sizeof(said), "denied:%d", r);
		else
			snprintf(said, sizeof(said), "%s", r == LIMITED_AT ? "limited" : "ALLOWED");
	}
	answer(id, said);
}

static void
on_request(struct span id, struct json_value method, struct json_value params)
{
	if (json_is(method, "tools/call")) {
		on_call(id, json_get(json_get(params, "arguments"), "name"));
		return;
	}
	printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,", SPAN_FMT(id));
	if (json_is(method, "initialize"))
		printf("\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"
		    "\"serverInfo\":{\"name\":\"escaping\",\"version\":\"1\"}}}\n");
	else if (json_is(method, "tools/list"))
		printf("\"result\":{\"tools\":[{\"name\":\"attempt\",\"inputSchema\":{\"type\":\"object\","
		    "\"properties\":{\"name\":{\"type\":\"string\"}},\"required\":[\"name\"]}}]}}\n");
	else
		printf("\"error\":{\"code\":-32601,\"message\":\"unknown\"}}\n");
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct json_value	message;
	struct span		id;
	char			*line = NULL;
	size_t			 room = 0;
	ssize_t			 n;

	if (argc != 4) {
		fprintf(stderr, "usage: escaping-server FOLDER PORT ADDRESS\n");
		return 64;
	}
	outside = (struct outside){ argv[1], (uint16_t)strtoul(argv[2], NULL, 10), argv[3] };
	while ((n = getline(&line, &room, stdin)) > 0) {
		if (json_parse(span_make(line, (size_t)n - (line[n - 1] == '\n')), true, &message, NULL) != 0)
			return 65;
		id = json_get(message, "id").raw;
		if (id.n > 0)
			on_request(id, json_get(message, "method"), json_get(message, "params"));
	}
	free(line);
	return 0;
}
