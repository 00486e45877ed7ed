/* SPDX-License-Identifier: Apache-2.0
 *
 * guard.c - where the gateway's own fetches may go
 *
 * Process: whoever fetches on the gateway's behalf.  Owns: nothing; the guard is embedded in the fetch.
 * Trusts:  operators' urls.  No other: its spelling, its name's addresses and its redirects are somebody else's.
 */
#include <string.h>

#include "lib/own.h"
#include "policy/guard.h"

static int
deny(const char **why, const char *text)
{
	*why = text;
	return E_DENIED;
}

static int
take(struct guard *g, struct span url, const char **why)
{
	const char	*wrong;

	if (url.n > GUARD_URL_MAX)
		return deny(why, "the url is too long");
	memcpy(g->text, url.p == NULL ? "" : url.p, url.n);
	g->text[url.n] = '\0';
	if ((wrong = url_parse(span_make(g->text, url.n), &g->url)) != NULL)
		return deny(why, wrong);
	if (reach_host_parse(g->url.host, &g->host, &wrong) != 0)
		return deny(why, wrong != NULL ? wrong : "names no host");
	return 0;
}

static int
check(const struct guard *g, const char **why)
{
	if (!g->learnt)
		return 0;
	if (!g->url.https)
		return deny(why, "the url was not written by an operator, and is not https://");
	if (g->host.is_address)
		*why = guard_address(g, &g->host.address);
	return *why == NULL ? 0 : E_DENIED;
}

int
guard_begin(struct guard *g, struct span url, bool learnt, const char **why)
{
	int	r;

	*why = NULL;
	g->learnt = learnt;
	g->secrets = true;
	g->redirects = 0;
	return (r = take(g, url, why)) != 0 ? r : check(g, why);
}

static bool
same_origin(const struct guard *a, const struct guard *b)
{
	if (a->url.https != b->url.https || a->url.port != b->url.port || a->host.is_address != b->host.is_address)
		return false;
	return a->host.is_address ? addr_eq(&a->host.address, &b->host.address) :
	    strcmp(a->host.name, b->host.name) == 0;
}

/* "/path": below the same scheme and authority. */
static int
take_path(struct guard *g, const struct guard *before, struct span path, const char **why)
{
	size_t	n = (size_t)(before->url.authority.p - before->text);
	char	text[GUARD_URL_MAX];

	/* A port that Host does not have stands there all the same. */
	while (n < strlen(before->text) && strchr("/?#", before->text[n]) == NULL)
		n++;
	if (n + path.n > sizeof(text))
		return deny(why, "the url is too long");
	memcpy(text, before->text, n);
	memcpy(text + n, path.p, path.n);
	return take(g, span_make(text, n + path.n), why);
}

int
guard_redirect(struct guard *g, struct span location, const char **why)
{
	struct guard	before = *g;
	int		r;

	*why = NULL;
	/* The copy's spans point into g; its own text is the same. */
	before.url.authority.p = before.text + (g->url.authority.p - g->text);
	if (++g->redirects > GUARD_REDIRECTS_MAX)
		return deny(why, "more than 3 redirects");
	location = span_trim(location);
	if (location.n > 0 && location.p[0] == '/' && !span_starts(location, SPAN_LIT("//")) &&
	    memchr(location.p, '\\', location.n) == NULL)
		r = take_path(g, &before, location, why);
	else
		r = take(g, location, why);
	if (r != 0)
		return r;
	if (!same_origin(&before, g)) {
		g->learnt = true;
		g->secrets = false;
	}
	return check(g, why);
}

const char *
guard_address(const struct guard *g, const struct addr *a)
{
	const char	*why;

	if (!g->learnt)
		return NULL;
	return (why = addr_special(a)) != NULL ? why : own_why(a, g->url.port);
}
