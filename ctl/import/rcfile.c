/* SPDX-License-Identifier: Apache-2.0
 *
 * rcfile.c - settings that a user has for npm or pip
 *
 * Process: mcpgwctl.
 * Owns:    the pairs.
 * Trusts:  the user's files; what of them reaches an installer is for their callers to say.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/import/rcfile.h"
#include "lib/crypt.h"
#include "lib/fd.h"
#include "lib/log.h"

#define FILE_MAX	(1u << 20)
#define VALUE_MAX	(64u * 1024)

extern char	**environ;

/* ---- pairs ---------------------------------------------------------------------------------------- */

static char *
dup_span(struct span s)
{
	char	*copy = strndup(s.p == NULL ? "" : s.p, s.n);

	if (copy == NULL)
		fatal(EX_OSERR, "no memory");
	return copy;
}

static void
drop_text(char *text)
{
	crypt_wipe(text, strlen(text));
	free(text);
}

static bool
is_list(struct span key)
{
	return key.n > 2 && memcmp(key.p + key.n - 2, "[]", 2) == 0;
}

void
rc_set(struct rc *rc, struct span key, struct span value)
{
	struct rc_pair	*more;

	for (size_t i = 0; i < rc->count && !is_list(key); i++)
		if (span_is(key, rc->list[i].key)) {
			drop_text(rc->list[i].value);
			rc->list[i].value = dup_span(value);
			return;
		}
	if (rc->count == RCFILE_PAIRS_MAX || key.n == 0)
		return;
	if ((more = realloc(rc->list, (rc->count + 1) * sizeof(*more))) == NULL)
		fatal(EX_OSERR, "no memory");
	rc->list = more;
	rc->list[rc->count++] = (struct rc_pair){ dup_span(key), dup_span(value) };
}

const char *
rc_get(const struct rc *rc, const char *key)
{
	for (size_t i = 0; i < rc->count; i++)
		if (strcmp(rc->list[i].key, key) == 0)
			return rc->list[i].value;
	return NULL;
}

void
rc_free(struct rc *rc)
{
	for (size_t i = 0; i < rc->count; i++) {
		free(rc->list[i].key);
		drop_text(rc->list[i].value);
	}
	free(rc->list);
	*rc = (struct rc){ NULL, 0 };
}

/* ---- texts ---------------------------------------------------------------------------------------- */

/* What is not set stays as it stands, as npm leaves it. */
static size_t
expand(struct span s, char *to, size_t room)
{
	size_t	n = 0;

	for (size_t i = 0; i < s.n && n + 1 < room; i++) {
		const char	*close = s.p[i] == '$' && i + 1 < s.n && s.p[i + 1] == '{' ?
				    memchr(s.p + i, '}', s.n - i) : NULL;
		char		 name[128];
		const char	*value = NULL;
		size_t		 bytes = close == NULL ? 0 : (size_t)(close - (s.p + i)) - 2;

		if (close != NULL && bytes < sizeof(name)) {
			memcpy(name, s.p + i + 2, bytes);
			name[bytes] = '\0';
			if (bytes > 0 && name[bytes - 1] == '?') {	/* ${NAME?}: nothing when it is not set */
				name[bytes - 1] = '\0';
				value = getenv(name) == NULL ? "" : getenv(name);
			} else {
				value = getenv(name);
			}
		}
		if (value == NULL) {
			to[n++] = s.p[i];
			continue;
		}
		for (; *value != '\0' && n + 1 < room; value++)
			to[n++] = *value;
		i += bytes + 2;
	}
	to[n] = '\0';
	return n;
}

void
rc_npm_text(struct rc *rc, struct span text)
{
	char		*value = malloc(VALUE_MAX);
	struct span	 line, key;
	const char	*equals;
	size_t		 n;

	if (value == NULL)
		fatal(EX_OSERR, "no memory");
	while (text.n > 0) {
		line = span_trim(span_take_line(&text));
		if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';' || line.p[0] == '[')
			continue;
		if ((equals = memchr(line.p, '=', line.n)) == NULL)
			continue;
		key = span_unquote(span_trim(span_part(line, 0, (size_t)(equals - line.p))));
		line = span_unquote(span_trim(span_part(line, (size_t)(equals - line.p) + 1, line.n)));
		n = expand(line, value, VALUE_MAX);
		rc_set(rc, key, span_make(value, n));
	}
	crypt_wipe(value, VALUE_MAX);
	free(value);
}

static bool
counts(struct span section, const char *const *also)
{
	if (span_is(section, "global"))
		return true;
	for (; *also != NULL; also++)
		if (span_is(section, *also))
			return true;
	return false;
}

/* A line that is indented goes on with the value before. */
static void
append(struct rc *rc, struct span key, struct span more)
{
	char		*name = dup_span(key), *whole;
	const char	*before = rc_get(rc, name);

	if (before == NULL)
		before = "";
	if (asprintf(&whole, "%s%s%.*s", before, before[0] == '\0' ? "" : "\n", SPAN_FMT(more)) == -1)
		fatal(EX_OSERR, "no memory");
	rc_set(rc, key, span_of(whole));
	drop_text(whole);
	free(name);
}

void
rc_pip_text(struct rc *rc, struct span text, const char *const *also)
{
	struct span	line, trimmed, key = SPAN_NONE;
	size_t		at;
	bool		within = false;

	while (text.n > 0) {
		line = span_take_line(&text);
		trimmed = span_trim(line);
		if (trimmed.n == 0 || trimmed.p[0] == '#' || trimmed.p[0] == ';')
			continue;
		if (trimmed.p[0] == '[') {
			within = trimmed.p[trimmed.n - 1] == ']' && counts(span_part(trimmed, 1, trimmed.n - 2), also);
			key = SPAN_NONE;
			continue;
		}
		if (!within)
			continue;
		if (key.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t')) {
			append(rc, key, trimmed);
			continue;
		}
		for (at = 0; at < trimmed.n && trimmed.p[at] != '=' && trimmed.p[at] != ':'; at++)
			;
		key = span_trim(span_part(trimmed, 0, at));
		rc_set(rc, key, span_trim(span_part(trimmed, at + 1, trimmed.n)));
	}
}

/* ---- files and the environment --------------------------------------------------------------------- */

void
rc_environment(struct rc *rc, const char *prefix)
{
	size_t	n = strlen(prefix);

	for (char **e = environ; e != NULL && *e != NULL; e++) {
		const char	*equals = strchr(*e, '=');
		char		 key[256];
		size_t		 bytes;

		if (equals == NULL || strncasecmp(*e, prefix, n) != 0 || (size_t)(equals - *e) <= n)
			continue;
		bytes = (size_t)(equals - *e) - n;
		if (bytes >= sizeof(key))
			continue;
		/* "//host/:_authToken" is as it stands; what begins with '_' keeps that one. */
		for (size_t i = 0; i < bytes; i++) {
			const char	first = (*e)[n], c = (*e)[n + i];

			if (first == '/' || first == '@')
				key[i] = c;
			else
				key[i] = c == '_' && i > 0 ? '-' : (char)tolower((unsigned char)c);
		}
		rc_set(rc, span_make(key, bytes), span_of(equals + 1));
	}
}

void
rc_file(struct rc *rc, const char *path, rc_text_fn *fn, void *arg)
{
	char	*text = NULL;
	size_t	 bytes;
	int	 fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd != -1 && fd_read_all(fd, FILE_MAX, &text, &bytes) == 0) {
		fn(rc, span_make(text, bytes), arg);
		crypt_wipe(text, bytes);
	}
	free(text);
	fd_close(&fd);
}
