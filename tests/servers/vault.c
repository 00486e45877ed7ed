/* SPDX-License-Identifier: Apache-2.0
 *
 * vault.c - a vault as its HTTP API has it, for KV engines of both versions: vault-server FOLDER
 *
 * Prints its port of 127.0.0.1 on the first line of stdout and serves until its parent dies, one request after the other.
 * FOLDER has what it knows, and is read for each request:
 *   mounts		a line each: MOUNT/ TYPE VERSION
 *   data,MOUNT,PATH	the fields, a JSON object
 *   token		the token that is let in, and a line with the seconds it has (0: no end)
 *   role		ROLE SECRET SECONDS: an AppRole; its tokens are role-token-N
 *   namespace		the one that has to be named, when the file is there
 *   sealed		while it is there, 503; ended: role tokens up to the number in it are refused
 *   quiet		while it is there, nothing is known of mounts (404)
 *   active		a standby's: the url of the active one, to which requests are sent on (307)
 * FOLDER/log gets a line for each request: method, target, and the name of the token's kind.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/servers/loopback.h"

#define TEXT_MAX	8192

static const char	*folder;
static unsigned		given;		/* tokens of the role */

/* FOLDER/name, without its last line end; NULL: it is not there. */
static char *
known(const char *name)
{
	static char	text[4][TEXT_MAX];
	static unsigned	turn;
	char		path[1024], *to = text[turn++ % 4];
	size_t		n;
	FILE		*f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if ((f = fopen(path, "r")) == NULL)
		return NULL;
	n = fread(to, 1, TEXT_MAX - 1, f);
	fclose(f);
	while (n > 0 && to[n - 1] == '\n')
		n--;
	to[n] = '\0';
	return to;
}

static bool
header(const char *request, const char *name, char *to, size_t room)
{
	char		 line[64];
	const char	*at;

	snprintf(line, sizeof(line), "\r\n%s: ", name);
	to[0] = '\0';
	if ((at = strcasestr(request, line)) == NULL)
		return false;
	at += strlen(line);
	snprintf(to, room, "%.*s", (int)strcspn(at, "\r"), at);
	return true;
}

static void
say(int fd, const char *status, const char *body)
{
	dprintf(fd, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: %zu\r\n"
	    "Connection: close\r\n\r\n%s", status, strlen(body), body);
}

static void
say_error(int fd, const char *status, const char *why)
{
	char	body[512];

	snprintf(body, sizeof(body), *why == '\0' ? "{\"errors\":[]}" : "{\"errors\":[\"%s\"]}", why);
	say(fd, status, body);
}

static void
note(const char *request, const char *kind)
{
	char	path[1024];
	int	fd;

	snprintf(path, sizeof(path), "%s/log", folder);
	if ((fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600)) == -1 ||
	    dprintf(fd, "%.*s %s\n", (int)strcspn(request, "\r") - 9, request, kind) < 0)
		exit(1);
	close(fd);
}

/* Its own header, or a Bearer credential: either does, as there.  What kind of token it is; NULL: it is none. */
static const char *
let_in(const char *request)
{
	char	token[TEXT_MAX], *ours = known("token"), *ended = known("ended");

	if (!header(request, "X-Vault-Token", token, sizeof(token)) && (!header(request, "Authorization", token,
	    sizeof(token)) || strncmp(token, "Bearer ", 7) != 0))
		return NULL;
	if (strncmp(token, "Bearer ", 7) == 0)
		memmove(token, token + 7, strlen(token + 7) + 1);
	if (ours != NULL && strlen(token) == strcspn(ours, "\n") && strncmp(token, ours, strlen(token)) == 0)
		return "token";
	if (strncmp(token, "role-token-", 11) != 0 || (unsigned)atoi(token + 11) > given || atoi(token + 11) < 1)
		return NULL;
	return ended != NULL && atoi(token + 11) <= atoi(ended) ? NULL : "role";
}

static long
seconds(const char *kind)
{
	const char	*text = known(strcmp(kind, "role") == 0 ? "role" : "token"), *at;

	if (text == NULL)
		return 0;
	at = strcmp(kind, "role") == 0 ? strrchr(text, ' ') : strchr(text, '\n');
	return at == NULL ? 0 : atol(at + 1);
}

static void
log_in(int fd, const char *body)
{
	const char	*role = known("role");
	char		 id[256], secret[256], want[600], text[512];

	if (role == NULL || sscanf(role, "%255s %255s", id, secret) != 2) {
		say_error(fd, "400 Bad Request", "missing role");
		return;
	}
	snprintf(want, sizeof(want), "{\"role_id\":\"%s\",\"secret_id\":\"%s\"}", id, secret);
	if (strcmp(body, want) != 0) {
		say_error(fd, "400 Bad Request", "invalid role or secret ID");
		return;
	}
	snprintf(text, sizeof(text), "{\"auth\":{\"client_token\":\"role-token-%u\",\"lease_duration\":%ld,\"renewable\":true}}",
	    ++given, seconds("role"));
	say(fd, "200 OK", text);
}

static void
say_mount(int fd, const char *path)
{
	char	*line = known("mounts"), mount[256], type[64], version[16], text[512];

	for (; known("quiet") == NULL && line != NULL && *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
		if (sscanf(line, "%255s %63s %15s", mount, type, version) != 3 || strncmp(path, mount, strlen(mount)) != 0)
			continue;
		snprintf(text, sizeof(text), "{\"data\":{\"path\":\"%s\",\"type\":\"%s\",\"options\":{\"version\":\"%s\"}}}", mount,
		    type, version);
		say(fd, "200 OK", text);
		return;
	}
	if (known("quiet") != NULL)
		say_error(fd, "404 Not Found", "");
	else
		say_error(fd, "403 Forbidden", "preflight capability check returned 403, please ensure client's policies "
		    "grant access to path");
}

/* Of an engine with versions the path has data/ behind its mount, and without it there is nothing. */
static void
say_secret(int fd, const char *path)
{
	char	*line = known("mounts"), mount[256] = "", type[64], version[16], name[1024], *fields, text[TEXT_MAX + 256];
	bool	 versions = false;

	for (; line != NULL && *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n')
		if (sscanf(line, "%255s %63s %15s", mount, type, version) == 3 && strncmp(path, mount, strlen(mount)) == 0) {
			versions = strcmp(version, "2") == 0;
			break;
		}
	if (versions && strncmp(path + strlen(mount), "data/", 5) != 0) {
		say_error(fd, "404 Not Found", "");
		return;
	}
	snprintf(name, sizeof(name), "data,%s%s", mount, path + strlen(mount) + (versions ? 5 : 0));
	for (char *p = name; *p != '\0'; p++)
		*p = *p == '/' ? ',' : *p;
	if ((fields = known(name)) == NULL) {
		say_error(fd, "404 Not Found", "");
		return;
	}
	if (versions)
		snprintf(text, sizeof(text), "{\"lease_id\":\"\",\"lease_duration\":0,\"data\":{\"data\":%s,\"metadata\":"
		    "{\"version\":1}}}", fields);
	else
		snprintf(text, sizeof(text), "{\"lease_id\":\"\",\"lease_duration\":2764800,\"data\":%s}", fields);
	say(fd, "200 OK", text);
}

static void
answer(int fd, const char *request, const char *body)
{
	char		 target[1024], text[512], name_space[256];
	const char	*kind = let_in(request), *wanted = known("namespace");
	const char	*path;

	snprintf(target, sizeof(target), "%.*s", (int)strcspn(strchr(request, ' ') + 1, " "), strchr(request, ' ') + 1);
	note(request, kind == NULL ? "-" : kind);
	(void)header(request, "X-Vault-Namespace", name_space, sizeof(name_space));
	if (known("active") != NULL) {
		dprintf(fd, "HTTP/1.1 307 Temporary Redirect\r\nLocation: %s%s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		    known("active"), target);
	} else if (known("sealed") != NULL) {
		say_error(fd, "503 Service Unavailable", "Vault is sealed");
	} else if (strncmp(target, "/v1/", 4) != 0 || (wanted != NULL && strcmp(wanted, name_space) != 0)) {
		say_error(fd, "404 Not Found", "");
	} else if (strcmp(path = target + 4, "auth/approle/login") == 0) {
		log_in(fd, body);
	} else if (kind == NULL) {
		say_error(fd, "403 Forbidden", "permission denied");
	} else if (strcmp(path, "auth/token/lookup-self") == 0) {
		snprintf(text, sizeof(text), "{\"data\":{\"ttl\":%ld,\"renewable\":%s}}", seconds(kind), seconds(kind) > 0 ? "true" :
		    "false");
		say(fd, "200 OK", text);
	} else if (strcmp(path, "auth/token/renew-self") == 0) {
		snprintf(text, sizeof(text), "{\"auth\":{\"client_token\":\"it stays\",\"lease_duration\":%ld,\"renewable\":true}}",
		    seconds(kind));
		say(fd, "200 OK", text);
	} else if (strncmp(path, "sys/internal/ui/mounts/", 23) == 0) {
		say_mount(fd, path + 23);
	} else {
		say_secret(fd, path);
	}
}

int
main(int argc, char **argv)
{
	static char	request[LOOPBACK_REQUEST_MAX];
	char		rest[4096];
	size_t		head = 0;
	int		fd, c;

	if (argc != 2)
		return 64;
	folder = argv[1];
	fd = loopback_begin(NULL);
	while ((c = accept(fd, NULL, NULL)) != -1) {
		setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_sec = 2 }, sizeof(struct timeval));
		if (loopback_read(c, request, sizeof(request), &head))
			answer(c, request, request + head);
		shutdown(c, SHUT_WR);
		while (read(c, rest, sizeof(rest)) > 0)
			;
		close(c);
	}
	return 0;
}
