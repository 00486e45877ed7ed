/* SPDX-License-Identifier: Apache-2.0
 *
 * guarded.c - an MCP server that wants tokens, and the authorization server that gives them: guarded-server LOG LIFETIME_S
 *
 * Prints its port of 127.0.0.1 on the first line of stdout and serves until its parent dies, one request after the other.
 * Each request becomes a line of LOG: its head, line ends as blanks, and its body.  A browser that comes to /authorize
 * is sent back at once.  Access tokens are access-N, refresh tokens refresh-N, each good once; /revoke ends the access
 * tokens that were given, /end the refresh tokens, and from /more on calls want the scope "more".  A client ends its own
 * tokens at /revocation.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/servers/loopback.h"

static unsigned		port;
static const char	*log_path;
static unsigned		lifetime_s, given, refresh, first_good = 1, first_refresh = 1, scoped;
static bool		wants_more, asked_more;	/* asked_more: by the last browser */

static void
note(const char *request)
{
	char	*line = strdup(request);
	int	 fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	for (char *p = line; *p != '\0'; p++)
		if (*p == '\r' || *p == '\n')
			*p = ' ';
	if (fd == -1 || dprintf(fd, "%s\n", line) < 0)
		exit(1);
	close(fd);
	free(line);
}

static void
say(int fd, const char *status, const char *fields, const char *body)
{
	dprintf(fd, "HTTP/1.1 %s\r\n%sContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
	    status, fields, strlen(body), body);
}

static void
say_challenge(int fd, const char *status, const char *more)
{
	char	fields[512];

	snprintf(fields, sizeof(fields), "WWW-Authenticate: Bearer resource_metadata=\"http://127.0.0.1:%u"
	    "/.well-known/oauth-protected-resource/mcp\"%s\r\n", port, more);
	say(fd, status, fields, "{}");
}

static void
give(int fd, const char *body)
{
	char		text[512];
	const char	*at = strstr(body, "refresh_token=refresh-");
	bool		renews = strstr(body, "grant_type=refresh_token") != NULL;

	if (renews && (at == NULL || strtoul(at + 22, NULL, 10) != refresh || refresh < first_refresh)) {
		say(fd, "400 Bad Request", "", "{\"error\":\"invalid_grant\"}");
		return;
	}
	given++;
	if (strstr(body, "more") != NULL || (asked_more && strstr(body, "code_verifier") != NULL))
		scoped = given;
	snprintf(text, sizeof(text), "{\"access_token\":\"access-%u\",\"token_type\":\"Bearer\",\"expires_in\":%u", given,
	    lifetime_s);
	if (strstr(body, "client_credentials") == NULL)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ",\"refresh_token\":\"refresh-%u\"", ++refresh);
	strcat(text, "}");
	say(fd, "200 OK", "", text);
}

/* RFC 7009, 2.2: one that is not known is as one that has ended. */
static void
end_token(int fd, const char *request, const char *body)
{
	const char	*at;

	if (strcasestr(request, "\r\nAuthorization: Basic ") == NULL) {
		say(fd, "401 Unauthorized", "", "{\"error\":\"invalid_client\"}");
		return;
	}
	if ((at = strstr(body, "token=refresh-")) != NULL && strtoul(at + 14, NULL, 10) == refresh)
		first_refresh = refresh + 1;
	if ((at = strstr(body, "token=access-")) != NULL && strtoul(at + 13, NULL, 10) == given)
		first_good = given + 1;
	say(fd, "200 OK", "", "");
}

static void
decode(char *s)
{
	char	*to = s;

	for (; *s != '\0'; s++)
		if (s[0] == '%' && s[1] != '\0' && s[2] != '\0') {
			*to++ = (char)strtoul((char[]){ s[1], s[2], '\0' }, NULL, 16);
			s += 2;
		} else {
			*to++ = *s;
		}
	*to = '\0';
}

static void
authorize(int fd, const char *query)
{
	const char	*at = strstr(query, "redirect_uri="), *state = strstr(query, "state=");
	char		 uri[256] = "", fields[1024];

	if (at == NULL || state == NULL) {
		say(fd, "400 Bad Request", "", "{}");
		return;
	}
	asked_more = strstr(query, "more") != NULL;
	snprintf(uri, sizeof(uri), "%.*s", (int)strcspn(at + 13, "& "), at + 13);
	decode(uri);
	snprintf(fields, sizeof(fields), "Location: %s?code=the-code&%.*s&iss=http%%3A%%2F%%2F127.0.0.1%%3A%u\r\n", uri,
	    (int)strcspn(state, "& "), state, port);
	say(fd, "302 Found", fields, "");
}

static void
serve_mcp(int fd, const char *request, const char *body)
{
	const char	*at = strcasestr(request, "\r\nAuthorization: Bearer access-");
	unsigned long	 n = at == NULL ? 0 : strtoul(at + 31, NULL, 10);
	const char	*id = strstr(body, "\"id\":");
	char		 text[1024], value[64] = "null";

	if (n < first_good || n > given || given == 0) {
		say_challenge(fd, "401 Unauthorized", at == NULL ? ", scope=\"base\"" : ", error=\"invalid_token\", scope=\"base\"");
		return;
	}
	if (id != NULL)
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(id + 5, ",}"), id + 5);
	if (strncmp(request, "POST", 4) != 0) {
		say(fd, "405 Method Not Allowed", "", "{}");
	} else if (id == NULL) {
		say(fd, "202 Accepted", "", "");
	} else if (strstr(body, "\"initialize\"") != NULL) {
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"protocolVersion\":\"2025-11-25\","
		    "\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"guarded\",\"version\":\"1\"}}}", value);
		say(fd, "200 OK", "", text);
	} else if (strstr(body, "\"tools/list\"") != NULL) {
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"tools\":[{\"name\":\"open\","
		    "\"inputSchema\":{\"type\":\"object\"}}]}}", value);
		say(fd, "200 OK", "", text);
	} else if (strstr(body, "\"tools/call\"") != NULL && wants_more && n != scoped) {
		say_challenge(fd, "403 Forbidden", ", error=\"insufficient_scope\", scope=\"more\"");
	} else if (strstr(body, "\"tools/call\"") != NULL) {
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":[{\"type\":\"text\","
		    "\"text\":\"opened with %lu\"}]}}", value, n);
		say(fd, "200 OK", "", text);
	} else {
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":-32601,\"message\":\"no\"}}",
		    value);
		say(fd, "200 OK", "", text);
	}
}

static void
serve(int fd)
{
	static char	request[LOOPBACK_REQUEST_MAX];
	char		text[1024];
	size_t		head = 0;
	const char	*target;

	if (!loopback_read(fd, request, sizeof(request), &head))
		return;
	note(request);
	target = strchr(request, ' ') + 1;
	if (strncmp(target, "/mcp", 4) == 0) {
		serve_mcp(fd, request, request + head);
	} else if (strncmp(target, "/.well-known/oauth-protected-resource/mcp ", 42) == 0) {
		snprintf(text, sizeof(text), "{\"resource\":\"http://127.0.0.1:%u/mcp\",\"authorization_servers\":"
		    "[\"http://127.0.0.1:%u\"]}", port, port);
		say(fd, "200 OK", "", text);
	} else if (strncmp(target, "/.well-known/oauth-authorization-server ", 40) == 0) {
		snprintf(text, sizeof(text), "{\"issuer\":\"http://127.0.0.1:%u\",\"token_endpoint\":\"http://127.0.0.1:%u/token\","
		    "\"authorization_endpoint\":\"http://127.0.0.1:%u/authorize\",\"code_challenge_methods_supported\":[\"S256\"],"
		    "\"authorization_response_iss_parameter_supported\":true,"
		    "\"revocation_endpoint\":\"http://127.0.0.1:%u/revocation\","
		    "\"token_endpoint_auth_methods_supported\":[\"client_secret_basic\",\"none\"]}", port, port, port, port);
		say(fd, "200 OK", "", text);
	} else if (strncmp(target, "/authorize?", 11) == 0) {
		authorize(fd, target + 11);
	} else if (strncmp(target, "/token ", 7) == 0) {
		give(fd, request + head);
	} else if (strncmp(target, "/revocation ", 12) == 0) {
		end_token(fd, request, request + head);
	} else if (strncmp(target, "/revoke ", 8) == 0) {
		first_good = given + 1;
		say(fd, "200 OK", "", "{}");
	} else if (strncmp(target, "/end ", 5) == 0) {
		first_refresh = refresh + 1;
		say(fd, "200 OK", "", "{}");
	} else if (strncmp(target, "/more ", 6) == 0) {
		wants_more = true;
		say(fd, "200 OK", "", "{}");
	} else {
		say(fd, "404 Not Found", "", "{}");
	}
}

int
main(int argc, char **argv)
{
	char	rest[4096];
	int	fd, c;

	if (argc != 3)
		return 64;
	log_path = argv[1];
	lifetime_s = (unsigned)strtoul(argv[2], NULL, 10);
	fd = loopback_begin(&port);
	while ((c = accept(fd, NULL, NULL)) != -1) {
		/* Whoever connects only to see whether it can says nothing. */
		setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_sec = 2 }, sizeof(struct timeval));
		serve(c);
		shutdown(c, SHUT_WR);
		while (read(c, rest, sizeof(rest)) > 0)
			;
		close(c);
	}
	return 0;
}
