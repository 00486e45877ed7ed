/* SPDX-License-Identifier: Apache-2.0
 *
 * place.c - where the gateway's socket is
 *
 * Process: mcpgw-stdio.  Owns: nothing.
 * Trusts:  the operator's files to be meant; never to be right.
 *
 * mcpgwctl asks mcpgw-compile; this program starts none, so it reads mcpgw.conf itself, by the same
 * grammar (lib/assign.h), for the sake of one parameter.  What is wrong elsewhere in the file is the
 * compiler's to say.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/assign.h"
#include "lib/fd.h"
#include "stdio/place.h"

#define FILE_MAX	(1024 * 1024)
#define TEXT_MAX	(16 * 1024 * 1024)	/* of all files */

enum param {
#define PARAM(name, type, normal, personal, min, max, scope, effect, doc) PARAM_##name,
#include "tables/params.def"
#undef PARAM
	PARAM_LIMIT
};

#define SAME NULL
static const struct {
	const char	*name, *normal, *personal;
} params[PARAM_LIMIT] = {
#define PARAM(name, type, normal, personal, min, max, scope, effect, doc) { #name, normal, personal },
#include "tables/params.def"
#undef PARAM
};

struct settings {
	struct span	 raw[PARAM_LIMIT];
	bool		 running[PARAM_LIMIT];	/* being expanded */
	const char	*config_dir;
	struct arena	 arena;
};

static int
param_of(struct span name)
{
	for (int i = 0; i < PARAM_LIMIT; i++)
		if (span_is(name, params[i].name))
			return i;
	return -1;
}

/* --- the places a value may come from, later ones winning ------------------------------------------ */

static int
text_take(struct settings *s, struct span text)
{
	struct assign_reader	reader;
	struct assign		a;
	int			r, id;

	assign_init(&reader, text, &s->arena);
	while ((r = assign_next(&reader, &a)) == 0)
		if (a.kind == ASSIGN_SETTING && (id = param_of(a.name)) != -1)
			s->raw[id] = a.value;
	return r == E_EOF ? 0 : r;
}

static int
file_take(struct settings *s, const char *path)
{
	int		 fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r;
	struct span	 kept = SPAN_NONE;
	char		*text;
	size_t		 bytes;

	/* Absent is empty; one that is not ours to read says what the defaults say, as far as we know. */
	if (fd == -1)
		return 0;
	if ((r = fd_read_all(fd, FILE_MAX, &text, &bytes)) == 0) {
		kept = arena_dup(&s->arena, span_make(text, bytes));
		free(text);
		r = kept.p == NULL ? E_NOMEM : text_take(s, kept);
	}
	fd_close(&fd);
	return r;
}

static int
is_conf(const struct dirent *e)
{
	size_t	n = strlen(e->d_name);

	return e->d_name[0] != '.' && n >= 6 && strcmp(e->d_name + n - 5, ".conf") == 0;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
folder_take(struct settings *s)
{
	struct dirent	**names = NULL;
	char		  path[PATH_MAX];
	int		  r, n;

	if (snprintf(path, sizeof(path), "%s/mcpgw.conf", s->config_dir) >= (int)sizeof(path))
		return E_TOOBIG;
	r = file_take(s, path);
	if (snprintf(path, sizeof(path), "%s/mcpgw.conf.d", s->config_dir) >= (int)sizeof(path))
		return E_TOOBIG;
	n = scandir(path, &names, is_conf, by_name);
	for (int i = 0; i < n; i++) {
		if (r == 0 && snprintf(path, sizeof(path), "%s/mcpgw.conf.d/%s", s->config_dir,
		    names[i]->d_name) >= (int)sizeof(path))
			r = E_TOOBIG;
		if (r == 0)
			r = file_take(s, path);
		free(names[i]);
	}
	free(names);
	return r;
}

static void
environment_take(struct settings *s)
{
	for (int i = 0; i < PARAM_LIMIT; i++) {
		char		 name[64];
		const char	*value;

		snprintf(name, sizeof(name), "MCPGW_%s", params[i].name);
		for (char *p = name; *p != '\0'; p++)
			*p = (char)toupper((unsigned char)*p);
		if ((value = getenv(name)) != NULL)
			s->raw[i] = span_of(value);
	}
}

/* --- what it comes to ------------------------------------------------------------------------------ */

static int
value_put(struct span name, bool parameter, struct buf *to, void *arg)
{
	struct settings	*s = arg;
	char		 variable[256];
	const char	*value;
	int		 id, r;

	if (!parameter) {
		if (name.n >= sizeof(variable))
			return E_NOTFOUND;
		memcpy(variable, name.p, name.n);
		variable[name.n] = '\0';
		value = getenv(variable);
		return value == NULL ? E_NOTFOUND : buf_put_str(to, value);
	}
	if ((id = param_of(name)) == -1)
		return E_NOTFOUND;
	if (id == PARAM_config_dir)		/* that of -c: no file says it */
		return buf_put_str(to, s->config_dir);
	if (s->running[id])
		return E_FORMAT;
	s->running[id] = true;
	r = assign_expand(s->raw[id], to, value_put, s);
	s->running[id] = false;
	return r;
}

static int
expand(struct settings *s, enum param id, char to[PATH_MAX])
{
	struct buf	b;
	int		r;

	buf_init(&b, PATH_MAX - 1);
	if ((r = value_put(span_of(params[id].name), true, &b, s)) == 0 && b.used == 0)
		r = E_FORMAT;
	if (r == 0) {
		memcpy(to, b.data, b.used);
		to[b.used] = '\0';
		r = strlen(to) == b.used ? 0 : E_FORMAT;
	}
	buf_fini(&b);
	return r;
}

int
place_socket(const struct where *w, const char *config_dir, char to[PATH_MAX])
{
	struct settings	s = { .config_dir = config_dir };
	int		r;

	arena_init(&s.arena, NULL, 0, TEXT_MAX);
	for (int i = 0; i < PARAM_LIMIT; i++)
		s.raw[i] = span_of(!w->system && params[i].personal != NULL ? params[i].personal :
		    params[i].normal);
	r = folder_take(&s);
	environment_take(&s);
	if (r == 0)
		r = expand(&s, PARAM_socket, to);
	arena_fini(&s.arena);
	if (r != 0)
		snprintf(to, PATH_MAX, "%.4000s/mcp.sock", w->run_dir);
	return r;
}
