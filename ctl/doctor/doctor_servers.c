/* SPDX-License-Identifier: Apache-2.0
 *
 * doctor_servers.c - are the programs of the configured servers there, and does a client start them as well
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.  Trusts: nothing in the files of clients.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/doctor/doctor.h"
#include "ctl/out.h"
#include "lib/fd.h"

#define CLIENT_BYTES	(16u << 20)

/* --- programs --------------------------------------------------------------------------------------- */

/* What to install for a program that is not there; NULL: that is not known. */
static const char *
package_of(const char *program)
{
	static const struct {
		const char	*program, *package;
	} rows[] = {
		{ "node", "nodejs" }, { "npx", "npm" }, { "npm", "npm" }, { "python3", "python3" },
		{ "python", "python3" },
		{ "git", "git" }, { "jq", "jq" }, { "sqlite3", "sqlite3" }, { "rg", "ripgrep" }, { "bash", "bash" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].program, program) == 0)
			return rows[i].package;
	return NULL;
}

static bool
is_program(const char *path)
{
	struct stat	st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111) != 0;
}

/* Where a jail finds it (operations.md, PATH of a jail); "" when it does not. */
static void
find_program(const char *name, char *to, size_t room)
{
	static const char *const	folders[] = { "/usr/local/bin", "/usr/bin", "/bin" };

	for (size_t i = 0; name[0] != '/' && i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(to, room, "%s/%s", folders[i], name);
		if (is_program(to))
			return;
	}
	snprintf(to, room, "%s", name[0] == '/' && is_program(name) ? name : "");
}

/* The program that "#!" names, of env(1) its argument; "" when there is none. */
static void
interpreter_of(const char *path, char *to, size_t room)
{
	char	line[256], *at, *word;
	int	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t	n = fd == -1 ? -1 : read(fd, line, sizeof(line) - 1);

	fd_close(&fd);
	to[0] = '\0';
	if (n < 3 || line[0] != '#' || line[1] != '!')
		return;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	word = strtok_r(line + 2, " \t", &at);
	if (word != NULL && strlen(word) > 4 && strcmp(word + strlen(word) - 4, "/env") == 0)
		while ((word = strtok_r(NULL, " \t", &at)) != NULL && word[0] == '-')
			;
	if (word != NULL)
		snprintf(to, room, "%s", word);
}

/* False: something is missing, and what to do was said. */
static bool
look_for(struct span server, const char *program, const char *script, struct doctor_finding *f)
{
	const char	*base = strrchr(program, '/') == NULL ? program : strrchr(program, '/') + 1;
	const char	*package = package_of(base);
	char		 found[PATH_MAX], clean[PATH_MAX];

	find_program(program, found, sizeof(found));
	if (found[0] != '\0')
		return true;
	doctor_say(f, DOCTOR_BAD, "%.*s: there is no %s%s%.200s; %s%s", SPAN_FMT(server),
	    out_clean(span_of(program), clean, sizeof(clean)), script == NULL ? "" : ", which runs ",
	    script == NULL ? "" : script, package != NULL ? "apt install " :
	    "install it, or correct \"command\" in the servers file", package != NULL ? package : "");
	return false;
}

static bool
look_at_server(const struct conf_node *server, struct doctor_finding *f)
{
	const struct conf_node	*command = conf_find(server, "command"), *enabled = conf_find(server, "enabled");
	char			 program[PATH_MAX], found[PATH_MAX], interpreter[PATH_MAX];

	if (command == NULL || command->type != JSON_STRING || command->text.n == 0 ||
	    (enabled != NULL && enabled->type == JSON_FALSE) || memchr(command->text.p, '$', command->text.n) != NULL)
		return true;
	snprintf(program, sizeof(program), "%.*s", SPAN_FMT(command->text));
	/* Relative to its folder, or in its home: the compiler says what is wrong with these. */
	if (program[0] != '/' && (program[0] == '.' || program[0] == '~' || strchr(program, '/') != NULL))
		return true;
	if (!look_for(server->key, program, NULL, f))
		return false;
	find_program(program, found, sizeof(found));
	interpreter_of(found, interpreter, sizeof(interpreter));
	return interpreter[0] == '\0' || look_for(server->key, interpreter, program, f);
}

static const struct conf_node *
servers_of(const struct conf *c)
{
	const struct conf_node	*n = c == NULL ? NULL : conf_find(conf_top(c), "mcpServers");

	return n == NULL && c != NULL ? conf_find(conf_top(c), "servers") : n;
}

void
doctor_programs(const struct doctor *d, struct doctor_finding *f)
{
	const struct conf_node	*all = servers_of(d->servers);
	unsigned		 count = 0;

	for (const struct conf_node *n = all == NULL ? NULL : all->first; n != NULL; n = n->next) {
		if (!look_at_server(n, f))
			return;
		count++;
	}
	if (count == 0)
		doctor_say(f, DOCTOR_OK, "no server is configured");
	else
		doctor_say(f, DOCTOR_OK, "those of %u server%s are there", count, count == 1 ? "" : "s");
}

/* --- clients ---------------------------------------------------------------------------------------- */

/* Does an entry of a client start the gateway's own bridge? */
static bool
is_ours(const struct conf_node *entry)
{
	const struct conf_node	*command = conf_find(entry, "command");

	return command != NULL && memmem(command->text.p, command->text.n, "mcpgw-stdio", 11) != NULL;
}

/* Names of servers that this file starts, and that are behind the gateway too. */
static unsigned
both_start(const struct doctor *d, const struct conf *client, char *names, size_t room)
{
	const struct conf_node	*ours = servers_of(d->servers), *theirs = servers_of(client);
	unsigned		 count = 0;
	size_t			 n = 0;

	for (const struct conf_node *t = theirs == NULL ? NULL : theirs->first; t != NULL; t = t->next)
		for (const struct conf_node *o = ours == NULL ? NULL : ours->first; o != NULL; o = o->next) {
			if (!span_eq(t->key, o->key) || is_ours(t))
				continue;
			count++;
			if (n < room)
				n += (size_t)snprintf(names + n, room - n, "%s%.*s", n == 0 ? "" : ", ",
				    SPAN_FMT(t->key));
		}
	return count;
}

static unsigned
look_at_client(const struct doctor *d, const char *path, char *names, size_t room)
{
	struct conf_error	 error;
	struct conf		*c = NULL;
	unsigned		 count = 0;
	char			*text;
	size_t			 bytes;
	int			 fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1)
		return 0;
	if (fd_read_all(fd, CLIENT_BYTES, &text, &bytes) == 0) {
		if (conf_new(span_make(text, bytes), &c, &error) == 0)
			count = both_start(d, c, names, room);
		conf_free(&c);
		free(text);
	}
	fd_close(&fd);
	return count;
}

void
doctor_clients(const struct doctor *d, struct doctor_finding *f)
{
	static const struct {
		const char	*path, *client;		/* below HOME when it begins with ~ */
	} files[] = {
		{ ".mcp.json", "claude-code" }, { ".vscode/mcp.json", "vscode" }, { ".cursor/mcp.json", "cursor" },
		{ "~/.claude.json", "claude-code" }, { "~/.cursor/mcp.json", "cursor" },
		{ "~/.config/Claude/claude_desktop_config.json", "claude-desktop" },
		{ "~/.config/Code/User/mcp.json", "vscode" },
	};
	const char	*home = getenv("HOME");
	char		 path[PATH_MAX], names[200], folder[PATH_MAX], clean[256];
	unsigned	 count;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i].path[0] == '~' && home == NULL)
			continue;
		snprintf(path, sizeof(path), "%.2000s%s", files[i].path[0] == '~' ? home : "",
		    files[i].path + (files[i].path[0] == '~'));
		names[0] = '\0';
		if ((count = look_at_client(d, path, names, sizeof(names))) == 0)
			continue;
		if (getcwd(folder, sizeof(folder)) == NULL)
			snprintf(folder, sizeof(folder), ".");
		doctor_say(f, DOCTOR_NOTE, "%.200s still starts %u server%s without a jail, beside the gateway: "
		    "%.120s.  Put the gateway between: mcpgwctl client --for %s%s%.100s --write", path, count,
		    count == 1 ? "" : "s", out_clean(span_of(names), clean, sizeof(clean)), files[i].client,
		    path[0] == '/' ? "" : " --project ", path[0] == '/' ? "" : folder);
		return;
	}
	doctor_say(f, DOCTOR_OK, "none here starts a server of the gateway's by itself");
}
