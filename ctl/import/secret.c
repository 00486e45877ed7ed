/* SPDX-License-Identifier: Apache-2.0
 *
 * secret.c - values that become files in secrets/
 *
 * Process: mcpgwctl.
 * Owns:    the files it made, until the command is done with what names them.
 * Trusts:  the configuration folder, which is the caller's.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/files/secrets.h"
#include "ctl/folders.h"
#include "ctl/import/secret.h"
#include "lib/fd.h"

#define SECRET_MAX	(64 * 1024)
#define NAME_BYTES	64

/* ---- what is one ----------------------------------------------------------------------------------- */

static bool
ends_nocase(struct span word, const char *end)
{
	size_t	n = strlen(end);

	return word.n >= n && span_eq_nocase(span_part(word, word.n - n, n), span_make(end, n));
}

bool
secret_is_name(const char *name)
{
	static const char *const	ends[] = { "KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE" };
	struct span			left = span_of(name), word;

	while (left.n > 0) {
		for (word = left, word.n = 0; word.n < left.n && isalnum((unsigned char)left.p[word.n]); word.n++)
			;
		left = span_part(left, word.n + 1, left.n);
		if (word.n > 1 && (word.p[word.n - 1] == 'S' || word.p[word.n - 1] == 's'))
			word.n--;
		for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
			if (ends_nocase(word, ends[i]))
				return true;
		if (span_eq_nocase(word, SPAN_LIT("PAT")))
			return true;
	}
	return false;
}

bool
secret_is_url(const char *value)
{
	const char	*host = strstr(value, "://"), *at, *colon;
	size_t		 n;

	if (host == NULL)
		return false;
	n = strcspn(host + 3, "/?#");
	at = memrchr(host + 3, '@', n);
	colon = at == NULL ? NULL : memchr(host + 3, ':', (size_t)(at - host - 3));
	return colon != NULL && colon + 1 < at && strncmp(colon + 1, "${", 2) != 0;
}

/* ---- files ----------------------------------------------------------------------------------------- */

static const char *
file_of(struct import *im, const char *name)
{
	return import_fmt(im, "%s/secrets/%s", folders_tenant_dir(im->ctl), name);
}

bool
secret_exists(struct import *im, const char *name)
{
	return access(file_of(im, name), F_OK) == 0;
}

static bool
file_holds(struct import *im, const char *name, const char *value)
{
	int		 fd = open(file_of(im, name), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char		*text = NULL;
	size_t		 bytes;
	struct span	 have;
	bool		 same = false;

	if (fd != -1 && fd_read_all(fd, SECRET_MAX, &text, &bytes) == 0) {
		have = span_make(text, bytes);
		if (have.n > 0 && have.p[have.n - 1] == '\n')
			have.n--;
		same = span_is(have, value);
		explicit_bzero(text, bytes);
	}
	fd_close(&fd);
	free(text);
	return same;
}

static struct import_secret *
find(const struct import *im, const char *name)
{
	for (size_t i = 0; i < im->secret_count; i++)
		if (strcmp(im->secrets[i].name, name) == 0)
			return &im->secrets[i];
	return NULL;
}

static const char *
clean_name(struct import *im, const char *name)
{
	char	*text = import_fmt(im, "%.*s", NAME_BYTES, name);

	for (char *c = text; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && memchr("_.-", *c, 3) == NULL)
			*c = '_';
	return text;
}

const char *
secret_keep(struct import *im, const struct import_server *s, const char *name, const char *value)
{
	const struct import_secret	*known;
	const char			*try = clean_name(im, name);
	bool				 there;

	for (unsigned i = 1;; i++) {
		known = find(im, try);
		if (known != NULL && strcmp(known->value, value) == 0)
			return try;
		there = known == NULL && secret_exists(im, try);
		if (known == NULL && (!there || file_holds(im, try, value)))
			break;
		try = clean_name(im, i == 1 ? import_fmt(im, "%.30s-%.33s", s->name, name) :
		    import_fmt(im, "%.30s-%.28s-%u", s->name, name, i));
	}
	im->secrets = import_more(im, im->secrets, im->secret_count, &im->secret_room, sizeof(*im->secrets));
	im->secrets[im->secret_count++] = (struct import_secret){ .name = try, .value = import_text(im, span_of(value)),
	    .is_there = there };
	return try;
}

static bool
names_it(const struct pairs *p, const char *name)
{
	size_t		 n = strlen(name);
	const char	*at;

	for (size_t i = 0; i < p->n; i++)
		for (at = p->at[i].value; (at = strstr(at, "${secret:")) != NULL; at++)
			if (strncmp(at + 9, name, n) == 0 && at[9 + n] == '}')
				return true;
	return false;
}

bool
secret_is_used(const struct import_server *s, const char *name)
{
	return names_it(&s->env, name) || names_it(&s->headers, name);
}

static bool
is_wanted(const struct import *im, const struct import_secret *secret)
{
	for (size_t i = 0; i < im->count; i++)
		if (server_stays(&im->servers[i]) && im->servers[i].fate != IMPORT_SAME &&
		    secret_is_used(&im->servers[i], secret->name))
			return true;
	return false;
}

int
import_secrets_write(struct import *im)
{
	struct import_secret	*s;

	for (size_t i = 0; i < im->secret_count; i++) {
		s = &im->secrets[i];
		if (s->is_there || !is_wanted(im, s))
			continue;
		if (secrets_write(folders_tenant_dir(im->ctl), s->name, span_of(s->value)) != 0) {
			import_secrets_unwrite(im);
			return EX_CANTCREAT;
		}
		s->is_new = true;
	}
	return 0;
}

void
import_secrets_unwrite(struct import *im)
{
	for (size_t i = 0; i < im->secret_count; i++)
		if (im->secrets[i].is_new) {
			(void)unlink(file_of(im, im->secrets[i].name));
			im->secrets[i].is_new = false;
		}
}
