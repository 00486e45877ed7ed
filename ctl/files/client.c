/* SPDX-License-Identifier: Apache-2.0
 *
 * client.c - one client's file: where it is, and what is to stand there
 *
 * Process: mcpgwctl, as the client's user.
 * Owns:    what it puts into a struct client.
 * Trusts:  the environment of the caller for where files of this user are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/files/client.h"
#include "ctl/files/replace.h"
#include "ctl/folders.h"
#include "ctl/out.h"
#include "lib/log.h"

#define BACKUP	".mcpgw-backup"

static const struct client_row rows[] = {
#define CLIENT(word, shown, scope, path, keys, type, again) { word, shown, SCOPE_##scope, path, keys, type, again },
#include "tables/clients.def"
#undef CLIENT
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* ---- where it is ---------------------------------------------------------------------------------- */

static void
path_of(const struct client *cl, const struct client_row *row, char path[PATH_MAX])
{
	const char	*home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");

	if (home == NULL || home[0] != '/')
		fatal(EX_CONFIG, "HOME is not set, and the client's file is below it");
	if (row->scope == SCOPE_PROJECT)
		snprintf(path, PATH_MAX, "%.3900s/%s", cl->project, row->path);
	else if (row->scope == SCOPE_HOME || config == NULL || config[0] != '/')
		snprintf(path, PATH_MAX, "%.3900s%s/%s", home, row->scope == SCOPE_HOME ? "" : "/.config", row->path);
	else
		snprintf(path, PATH_MAX, "%.3900s/%s", config, row->path);
}

/* "projects @ mcpServers" as keys. */
static void
keys_of(struct client *cl, const struct client_row *row)
{
	char	*save = NULL, *at = cl->keys_text;
	size_t	 n = 0;

	snprintf(cl->keys_text, sizeof(cl->keys_text), "%s", row->keys);
	for (char *word = strtok_r(at, " ", &save); word != NULL && n < EDIT_KEYS_MAX - 1; n++) {
		cl->keys[n] = strcmp(word, "@") == 0 ? cl->project : word;
		word = strtok_r(NULL, " ", &save);
	}
	cl->keys[n] = NULL;
}

static bool
may_be(const struct client *cl, const struct client_row *row)
{
	const bool	of_project = row->scope == SCOPE_PROJECT || strchr(row->keys, '@') != NULL;

	return of_project == (cl->project[0] != '\0');
}

static bool
has_object(struct client *cl, const struct client_row *row)
{
	struct conf_error	 error;
	struct conf		*c = NULL;
	char			 path[PATH_MAX], *text;
	size_t			 bytes;
	bool			 has = false;

	path_of(cl, row, path);
	keys_of(cl, row);
	if (access(path, F_OK) != 0 || replace_read(path, &text, &bytes) != 0)
		return false;
	if (bytes > 0 && conf_new(span_make(text, bytes), &c, &error) == 0)
		has = edit_find(c, cl->keys) != NULL;
	conf_free(&c);
	free(text);
	return has;
}

int
client_find(struct client *cl, const char *word)
{
	const struct client_row	*first = NULL, *found = NULL;

	for (size_t i = 0; i < ROW_COUNT && found == NULL; i++) {
		if (strcmp(rows[i].word, word) != 0 || !may_be(cl, &rows[i]))
			continue;
		if (first == NULL)
			first = &rows[i];
		if (has_object(cl, &rows[i]))
			found = &rows[i];
	}
	if ((cl->row = found != NULL ? found : first) == NULL) {
		out_error("%s has no file of a project; leave --project away", word);
		return EX_USAGE;
	}
	path_of(cl, cl->row, cl->path);
	keys_of(cl, cl->row);
	snprintf(cl->backup, sizeof(cl->backup), "%s" BACKUP, cl->path);
	cl->is_there = access(cl->path, F_OK) == 0;
	return replace_read(cl->path, &cl->text, &cl->bytes) == 0 ? 0 : EX_NOINPUT;
}

bool
client_is_known(const char *word)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (strcmp(rows[i].word, word) == 0)
			return true;
	return false;
}

/* ---- what is to stand there ----------------------------------------------------------------------- */

/* By its name where the PATH leads to this installation's, else by its path. */
void
client_bridge(char path[PATH_MAX])
{
	char		 own[PATH_MAX], other[PATH_MAX], found[PATH_MAX], *slash, *copy, *save = NULL;
	const char	*search = getenv("PATH");
	ssize_t		 n = readlink("/proc/self/exe", own, sizeof(own) - 1);

	snprintf(path, PATH_MAX, "mcpgw-stdio");
	if (n <= 0)
		return;
	own[n] = '\0';
	if ((slash = strrchr(own, '/')) == NULL)
		return;
	*slash = '\0';
	snprintf(path, PATH_MAX, "%.4000s/mcpgw-stdio", own);
	if (search == NULL || (copy = strdup(search)) == NULL)
		return;
	for (char *dir = strtok_r(copy, ":", &save); dir != NULL; dir = strtok_r(NULL, ":", &save)) {
		snprintf(other, sizeof(other), "%.4000s/mcpgw-stdio", dir);
		if (access(other, X_OK) != 0)
			continue;
		if (realpath(other, found) != NULL && realpath(path, other) != NULL && strcmp(found, other) == 0)
			snprintf(path, PATH_MAX, "mcpgw-stdio");
		break;
	}
	free(copy);
}

static int
put_word(struct buf *b, bool *first, const char *word)
{
	int	r = *first ? 0 : buf_put_str(b, ", ");

	*first = false;
	return r != 0 ? r : json_put_string(b, span_of(word));
}

void
client_entry(struct client *cl)
{
	struct buf	*b = &cl->entry;
	char		 path[PATH_MAX];
	bool		 first = true, system = cl->ctl->where.system;
	int		 r = 0;

	client_bridge(path);
	if (buf_put_str(b, "{") != 0)
		fatal(EX_OSERR, "out of memory");
	if (cl->row->type[0] != '\0' && ((r = buf_put_str(b, "\"type\": ")) != 0 ||
	    (r = json_put_string(b, span_of(cl->row->type))) != 0 || (r = buf_put_str(b, ", ")) != 0))
		fatal(EX_OSERR, "out of memory");
	if ((r = buf_put_str(b, "\"command\": ")) == 0 && (r = json_put_string(b, span_of(path))) == 0 &&
	    (system != (geteuid() == 0) || cl->ctl->config_given != NULL || cl->ctl->setting_count > 0)) {
		r = buf_put_str(b, ", \"args\": [");
		if (r == 0 && system != (geteuid() == 0))
			r = put_word(b, &first, system ? "--system" : "--user");
		if (r == 0 && cl->ctl->config_given != NULL && (r = put_word(b, &first, "-c")) == 0)
			r = put_word(b, &first, folders_config(cl->ctl));
		/* What -o says is in no file that the bridge could read. */
		if (r == 0 && cl->ctl->setting_count > 0 && (r = put_word(b, &first, "--socket")) == 0)
			r = put_word(b, &first, folders_socket(cl->ctl));
		if (r == 0)
			r = buf_put_str(b, "]");
	}
	if (r != 0 || buf_put_str(b, "}") != 0)
		fatal(EX_OSERR, "out of memory");
}
