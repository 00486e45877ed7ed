/* SPDX-License-Identifier: Apache-2.0
 *
 * keycodec.c - an API key as it is kept, and as a line of JSON
 *
 * Process: mcpgw-store, with a master and without.  Owns: nothing.
 * Trusts:  nothing it reads to be whole: an older release wrote fewer fields, a later one more.
 */
#include <time.h>

#include "lib/json.h"
#include "lib/nameset.h"
#include "store/keydb_priv.h"

bool
key_is_plain(struct span s, size_t max)
{
	if (s.n == 0 || s.n > max)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static int
put_text(struct buf *b, uint16_t id, struct span value)
{
	int	r;

	if ((r = buf_put_u16(b, id)) != 0 || (r = buf_put_u16(b, (uint16_t)value.n)) != 0)
		return r;
	return buf_put(b, value);
}

static int
put_u64(struct buf *b, uint16_t id, uint64_t value)
{
	return put_text(b, id, span_make(&value, sizeof(value)));
}

int
key_encode(struct buf *b, const struct keydb_key *key)
{
	int	r;

#define X(member, id, type)					\
	if ((r = put_##type(b, id, key->member)) != 0)		\
		return r;
	KEYDB_FIELDS(X)
#undef X
	return 0;
}

static int
get_text(struct span value, struct span *out)
{
	*out = value;
	return 0;
}

static int
get_u64(struct span value, uint64_t *out)
{
	if (value.n != sizeof(*out))
		return E_FORMAT;
	memcpy(out, value.p, sizeof(*out));
	return 0;
}

int
key_decode(struct span digest, struct span value, struct keydb_key *out)
{
	struct buf	b;

	*out = (struct keydb_key){ .digest = digest };
	if (digest.n != KEYDB_DIGEST_BYTES)
		return E_FORMAT;
	buf_init_from(&b, value);
	while (buf_rest(&b).n > 0) {
		uint16_t	id, n;
		struct span	v;
		int		r = 0;

		if (buf_get_u16(&b, &id) != 0 || buf_get_u16(&b, &n) != 0 || buf_get(&b, n, &v) != 0)
			return E_FORMAT;
		switch (id) {
#define X(member, id_, type)				\
		case id_:				\
			r = get_##type(v, &out->member);	\
			break;
		KEYDB_FIELDS(X)
#undef X
		default:
			break;		/* of a later release */
		}
		if (r != 0)
			return r;
	}
	return 0;
}

int
keydb_names(struct span words, struct arena *a, struct span *out)
{
	struct span	names[NAMESET_MAX];
	size_t		count = 0;
	int		r;

	*out = SPAN_NONE;
	while (words.n > 0) {
		const char	*blank = memchr(words.p, ' ', words.n);
		const size_t	 n = blank == NULL ? words.n : (size_t)(blank - words.p);

		if (n > 0 && (count == NAMESET_MAX || !key_is_plain(span_part(words, 0, n), KEYDB_NAME_MAX)))
			return E_FORMAT;
		if (n > 0)
			names[count++] = span_part(words, 0, n);
		words = span_part(words, n + (blank != NULL), words.n);
	}
	if ((r = nameset_make(names, count, a, out)) != 0)
		return r == E_NOMEM ? r : E_FORMAT;
	return out->n > KEYDB_NAMES_MAX ? E_FORMAT : 0;
}

/* --- for people's programs ------------------------------------------------------------------------ */

static int
put_time(struct buf *to, const char *name, uint64_t ms)
{
	time_t		t = (time_t)(ms / 1000);
	struct tm	tm;
	char		text[32];

	if (ms == 0 || gmtime_r(&t, &tm) == NULL || strftime(text, sizeof(text), "%FT%TZ", &tm) == 0)
		return 0;
	return buf_put_fmt(to, ",\"%s\":\"%s\"", name, text);
}

static int
put_member(struct buf *to, const char *name, struct span text)
{
	int	r;

	if (text.n == 0)
		return 0;
	if ((r = buf_put_fmt(to, ",\"%s\":", name)) != 0)
		return r;
	return json_put_string(to, text);
}

static int
put_names(struct buf *to, const char *name, struct span set)
{
	struct span	one;
	bool		first = true;
	int		r;

	if (set.n == 0)
		return 0;
	if ((r = buf_put_fmt(to, ",\"%s\":[", name)) != 0)
		return r;
	for (; (one = nameset_take(&set)).n > 0; first = false)
		if ((!first && (r = buf_put_str(to, ",")) != 0) || (r = json_put_string(to, one)) != 0)
			return r;
	return buf_put_str(to, "]");
}

int
keydb_put_json(struct buf *to, const struct keydb_key *key)
{
	int	r;

	if ((r = buf_put_str(to, "{\"name\":")) != 0 || (r = json_put_string(to, key->name)) != 0 ||
	    (r = buf_put_str(to, ",\"key\":")) != 0 ||
	    (r = json_put_string(to, key->public_name)) != 0 ||
	    (r = buf_put_str(to, ",\"agent\":")) != 0 || (r = json_put_string(to, key->agent)) != 0 ||
	    (r = buf_put_str(to, ",\"tenant\":")) != 0 || (r = json_put_string(to, key->tenant)) != 0 ||
	    (r = put_time(to, "created", key->created_ms)) != 0 ||
	    (r = put_time(to, "used", key->used_ms)) != 0 ||
	    (r = put_time(to, "ends", key->ends_ms)) != 0 ||
	    (r = put_names(to, "scopes", key->scopes)) != 0 || (r = put_names(to, "roles", key->roles)) != 0 ||
	    (r = put_names(to, "groups", key->groups)) != 0 ||
	    (r = put_member(to, "workspace", key->workspace)) != 0 ||
	    (key->by != 0 && (r = buf_put_fmt(to, ",\"by\":%llu", (unsigned long long)key->by - 1)) != 0))
		return r;
	return buf_put_str(to, "}\n");
}
