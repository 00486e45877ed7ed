/* SPDX-License-Identifier: Apache-2.0
 *
 * seed.c - the files and GATEWAY_* variables of agent-mcp-gateway, which this program runs as they are
 *
 * Process: mcpgw-stdio.  Owns: nothing.
 * Trusts:  the environment, which is that of whoever configured the client.
 *
 * Names, order and defaults are that program's (contract of seed 001).  What is in the files is read by
 * mcpgw-compile alone; here it is only seen whether they are there, and whether they are about us.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/json.h"
#include "lib/num.h"
#include "stdio/relay.h"
#include "stdio/seed.h"

#define FILE_MAX	(4u * 1024 * 1024)
#define HTTP_PORT	8000

static const char *const variables[] = { "GATEWAY_MCP_CONFIG", "GATEWAY_RULES", "GATEWAY_AUDIT_LOG",
	"GATEWAY_TRANSPORT", "GATEWAY_PORT", "GATEWAY_HTTP_HOST", "GATEWAY_HTTP_PORT", "GATEWAY_CORS_ORIGINS",
	"GATEWAY_DEFAULT_AGENT", "GATEWAY_DEBUG", "GATEWAY_INIT_STRATEGY", NULL };

static int __attribute__((format(printf, 3, 4)))
refuse(const char **why, int error, const char *fmt, ...)
{
	static char	text[2 * PATH_MAX];
	va_list		ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	*why = text;
	return error;
}

/* The value, or NULL: an empty variable is as good as none. */
static const char *
value_of(const char *name)
{
	const char	*v = getenv(name);

	return v == NULL || v[0] == '\0' ? NULL : v;
}

/* --- paths ---------------------------------------------------------------------------------------- */

static const char *
home(void)
{
	const char		*h = getenv("HOME");
	const struct passwd	*pw;

	if (h != NULL && h[0] == '/')
		return h;
	pw = getpwuid(geteuid());
	return pw == NULL ? NULL : pw->pw_dir;
}

int
seed_folder(char to[PATH_MAX])
{
	const char	*h = home();

	if (h == NULL)
		return E_NOTFOUND;
	return snprintf(to, PATH_MAX, "%s/" SEED_FOLDER, h) < PATH_MAX ? 0 : E_TOOBIG;
}

/* "~/x" and relative ones against the working folder, as a shell and a program would take them. */
static int
absolute(const char *path, char to[PATH_MAX])
{
	const char	*h = home();
	char		 folder[PATH_MAX];
	int		 n;

	if (strncmp(path, "./", 2) == 0)
		path += 2;
	if (strncmp(path, "~/", 2) == 0 && h != NULL)
		n = snprintf(to, PATH_MAX, "%s%s", h, path + 1);
	else if (path[0] == '/')
		n = snprintf(to, PATH_MAX, "%s", path);
	else if (getcwd(folder, sizeof(folder)) == NULL)
		return E_SYS;
	else
		n = snprintf(to, PATH_MAX, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, path);
	return n < PATH_MAX ? 0 : E_TOOBIG;
}

/* What mcpgw.conf cannot hold (lib/assign.h); nobody means such names. */
static bool
is_plain(const char *path)
{
	for (const char *p = path; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || (*p == ' ' && p[1] == '\0'))
			return false;
	return true;
}

static int
path_take(const char *name, const char *value, char to[PATH_MAX], const char **why)
{
	if (absolute(value, to) != 0)
		return refuse(why, E_FORMAT, "%s: too long for a path", name);
	return is_plain(to) ? 0 : refuse(why, E_FORMAT, "%s: a path with line feeds, or a blank at its end", name);
}

/* --- is it about us? ------------------------------------------------------------------------------ */

/* One that starts this very program is what `mcpgwctl client` writes for a running gateway.  Anything but
 * plain JSON is left to the compiler. */
static bool
names_us(const char *path)
{
	struct json_value	 top, servers, server;
	struct json_iter	 it;
	struct arena		 arena;
	struct span		 key, command;
	char			*text = NULL;
	size_t			 bytes;
	bool			 found = false;
	int			 fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1)
		return false;
	arena_init(&arena, NULL, 0, FILE_MAX);
	if (fd_read_all(fd, FILE_MAX, &text, &bytes) != 0 ||
	    json_parse(span_make(text, bytes), false, &top, NULL) != 0)
		goto out;
	if ((servers = json_get(top, "mcpServers")).type != JSON_OBJECT)
		goto out;
	json_iter_init(&it, servers);
	while (!found && json_iter_next(&it, &key, &server))
		if (json_string(json_get(server, "command"), &arena, &command) == 0)
			found = command.n >= 11 && memcmp(command.p + command.n - 11, "mcpgw-stdio", 11) == 0 &&
			    (command.n == 11 || command.p[command.n - 12] == '/');
 out:
	arena_fini(&arena);
	free(text);
	fd_close(&fd);
	return found;
}

/* --- the two files -------------------------------------------------------------------------------- */

static bool
is_there(const char *folder, const char *name, char to[PATH_MAX])
{
	return snprintf(to, PATH_MAX, "%s%s%s", folder, folder[0] == '\0' ? "" : "/", name) < PATH_MAX &&
	    access(to, F_OK) == 0;
}

static int
file_find(const char *variable, const char *name, char to[PATH_MAX], const char **why)
{
	const char	*value = value_of(variable);
	char		 found[PATH_MAX], own[PATH_MAX];
	int		 r;

	if (value != NULL) {
		if ((r = path_take(variable, value, to, why)) != 0)
			return r;
		return access(to, R_OK) == 0 ? 0 : refuse(why, E_NOTFOUND, "%s: %s: %s", variable, to,
		    strerror(errno));
	}
	if (!is_there("", name, found) && (seed_folder(own) != 0 || !is_there(own, name, found)) &&
	    !is_there("config", name, found))
		return refuse(why, E_NOTFOUND, "no %s in ., ~/" SEED_FOLDER " or ./config. Make one: mcpgw-stdio "
		    "--init", name);
	if ((r = path_take(name, found, to, why)) != 0)
		return r;
	return access(to, R_OK) == 0 ? 0 : refuse(why, E_FORMAT, "%s: %s", to, strerror(errno));
}

/* --- variables ------------------------------------------------------------------------------------ */

static bool
is_yes(const char *v)
{
	return v != NULL && (strcasecmp(v, "true") == 0 || strcmp(v, "1") == 0 || strcasecmp(v, "yes") == 0);
}

static int
audit_take(struct seed *s, const char **why)
{
	const char	*v = value_of("GATEWAY_AUDIT_LOG"), *cache = value_of("XDG_CACHE_HOME");
	char		 path[PATH_MAX] = "";

	s->audit_named = v != NULL;
	if (v != NULL)
		return path_take("GATEWAY_AUDIT_LOG", v, s->audit, why);
	if (cache != NULL && cache[0] == '/')
		snprintf(path, sizeof(path), "%.3900s/agent-mcp-gateway/logs/audit.jsonl", cache);
	else if (home() != NULL)
		snprintf(path, sizeof(path), "%.3900s/.cache/agent-mcp-gateway/logs/audit.jsonl", home());
	if (path[0] == '/' && is_plain(path))
		strcpy(s->audit, path);
	return 0;
}

static int
listen_take(struct seed *s, const char **why)
{
	const char	*transport = value_of("GATEWAY_TRANSPORT"), *host = value_of("GATEWAY_HTTP_HOST");
	const char	*name = value_of("GATEWAY_HTTP_PORT") != NULL ? "GATEWAY_HTTP_PORT" : "GATEWAY_PORT";
	const char	*port = value_of(name);
	uint64_t	 number = HTTP_PORT;

	if (transport == NULL || strcmp(transport, "stdio") == 0)
		return 0;
	if (strcmp(transport, "http") != 0)
		return refuse(why, E_FORMAT, "GATEWAY_TRANSPORT \"%.80s\": want stdio or http", transport);
	if (host == NULL || strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (strcmp(host, "127.0.0.1") != 0 && strcmp(host, "::1") != 0)
		return refuse(why, E_FORMAT, "GATEWAY_HTTP_HOST \"%.80s\": a private gateway asks nobody who they are, "
		    "so it is for this machine alone; want 127.0.0.1, or run mcpgw(8) with keys", host);
	if (port != NULL && (num_u64(span_of(port), &number) != 0 || number < 1 || number > 65535))
		return refuse(why, E_FORMAT, "%s \"%.80s\": want a number from 1 to 65535", name, port);
	snprintf(s->listen, sizeof(s->listen), host[0] == ':' ? "[%s]:%u" : "%s:%u", host, (unsigned)number);
	s->http = true;
	return 0;
}

static int
strategy_check(const char **why)
{
	const char	*v = value_of("GATEWAY_INIT_STRATEGY");

	return v == NULL || strcmp(v, "eager") == 0 || strcmp(v, "lazy") == 0 ? 0 :
	    refuse(why, E_FORMAT, "GATEWAY_INIT_STRATEGY \"%.80s\": want eager or lazy", v);
}

static int
agent_take(struct seed *s, const char **why)
{
	const char	*v = value_of("GATEWAY_DEFAULT_AGENT");

	s->fallback_agent = v == NULL ? "" : v;
	for (const char *p = s->fallback_agent; *p != '\0'; p++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-", *p) == NULL)
			return refuse(why, E_FORMAT, "GATEWAY_DEFAULT_AGENT \"%.80s\": an agent's name is of letters, "
			    "digits, _ . -", v);
	return 0;
}

void
seed_say_unknown(void)
{
	extern char	**environ;

	for (char **e = environ; *e != NULL; e++) {
		size_t	n = strcspn(*e, "=");
		bool	known = strncmp(*e, "GATEWAY_", 8) != 0;

		for (const char *const *v = variables; !known && *v != NULL; v++)
			known = strlen(*v) == n && strncmp(*e, *v, n) == 0;
		if (!known)
			relay_say("%.*s: no variable of ours, and not looked at; see mcpgw-stdio(1)",
			    (int)(n > 80 ? 80 : n), *e);
	}
}

int
seed_read(struct seed *s, const char **why)
{
	const char	*origins = value_of("GATEWAY_CORS_ORIGINS");
	int		 r;

	*s = (struct seed){ .debug = is_yes(value_of("GATEWAY_DEBUG")), .origins = origins == NULL ? "" : origins };
	for (const char *const *v = variables; *v != NULL; v++)
		s->asked |= value_of(*v) != NULL;
	s->named = value_of(variables[0]) != NULL || value_of(variables[1]) != NULL;
	if ((r = listen_take(s, why)) != 0 || (r = strategy_check(why)) != 0 || (r = agent_take(s, why)) != 0 ||
	    (r = audit_take(s, why)) != 0 ||
	    (r = file_find("GATEWAY_MCP_CONFIG", SEED_SERVERS, s->servers, why)) != 0 ||
	    (r = file_find("GATEWAY_RULES", SEED_RULES, s->rules, why)) != 0)
		return r;
	if (!is_plain(s->origins))
		return refuse(why, E_FORMAT, "GATEWAY_CORS_ORIGINS: want origins, separated by commas");
	return names_us(s->servers) ? refuse(why, E_NOTFOUND, "%s names mcpgw-stdio itself", s->servers) : 0;
}
