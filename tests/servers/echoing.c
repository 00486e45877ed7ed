/* SPDX-License-Identifier: Apache-2.0
 *
 * echoing.c - a server whose tools answer with what they were called by: echoing-server [WORD...]
 *
 *   modern   speaks 2026-07-28 alone; else 2025-11-25 alone
 *   http     on a free port of the loopback, which is the only line on stdout, until the parent dies; else over stdin
 *            and stdout
 *   bare     knows tools/call and nothing else of MCP, and answers with an object of its own
 *
 * An answer is the request's head, for HTTP, and its params, as text.  Tools: query, plain, and other.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/json.h"

#define META	"\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"echoing\",\"version\":\"1\"}}"
#define TOOLS	"\"tools\":[{\"name\":\"query\",\"description\":\"Its own words.\",\"annotations\":{\"readOnlyHint\":true,"	\
	"\"openWorldHint\":true},\"inputSchema\":{\"type\":\"object\",\"properties\":{\"sql\":{\"type\":\"string\"},"		\
	"\"limit\":{\"type\":\"integer\",\"x-mcp-header\":\"Limit\",\"default\":5},\"mode\":{\"type\":\"string\","		\
	"\"x-mcp-header\":\"Mode\"}},\"required\":[\"sql\",\"mode\",\"limit\"]}},"						\
	"{\"name\":\"plain\",\"inputSchema\":{\"type\":\"object\"}},{\"name\":\"other\",\"inputSchema\":{\"type\":\"object\"}}]"

static bool	 modern, http, bare;
static FILE	*out;

static void
put(const char *result)
{
	if (modern)
		fprintf(out, "\"result\":{\"resultType\":\"complete\"," META ",%s}}\n", result);
	else
		fprintf(out, "\"result\":{%s}}\n", result);
}

static void
put_echo(struct json_value params, const char *head)
{
	struct buf	text, json;

	buf_init(&text, 1 << 20);
	buf_init(&json, 8 << 20);
	if (buf_put_fmt(&text, "%s%.*s", head, SPAN_FMT(params.raw)) != 0 || json_put_string(&json, buf_rest(&text)) != 0)
		exit(70);
	if (bare)
		fprintf(out, "\"result\":{\"said\":%.*s}}\n", SPAN_FMT(buf_rest(&json)));
	else
		fprintf(out, "\"result\":{%s\"content\":[{\"type\":\"text\",\"text\":%.*s}]}}\n",
		    modern ? "\"resultType\":\"complete\"," META "," : "", SPAN_FMT(buf_rest(&json)));
	buf_fini(&text);
	buf_fini(&json);
}

static void
answer(struct span line, const char *head)
{
	struct json_value	message, id, method;

	if (json_parse(line, false, &message, NULL) != 0 || (id = json_get(message, "id")).type == JSON_NONE)
		return;
	method = json_get(message, "method");
	fprintf(out, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,", SPAN_FMT(id.raw));
	if (json_is(method, "tools/call") && json_is(json_get(json_get(message, "params"), "name"), "other"))
		fprintf(out, "\"error\":{\"code\":-32003,\"message\":\"as you wish\"}}\n");
	else if (json_is(method, "tools/call"))
		put_echo(json_get(message, "params"), head);
	else if (!bare && json_is(method, "tools/list"))
		put(modern ? TOOLS ",\"ttlMs\":0,\"cacheScope\":\"private\"" : TOOLS);
	else if (!bare && !modern && json_is(method, "initialize"))
		put("\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"echoing\","
		    "\"version\":\"1\"}");
	else if (modern && json_is(method, "server/discover"))
		put("\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},\"ttlMs\":0,"
		    "\"cacheScope\":\"private\"");
	else
		fprintf(out, "\"error\":{\"code\":-32601,\"message\":\"no such method\"}}\n");
}

/* --- over stdin, over HTTP -------------------------------------------------------------------- */

static void
serve_stdin(void)
{
	char	*line = NULL;
	size_t	 room = 0;
	ssize_t	 n;

	out = stdout;
	while ((n = getline(&line, &room, stdin)) > 0) {
		answer(span_make(line, (size_t)n - (line[n - 1] == '\n')), "");
		fflush(out);
	}
	free(line);
}

static void
serve_one(int fd)
{
	static char	 text[1 << 20], head[64 * 1024];
	size_t		 used = 0, want = 0;
	char		*body = NULL, *length, *said = NULL;
	size_t		 said_bytes = 0;
	ssize_t		 n;

	while (body == NULL || used - (size_t)(body - text) < want) {
		if (used == sizeof(text) - 1 || (n = read(fd, text + used, sizeof(text) - 1 - used)) <= 0)
			return;
		used += (size_t)n;
		text[used] = '\0';
		if (body == NULL && (body = strstr(text, "\r\n\r\n")) != NULL) {
			body += 4;
			length = strcasestr(text, "\r\nContent-Length:");
			want = length == NULL ? 0 : strtoul(length + 17, NULL, 10);
		}
	}
	snprintf(head, sizeof(head), "%.*s", (int)(body - text), text);
	if ((out = open_memstream(&said, &said_bytes)) == NULL)
		exit(71);
	if (strncmp(text, "POST ", 5) == 0)
		answer(span_make(body, want), head);
	fclose(out);
	dprintf(fd, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
	    strncmp(text, "POST ", 5) != 0 ? "405 No" : said_bytes > 0 ? "200 OK" : "202 Accepted", said_bytes, said);
	free(said);
}

static void
serve_http(void)
{
	struct sockaddr_in	at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		n = sizeof(at);
	int			fd, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGPIPE, SIG_IGN);
	if (listener == -1 || bind(listener, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    listen(listener, 512) == -1 || getsockname(listener, (struct sockaddr *)&at, &n) == -1)
		exit(71);
	printf("%u\n", ntohs(at.sin_port));
	fflush(stdout);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) != -1) {
		serve_one(fd);
		close(fd);
	}
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		modern = modern || strcmp(argv[i], "modern") == 0;
		http = http || strcmp(argv[i], "http") == 0;
		bare = bare || strcmp(argv[i], "bare") == 0;
	}
	if (http)
		serve_http();
	else
		serve_stdin();
	return 0;
}
