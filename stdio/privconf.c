/* SPDX-License-Identifier: Apache-2.0
 *
 * privconf.c - mcpgw.conf of a private gateway: the seed's settings as parameters
 *
 * Process: mcpgw-stdio.  Owns: nothing.
 * Trusts:  seed.c to have refused what the file cannot hold.
 *
 * A file, not a row of -o: `mcpgwctl -c DIR` finds the gateway by it while it runs.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/fd.h"
#include "stdio/privconf.h"

#define CONF_MAX	(64 * 1024)

/* One line; $ stands for itself.  MCPGW_NAME would win over the file, and is meant for another gateway. */
static int
put(struct buf *b, const char *name, const char *value)
{
	char	variable[64];
	int	r;

	snprintf(variable, sizeof(variable), "MCPGW_%s", name);
	for (char *p = variable; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	(void)unsetenv(variable);
	if ((r = buf_put_fmt(b, "%s = ", name)) != 0)
		return r;
	for (; *value != '\0'; value++)
		if ((*value == '$' && (r = buf_put_str(b, "$")) != 0) || (r = buf_put_u8(b, (uint8_t)*value)) != 0)
			return r;
	return buf_put_str(b, "\n");
}

static int
put_origins(struct buf *b, const char *origins)
{
	char	text[4096];

	if (strlen(origins) >= sizeof(text))
		return E_TOOBIG;
	strcpy(text, origins);
	for (char *p = text; *p != '\0'; p++)
		if (*p == ',')
			*p = ' ';
	return put(b, "allowed_origins", text);
}

static int
put_all(struct buf *b, const char *dir, const char *state_dir, const struct seed *s)
{
	char	run[PATH_MAX], local[PATH_MAX], tools[PATH_MAX], imported[PATH_MAX];

	snprintf(run, sizeof(run), "%.4000s/run", dir);
	snprintf(local, sizeof(local), "%.4000s/run/mcp.sock", dir);
	snprintf(tools, sizeof(tools), "%.4000s/tools.d", dir);
	snprintf(imported, sizeof(imported), "%.4000s/imports.json", dir);
	const struct { const char *name, *value; } rows[] = {
		{ "run_dir", run }, { "socket", local }, { "state_dir", state_dir }, { "tools_dir", tools },
		{ "servers_file", s->servers }, { "rules_file", s->rules }, { "watch", "yes" },
		{ "imports_file", imported },
		{ "listen", s->listen }, { "admin_listen", "" },
		{ "workers", "1" }, { "view", "discovery" },
		{ "trust_agent_argument", "only" }, { "anonymous_agent", "" }, { "fallback_agent", s->fallback_agent },
		{ "audit_log", s->audit },
		{ "log_level", s->debug ? "debug" : "warning" },
	};
	int	r;

	if ((r = buf_put_str(b, "# Made by mcpgw-stdio for one client; it goes when the client does.\n")) != 0)
		return r;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((r = put(b, rows[i].name, rows[i].value)) != 0)
			return r;
	return put_origins(b, s->origins);
}

int
privconf_write(const char *dir, const char *state_dir, const struct seed *s)
{
	struct buf	b;
	char		path[PATH_MAX];
	int		fd, r;

	(void)unsetenv("NOTIFY_SOCKET");	/* a service manager waits for us, not for it */
	snprintf(path, sizeof(path), "%.4000s/mcpgw.conf", dir);
	buf_init(&b, CONF_MAX);
	if ((r = put_all(&b, dir, state_dir, s)) != 0)
		goto out;
	if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)) == -1) {
		r = E_SYS;
		goto out;
	}
	r = fd_write_all(fd, buf_rest(&b));
	fd_close(&fd);
 out:
	buf_fini(&b);
	return r;
}
