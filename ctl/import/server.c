/* SPDX-License-Identifier: Apache-2.0
 *
 * server.c - one server on its way: its texts and its fate
 *
 * Process: mcpgwctl.
 * Owns:    the import's arena.
 * Trusts:  nothing: names and texts are of files of others, and are quoted where they are printed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/import/server.h"
#include "lib/log.h"

void
import_init(struct import *im, struct ctl *ctl)
{
	*im = (struct import){ .ctl = ctl };
	arena_init(&im->arena, NULL, 0, IMPORT_BYTES);
	im->servers = arena_calloc(&im->arena, IMPORT_SERVERS_MAX * sizeof(*im->servers));
	if (im->servers == NULL)
		fatal(EX_OSERR, "no memory");
}

void
import_fini(struct import *im)
{
	for (size_t i = 0; i < im->count; i++)
		packages_free(&im->servers[i].got, 1);
	for (size_t i = 0; i < im->secret_count; i++)
		explicit_bzero((char *)(uintptr_t)im->secrets[i].value, strlen(im->secrets[i].value));
	arena_fini(&im->arena);
}

void *
import_more(struct import *im, void *old, size_t n, size_t *room, size_t size)
{
	void	*new;

	if (n < *room)
		return old;
	*room = *room == 0 ? 8 : *room * 2;
	if ((new = arena_alloc(&im->arena, *room * size)) == NULL)
		fatal(EX_DATAERR, "the files to import are too large");
	if (n > 0)
		memcpy(new, old, n * size);
	return new;
}

char *
import_text(struct import *im, struct span s)
{
	char	*t = arena_alloc(&im->arena, s.n + 1);

	if (t == NULL)
		fatal(EX_DATAERR, "the files to import are too large");
	if (s.n > 0)
		memcpy(t, s.p, s.n);
	t[s.n] = '\0';
	return t;
}

static char *
vfmt(struct import *im, const char *fmt, va_list ap)
{
	char	*text, *kept;
	int	 n = vasprintf(&text, fmt, ap);

	if (n == -1)
		fatal(EX_OSERR, "no memory");
	kept = import_text(im, span_make(text, (size_t)n));
	free(text);
	return kept;
}

char *
import_fmt(struct import *im, const char *fmt, ...)
{
	va_list	 ap;
	char	*text;

	va_start(ap, fmt);
	text = vfmt(im, fmt, ap);
	va_end(ap);
	return text;
}

/* ---- lists ---------------------------------------------------------------------------------------- */

void
words_add(struct import *im, struct words *w, const char *word)
{
	w->at = import_more(im, w->at, w->n, &w->room, sizeof(*w->at));
	w->at[w->n++] = word;
}

void
words_unshift(struct import *im, struct words *w, const char *word)
{
	words_add(im, w, word);
	memmove(w->at + 1, w->at, (w->n - 1) * sizeof(*w->at));
	w->at[0] = word;
}

void
words_drop(struct words *w, size_t first, size_t count)
{
	if (first >= w->n)
		return;
	if (count > w->n - first)
		count = w->n - first;
	memmove(w->at + first, w->at + first + count, (w->n - first - count) * sizeof(*w->at));
	w->n -= count;
}

bool
words_have(const struct words *w, const char *word)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->at[i], word) == 0)
			return true;
	return false;
}

const char *
words_value(const struct words *w, const char *name, size_t n)
{
	const size_t	bytes = strlen(name);

	for (size_t i = 0; i < w->n; i++)
		if (strncmp(w->at[i], name, bytes) == 0 && w->at[i][bytes] == ':' && n-- == 0)
			return w->at[i] + bytes + 1;
	return NULL;
}

struct pair *
pairs_find(const struct pairs *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->at[i].name, name) == 0)
			return &p->at[i];
	return NULL;
}

void
pairs_set(struct import *im, struct pairs *p, const char *name, const char *value)
{
	struct pair	*one = pairs_find(p, name);

	if (one == NULL) {
		p->at = import_more(im, p->at, p->n, &p->room, sizeof(*p->at));
		one = &p->at[p->n++];
	}
	*one = (struct pair){ .name = name, .value = value };
}

/* ---- fate ------------------------------------------------------------------------------------------ */

void
server_note(struct import *im, struct import_server *s, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	words_add(im, &s->notes, vfmt(im, fmt, ap));
	va_end(ap);
}

void
server_leave_out(struct import *im, struct import_server *s, const char *fmt, ...)
{
	va_list	ap;

	if (s->fate == IMPORT_LEFT_OUT)
		return;
	va_start(ap, fmt);
	s->why = vfmt(im, fmt, ap);
	va_end(ap);
	s->fate = IMPORT_LEFT_OUT;
}

void
server_off(struct import *im, struct import_server *s, const char *fmt, ...)
{
	va_list	ap;

	if (!server_runs(s))
		return;
	va_start(ap, fmt);
	s->why = vfmt(im, fmt, ap);
	va_end(ap);
	s->off = true;
}

bool
server_stays(const struct import_server *s)
{
	return s->fate != IMPORT_LEFT_OUT && s->fate != IMPORT_TAKEN;
}

bool
server_runs(const struct import_server *s)
{
	return server_stays(s) && !s->off;
}

bool
is_one_of(const char *word, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

/* ---- paths ----------------------------------------------------------------------------------------- */

char *
path_join(struct import *im, const char *folder, const char *path)
{
	char	*whole = path[0] == '/' ? import_fmt(im, "%s", path) : import_fmt(im, "%s/%s", folder, path);
	char	*to = whole;

	for (const char *from = whole; *from != '\0'; ) {
		size_t n = strcspn(from + 1, "/") + 1;		/* with the slash in front */

		if (n == 3 && from[1] == '.' && from[2] == '.') {
			while (to > whole && *--to != '/')
				;
		} else if (n > 1 && (n != 2 || from[1] != '.')) {
			memmove(to, from, n);
			to += n;
		}
		from += n;
	}
	if (to == whole)
		*to++ = '/';
	*to = '\0';
	return whole;
}

const char *
path_short(struct import *im, const char *path)
{
	const char	*home = getenv("HOME");
	size_t		 n = home == NULL ? 0 : strlen(home);

	if (n > 1 && strncmp(path, home, n) == 0 && (path[n] == '/' || path[n] == '\0'))
		return import_fmt(im, "~%s", path + n);
	return path;
}
