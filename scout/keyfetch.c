/* SPDX-License-Identifier: Apache-2.0
 *
 * keyfetch.c - an issuer's key set, fetched once
 *
 * Process: mcpgw-scout, which parses what comes, as the compiler parses files: by lib/conf.c and auth/keyset.c.
 *          Whoever fetches keys could name any, so that no process which only parses would guard them.
 * Owns:    the fetch; the keys until they are told.
 * Trusts:  TLS for who answers.  Metadata must be its issuer's own by the letter; the set that it names lies on the
 *          issuer's own origin, or on a public host.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/url.h"
#include "scout/keyfetch.h"

#define SET_BYTES	ERRAND_BYTES
#define METADATA_BYTES	(64 * 1024)
#define DEADLINE_MS	10000
#define MEMORY_MAX	(2 * 1024 * 1024)

struct keyfetch {
	struct errands		*errands;
	struct keyfetch_ask	 ask;
	keyfetch_fn		*fn;
	void			*arg;
	struct keyfetch		**owner;
	struct errand		*errand;
	unsigned		 attempt;	/* at metadata */
	bool			 at_set;
	struct arena		 arena;
	struct keyset_key	*keys;
	size_t			 count, passed_over;
	char			 url[KEYFETCH_URL_MAX + 1];	/* that is fetched now */
	char			 text[600];			/* of why */
};

static void
free_it(struct keyfetch *k)
{
	errand_cancel(&k->errand);
	snap_release(&k->ask.policy);
	arena_fini(&k->arena);
	free(k);
}

static void
end(struct keyfetch *k, struct keyfetch_found *found)
{
	*k->owner = NULL;
	k->fn(found, k->arg);
	free_it(k);
}

static void
fail(struct keyfetch *k, const char *why)
{
	end(k, &(struct keyfetch_found){ .why = why });
}

/* ---- the set ----------------------------------------------------------------------------------- */

static int
on_key(enum keyset_found found, const struct conf_node *at, const struct keyset_key *key, const char *why, void *arg)
{
	struct keyfetch		*k = arg;
	struct keyset_key	*to;

	(void)at;
	(void)why;
	if (found != KEYSET_KEY) {
		k->passed_over++;	/* its owner is a stranger: one bad key must not take the others along */
		return 0;
	}
	to = &k->keys[k->count];
	*to = *key;
	if (key->kid.n > 0 && (to->kid = arena_dup(&k->arena, key->kid)).p == NULL)
		return E_NOMEM;
	k->count++;
	return 0;
}

static void
take_set(struct keyfetch *k, const struct errand_answer *a)
{
	struct keyfetch_found	 found = { .url = span_of(k->url), .etag = a->etag, .has_max_age = a->has_max_age,
				    .max_age_s = a->max_age_s };
	struct conf_error	 error;
	const struct conf_node	*at;
	struct conf		*conf;
	const char		*why;
	int			 r;

	if (a->status == 304) {
		found.same = true;
		found.etag = k->ask.etag;
		end(k, &found);
		return;
	}
	if ((k->keys = arena_calloc(&k->arena, KEYSET_KEYS_MAX * sizeof(*k->keys))) == NULL) {
		fail(k, "out of memory");
		return;
	}
	if (conf_new(a->body, &conf, &error) != 0) {
		snprintf(k->text, sizeof(k->text), "%.200s is no JSON: %s", k->url, error.text);
		fail(k, k->text);
		return;
	}
	r = keyset_read(conf_top(conf), k->ask.algs, k->ask.algs_given, &k->arena, on_key, k, &at, &why);
	conf_free(&conf);
	if (r == 0 && k->count == 0) {
		r = E_FORMAT;
		why = "it has no key that could prove a token";
	}
	if (r != 0) {
		snprintf(k->text, sizeof(k->text), "%.200s: %s", k->url, r == E_FORMAT ? why : err_text(r));
		fail(k, k->text);
		return;
	}
	found.keys = k->keys;
	found.count = k->count;
	found.passed_over = k->passed_over;
	end(k, &found);
}

/* ---- metadata ---------------------------------------------------------------------------------- */

bool
keyfetch_metadata_url(struct span issuer, unsigned attempt, char to[KEYFETCH_URL_MAX + 1])
{
	static const char	oidc[] = "/.well-known/openid-configuration";
	static const char	rfc[] = "/.well-known/oauth-authorization-server";
	struct url		u;
	struct span		path;
	int			n;

	if (attempt > 1 || url_parse(issuer, &u) != NULL || memchr(issuer.p, '?', issuer.n) != NULL)
		return false;
	path = u.target;
	if (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	/* Up to the target it is as it was written. */
	issuer.n = (size_t)(u.target.p - issuer.p);
	n = attempt == 0 ? snprintf(to, KEYFETCH_URL_MAX + 1, "%.*s%.*s%s", SPAN_FMT(issuer), SPAN_FMT(path), oidc) :
	    snprintf(to, KEYFETCH_URL_MAX + 1, "%.*s%s%.*s", SPAN_FMT(issuer), rfc, SPAN_FMT(path));
	return n > 0 && n <= KEYFETCH_URL_MAX;
}

static bool
same_origin(struct span a, struct span b)
{
	struct url	x, y;

	return url_parse(a, &x) == NULL && url_parse(b, &y) == NULL && x.https == y.https && x.port == y.port &&
	    span_eq_nocase(x.host, y.host);
}

static int	fetch(struct keyfetch *k, const char **why);

static const char *
read_metadata(struct keyfetch *k, const struct conf_node *top)
{
	const struct conf_node	*issuer = conf_find(top, "issuer"), *uri = conf_find(top, "jwks_uri");

	if (issuer == NULL || issuer->type != JSON_STRING || !span_eq(issuer->text, k->ask.issuer))
		return "it is another issuer's";
	if (uri == NULL || uri->type != JSON_STRING || uri->text.n == 0 || uri->text.n > KEYFETCH_URL_MAX)
		return "it names no \"jwks_uri\"";
	snprintf(k->url, sizeof(k->url), "%.*s", SPAN_FMT(uri->text));
	return NULL;
}

static void
take_metadata(struct keyfetch *k, const struct errand_answer *a)
{
	struct conf_error	 error;
	struct conf		*conf;
	const char		*why;
	char			 from[256];

	snprintf(from, sizeof(from), "%.200s", k->url);
	if (conf_new(a->body, &conf, &error) != 0) {
		snprintf(k->text, sizeof(k->text), "%s is no JSON: %s", from, error.text);
		fail(k, k->text);
		return;
	}
	why = read_metadata(k, conf_top(conf));
	conf_free(&conf);
	if (why == NULL) {
		k->at_set = true;
		if (fetch(k, &why) == 0)
			return;
		if (why == NULL)
			why = "its \"jwks_uri\" cannot be fetched now";
	}
	snprintf(k->text, sizeof(k->text), "%s: %s", from, why);
	fail(k, k->text);
}

/* ---- the way there ----------------------------------------------------------------------------- */

static void
on_answer(const struct errand_answer *a, void *arg)
{
	struct keyfetch	*k = arg;
	const char	*why = NULL;

	if (a->error != 0) {
		snprintf(k->text, sizeof(k->text), "%.200s: %s", k->url, a->why);
		fail(k, k->text);
		return;
	}
	if (a->status == 200 || (a->status == 304 && k->at_set && k->ask.etag.n > 0)) {
		if (k->at_set)
			take_set(k, a);
		else
			take_metadata(k, a);
		return;
	}
	snprintf(k->text, sizeof(k->text), "%.200s: the server answered HTTP %u", k->url, a->status);
	if (!k->at_set && a->status >= 400 && a->status < 500 &&
	    keyfetch_metadata_url(k->ask.url, ++k->attempt, k->url) && fetch(k, &why) == 0)
		return;
	fail(k, k->text);
}

static int
fetch(struct keyfetch *k, const char **why)
{
	struct errand_request	q = { .url = span_of(k->url), .accept = SPAN_LIT("application/json"),
				    .deadline_ms = DEADLINE_MS, .max_bytes = k->at_set ? SET_BYTES : METADATA_BYTES,
				    .policy = k->ask.policy, .anchor_first = k->ask.anchor_first,
				    .anchor_count = k->ask.anchor_count };
	const bool		own = !k->at_set || !k->ask.discovery || same_origin(q.url, k->ask.url);

	/* What metadata names is learnt, but on the origin that the operator wrote. */
	q.learnt = !own;
	if (own) {
		q.addresses = k->ask.addresses;
		q.address_count = k->ask.address_count;
	}
	if (k->at_set && span_eq(q.url, k->ask.known_url))
		q.etag = k->ask.etag;
	return errand_start(k->errands, &q, on_answer, k, &k->errand, why);
}

int
keyfetch_start(struct errands *e, const struct keyfetch_ask *ask, keyfetch_fn *fn, void *arg, struct keyfetch **out,
    const char **why)
{
	struct keyfetch	*k = calloc(1, sizeof(*k));
	int		 r = 0;

	*out = NULL;
	*why = NULL;
	if (k == NULL)
		return E_NOMEM;
	k->errands = e;
	k->ask = *ask;
	if (k->ask.policy != NULL)
		snap_hold(k->ask.policy);
	k->fn = fn;
	k->arg = arg;
	arena_init(&k->arena, NULL, 0, MEMORY_MAX);
	if (!ask->discovery) {
		k->at_set = true;
		if (ask->url.n > KEYFETCH_URL_MAX)
			r = E_TOOBIG;
		else
			snprintf(k->url, sizeof(k->url), "%.*s", SPAN_FMT(ask->url));
	} else if (!keyfetch_metadata_url(ask->url, 0, k->url)) {
		r = E_TOOBIG;
	}
	if (r == 0)
		r = fetch(k, why);
	if (r != 0) {
		free_it(k);
		return r;
	}
	*(k->owner = out) = k;
	return 0;
}

void
keyfetch_cancel(struct keyfetch **kp)
{
	struct keyfetch	*k = *kp;

	*kp = NULL;
	if (k != NULL)
		free_it(k);
}
