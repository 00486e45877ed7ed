/* SPDX-License-Identifier: Apache-2.0
 *
 * sni.c - which of several certificates a client means by the name it asks for
 *
 * Process: worker.  Owns: the names.
 * Trusts:  no client: its name is as long as it likes, and compared, no more.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "http/sni.h"

#define NAME_BYTES	253

struct sni_name {
	char	*name;
	size_t	 cert;
};

struct sni {
	struct sni_name	*names;
	size_t		 count;
};

int
sni_new(struct sni **out)
{
	*out = calloc(1, sizeof(**out));
	return *out == NULL ? E_NOMEM : 0;
}

void
sni_free(struct sni **sp)
{
	struct sni	*s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->count; i++)
		free(s->names[i].name);
	free(s->names);
	free(s);
}

int
sni_add(struct sni *s, struct span name, size_t cert)
{
	struct sni_name	*more = realloc(s->names, (s->count + 1) * sizeof(*more));
	char		*copy;

	if (more == NULL)
		return E_NOMEM;
	s->names = more;
	if ((copy = strndup(name.p, name.n)) == NULL)
		return E_NOMEM;
	s->names[s->count++] = (struct sni_name){ copy, cert };
	return 0;
}

static int
name_cmp(const void *a, const void *b)
{
	const struct sni_name	*x = a, *y = b;
	int			 r = strcmp(x->name, y->name);

	return r != 0 ? r : x->cert < y->cert ? -1 : x->cert > y->cert;
}

void
sni_done(struct sni *s)
{
	if (s->count > 1)
		qsort(s->names, s->count, sizeof(*s->names), name_cmp);
}

/* The first of them. */
static bool
look(const struct sni *s, const char *name, size_t *cert)
{
	size_t	low = 0, high = s->count;

	while (low < high) {
		size_t	mid = low + (high - low) / 2;

		if (strcmp(s->names[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == s->count || strcmp(s->names[low].name, name) != 0)
		return false;
	*cert = s->names[low].cert;
	return true;
}

bool
sni_find(const struct sni *s, const char *name, size_t *cert)
{
	char	lower[NAME_BYTES + 2], *dot;
	size_t	n = strlen(name);

	if (n > 0 && name[n - 1] == '.')
		n--;			/* the root's dot is no part of a certificate's name */
	if (n == 0 || n > NAME_BYTES || name[0] == '*')
		return false;
	for (size_t i = 0; i < n; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	lower[n] = '\0';
	if (look(s, lower, cert))
		return true;
	if ((dot = strchr(lower, '.')) == NULL || dot == lower)
		return false;
	dot[-1] = '*';
	return look(s, dot - 1, cert);
}
