/* SPDX-License-Identifier: Apache-2.0
 *
 * challenge.c - what a server wants of a bearer: WWW-Authenticate
 *
 * Process: worker, mcpgw-scout.  Owns: nothing.
 * Trusts:  nothing: the field is the upstream's.
 */
#include <ctype.h>

#include "oauth/challenge.h"

static bool
is_token_char(unsigned char c)
{
	return isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void
skip(struct span *s, const char *what)
{
	while (s->n > 0 && s->p[0] != '\0' && strchr(what, s->p[0]) != NULL)
		*s = span_part(*s, 1, s->n);
}

static struct span
take_token(struct span *s)
{
	size_t		n = 0;
	struct span	t;

	while (n < s->n && is_token_char((unsigned char)s->p[n]))
		n++;
	t = span_part(*s, 0, n);
	*s = span_part(*s, n, s->n);
	return t;
}

/* Behind the opening quote.  False: it does not end, or holds what may not stand there. */
static bool
take_quoted(struct span *s, char *to, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < s->n; i++) {
		unsigned char	c = (unsigned char)s->p[i];

		if (c == '"') {
			*s = span_part(*s, i + 1, s->n);
			return true;
		}
		if (c == '\\' && ++i < s->n)
			c = (unsigned char)s->p[i];
		if (c < 0x20 || c > 0x7e)
			return false;
		to[(*n)++] = (char)c;
	}
	return false;
}

static void
keep(struct oauth_challenge *c, struct span name, struct span value)
{
	struct span	*to = NULL;

	if (span_eq_nocase(name, SPAN_LIT("resource_metadata")))
		to = &c->resource_metadata;
	else if (span_eq_nocase(name, SPAN_LIT("scope")))
		to = &c->scope;
	else if (span_eq_nocase(name, SPAN_LIT("error")))
		to = &c->error;
	if (to != NULL && to->p == NULL)
		*to = value;
}

int
oauth_challenge_read(struct span field, struct arena *a, struct oauth_challenge *out)
{
	char		value[OAUTH_CHALLENGE_MAX];
	bool		bearer = false;
	struct span	s = field, word, kept;
	size_t		n;

	*out = (struct oauth_challenge){ 0 };
	if (field.n > OAUTH_CHALLENGE_MAX)
		return E_TOOBIG;
	for (;;) {
		skip(&s, " \t,");
		if ((word = take_token(&s)).n == 0)
			return 0;
		skip(&s, " \t");
		if (s.n == 0 || s.p[0] != '=') {	/* a scheme */
			if (out->present)
				return 0;
			bearer = span_eq_nocase(word, SPAN_LIT("Bearer"));
			out->present = bearer;
			continue;
		}
		s = span_part(s, 1, s.n);
		skip(&s, " \t");
		if (s.n > 0 && s.p[0] == '"') {
			s = span_part(s, 1, s.n);
			if (!take_quoted(&s, value, &n))
				return 0;
			kept = span_make(value, n);
		} else if ((kept = take_token(&s)).n == 0) {
			return 0;
		}
		if (!bearer)
			continue;
		if ((kept = arena_dup(a, kept)).p == NULL)
			return E_NOMEM;
		keep(out, word, kept);
	}
}
