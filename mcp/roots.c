/* SPDX-License-Identifier: Apache-2.0
 *
 * roots.c - which of a client's roots a server is told of: the folders that it sees
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  no client: what is no root of a path that can be read in one way only is left out.
 */
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "lib/num.h"
#include "mcp/roots.h"

/* What stands behind file:// and an authority that is this machine; p NULL: it is no such URL. */
static struct span
path_of(struct span uri)
{
	static const char	scheme[] = "file://", local[] = "localhost";
	struct span		rest;

	if (uri.n < sizeof(scheme) || strncasecmp(uri.p, scheme, sizeof(scheme) - 1) != 0)
		return SPAN_NONE;
	rest = span_part(uri, sizeof(scheme) - 1, uri.n);
	if (rest.n > sizeof(local) - 1 && strncasecmp(rest.p, local, sizeof(local) - 1) == 0)
		rest = span_part(rest, sizeof(local) - 1, rest.n);
	return rest.n > 0 && rest.p[0] == '/' ? rest : SPAN_NONE;
}

/* Decoded, without a slash at its end; false: not one path, or one that leads elsewhere. */
static bool
decode(struct span from, char to[PATH_MAX], struct span *out)
{
	size_t		n = 0, start = 1;
	struct span	part;

	for (size_t i = 0; i < from.n; i++) {
		int	c = (unsigned char)from.p[i];

		if (c == '?' || c == '#' || n == PATH_MAX - 1)
			return false;
		if (c == '%') {
			int	high = i + 2 < from.n ? num_hex_digit(from.p[i + 1]) : -1;
			int	low = i + 2 < from.n ? num_hex_digit(from.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = high * 16 + low;
			i += 2;
		}
		if (c == '\0')
			return false;
		to[n++] = (char)c;
	}
	while (n > 1 && to[n - 1] == '/')
		n--;
	to[n] = '/';
	for (size_t i = 1; i <= n; i++) {
		if (to[i] != '/')
			continue;
		part = span_make(to + start, i - start);
		if ((part.n == 0 && n > 1) || span_is(part, ".") || span_is(part, ".."))
			return false;
		start = i + 1;
	}
	*out = span_make(to, n);
	return true;
}

static bool
is_seen(struct json_value root, mcp_root_seen_fn *seen, void *arg)
{
	char		room[4 * PATH_MAX], path[PATH_MAX];
	struct arena	a;
	struct span	uri, decoded;
	bool		is;

	/* What does not fit is too long for a path. */
	arena_init(&a, room, sizeof(room), sizeof(room));
	is = json_string(json_get(root, "uri"), &a, &uri) == 0 && (uri = path_of(uri)).p != NULL &&
	    decode(uri, path, &decoded) && seen(decoded, arg);
	arena_fini(&a);
	return is;
}

static int
put_array(struct buf *to, struct json_value roots, mcp_root_seen_fn *seen, void *arg)
{
	struct json_iter	it;
	struct json_value	one;
	struct span		key;
	const char		*comma = "";
	int			r;

	if ((r = buf_put_str(to, "[")) != 0)
		return r;
	if (roots.type == JSON_ARRAY)
		json_iter_init(&it, roots);
	while (roots.type == JSON_ARRAY && json_iter_next(&it, &key, &one)) {
		if (!is_seen(one, seen, arg))
			continue;
		if ((r = buf_put_str(to, comma)) != 0 || (r = buf_put(to, one.raw)) != 0)
			return r;
		comma = ",";
	}
	return buf_put_str(to, "]");
}

static int
put_key(struct buf *to, const char *comma, struct span key)
{
	int	r;

	if ((r = buf_put_str(to, comma)) != 0 || (r = buf_put(to, json_key(key).raw)) != 0)
		return r;
	return buf_put_str(to, ":");
}

int
mcp_roots_put(struct buf *to, struct json_value result, mcp_root_seen_fn *seen, void *arg)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	const char		*comma = "";
	int			r;

	if ((r = buf_put_str(to, "{")) != 0)
		return r;
	json_iter_init(&it, result);
	while (json_iter_next(&it, &key, &value)) {
		if ((r = put_key(to, comma, key)) != 0)
			return r;
		/* Each that is called so: which one counts is the server's to choose. */
		r = json_is(json_key(key), "roots") ? put_array(to, value, seen, arg) : buf_put(to, value.raw);
		if (r != 0)
			return r;
		comma = ",";
	}
	return buf_put_str(to, "}");
}

int
mcp_roots_put_responses(struct buf *to, struct json_value responses, mcp_root_seen_fn *seen, void *arg)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;
	const char		*comma = "";
	int			r;

	if ((r = buf_put_str(to, "{")) != 0)
		return r;
	json_iter_init(&it, responses);
	while (json_iter_next(&it, &key, &value)) {
		if ((r = put_key(to, comma, key)) != 0)
			return r;
		r = json_get(value, "roots").type == JSON_NONE ? buf_put(to, value.raw) :
		    mcp_roots_put(to, value, seen, arg);
		if (r != 0)
			return r;
		comma = ",";
	}
	return buf_put_str(to, "}");
}
