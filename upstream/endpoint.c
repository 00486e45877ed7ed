/* SPDX-License-Identifier: Apache-2.0
 *
 * endpoint.c - where an HTTP+SSE server wants its messages
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  no server: what it names must be of its own scheme, host and port, or our credentials would
 *          follow it elsewhere.
 */
#include <ctype.h>

#include "lib/num.h"
#include "upstream/endpoint.h"

#define FOREIGN		"the server's endpoint is of another origin than its url"
#define MALFORMED	"the server's endpoint is no URI"
#define TOO_LONG	"the server's endpoint is too long"

static size_t
until(struct span s, const char *stops)
{
	size_t	n = 0;

	while (n < s.n && strchr(stops, s.p[n]) == NULL)
		n++;
	return n;
}

/* Readers of URLs in the manner of browsers take a backslash for a slash: no path of ours holds one. */
static bool
is_text(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f || s.p[i] == '\\')
			return false;
	return true;
}

static bool
is_https(const struct upstream_target *target)
{
	return target->pool.site != 0;
}

/* Takes "http:" off, or "https:" where that is the target's; false: another scheme. */
static bool
take_scheme(const struct upstream_target *target, struct span *uri)
{
	size_t	n = until(*uri, ":/?#");

	if (n == uri->n || uri->p[n] != ':' || !isalpha((unsigned char)uri->p[0]))
		return true;
	if (!span_eq_nocase(span_part(*uri, 0, n), is_https(target) ? SPAN_LIT("https") : SPAN_LIT("http")))
		return false;
	*uri = span_part(*uri, n + 1, uri->n);
	/* With a scheme it is either whole or nonsense. */
	return span_starts(*uri, SPAN_LIT("//"));
}

static struct span
host_of(struct span authority, uint64_t usual, uint64_t *port)
{
	size_t		n = authority.n > 0 && authority.p[0] == '[' ? until(authority, "]") : until(authority, ":");
	struct span	rest;

	if (n < authority.n && authority.p[n] == ']')
		n++;
	rest = span_part(authority, n, authority.n);
	*port = usual;
	if (rest.n > 1 && (rest.p[0] != ':' || num_u64(span_part(rest, 1, rest.n), port) != 0))
		*port = 0;
	return span_part(authority, 0, n);
}

static bool
is_same(const struct upstream_target *target, struct span authority)
{
	const uint64_t	usual = is_https(target) ? 443 : 80;
	uint64_t	ours, theirs;
	struct span	host = host_of(target->host, usual, &ours), other = host_of(authority, usual, &theirs);

	return host.n > 0 && span_eq_nocase(host, other) && ours == theirs;
}

/* A path without its dot segments; it begins with a slash.  No longer than it was, and never empty. */
static size_t
put_path(char *to, struct span path)
{
	struct span	part;
	size_t		n = 0;

	while (path.n > 0) {
		part = span_part(path, 0, 1 + until(span_part(path, 1, path.n), "/"));
		path = span_part(path, part.n, path.n);
		if (span_is(part, "/..")) {
			while (n > 0 && to[--n] != '/')
				;
		} else if (!span_is(part, "/.")) {
			memcpy(to + n, part.p, part.n);
			n += part.n;
			continue;
		}
		if (path.n == 0)
			to[n++] = '/';
	}
	return n;
}

/* The path that uri names, before its dot segments are gone. */
static int
merge(struct span base, struct span uri, struct buf *to)
{
	struct span	path = span_part(uri, 0, until(uri, "?"));
	int		r;

	base = span_part(base, 0, until(base, "?"));
	if (path.n > 0 && path.p[0] != '/')
		while (base.n > 0 && base.p[base.n - 1] != '/')
			base.n--;
	else if (path.n > 0)
		base.n = 0;
	r = buf_put(to, base);
	return r != 0 ? r : buf_put(to, path);
}

int
endpoint_resolve(const struct upstream_target *target, struct span uri, struct buf *to, const char **why)
{
	struct span	base = target->path, query, authority;
	struct buf	path;
	char		*room;
	int		r;

	*why = NULL;
	uri = span_trim(uri);
	uri = span_part(uri, 0, until(uri, "#"));
	if (uri.n > ENDPOINT_MAX) {
		*why = TOO_LONG;
		return E_UPSTREAM;
	}
	if (!is_text(uri)) {
		*why = MALFORMED;
		return E_UPSTREAM;
	}
	if (!take_scheme(target, &uri)) {
		*why = FOREIGN;
		return E_UPSTREAM;
	}
	if (span_starts(uri, SPAN_LIT("//"))) {
		uri = span_part(uri, 2, uri.n);
		authority = span_part(uri, 0, until(uri, "/?"));
		uri = span_part(uri, authority.n, uri.n);
		if (!is_same(target, authority)) {
			*why = FOREIGN;
			return E_UPSTREAM;
		}
		/* Of this server, but its root and not the stream's path. */
		if (uri.n == 0 || uri.p[0] == '?')
			base = SPAN_LIT("/");
	}
	query = span_part(uri, until(uri, "?"), uri.n);
	if (uri.n == 0)
		query = span_part(base, until(base, "?"), base.n);
	buf_init(&path, ENDPOINT_MAX);
	if ((r = merge(base, uri, &path)) == 0 && (r = buf_reserve(to, path.used, &room)) == 0) {
		buf_commit(to, put_path(room, buf_rest(&path)));
		r = buf_put(to, query);
	}
	buf_fini(&path);
	if (r == E_TOOBIG) {
		*why = TOO_LONG;
		r = E_UPSTREAM;
	}
	return r;
}
