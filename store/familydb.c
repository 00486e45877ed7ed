/* SPDX-License-Identifier: Apache-2.0
 *
 * familydb.c - the store: session tokens, and the refresh tokens that give others
 *
 * Process: mcpgw-store.
 * Owns:    the families; of refresh tokens it keeps the SHA-256 alone.
 * Trusts:  its caller for who a client is, but for API keys, which are looked up here again; no length and no text.
 */
#include <stdio.h>

#include "lib/b64.h"
#include "lib/crypt.h"
#include "lib/json.h"
#include "lib/num.h"
#include "lib/sum.h"
#include "store/familydb.h"
#include "store/meta.h"
#include "store/tokendb_priv.h"

#define PREFIX		"family:"
#define PREFIX_BYTES	(sizeof(PREFIX) - 1)
#define KEY_BYTES	(PREFIX_BYTES + FAMILYDB_AT_BYTES)
#define WHO_BYTES	8
#define REFRESH_PREFIX	"mgr_"
#define REFRESH_AT	(sizeof(REFRESH_PREFIX) - 1)
#define SECRET_BYTES	32
#define RANDOM_BYTES	16		/* of it; behind them is what they are marked with */
#define MARK_BYTES	32

/* SCOPED: by what the credential has; CHOSEN: it has none, and the client asked for some. */
enum family_flags { FAMILY_BOUND = 1, FAMILY_SCOPED = 2, FAMILY_OF_KEY = 4, FAMILY_CHOSEN = 8 };

/* On disk, for ever: what comes later is appended. */
struct stored {
	uint8_t		version, flags;
	uint16_t	scope_bytes, claims_bytes, spare;
	uint8_t		refresh[CRYPT_SHA256_BYTES];
	uint8_t		key[KEYDB_DIGEST_BYTES];
	uint64_t	begun_ms, ends_ms;
	uint64_t	token_ends_ms;		/* of those that were given */
	/* From version 2 on. */
	uint8_t		mark[MARK_BYTES];	/* that its refresh tokens are marked with */
	uint64_t	tenant;			/* sum64() of its name */
};
_Static_assert(sizeof(struct stored) == 136, "a family as it is kept");
#define STORED_1_BYTES	offsetof(struct stored, mark)

struct family {
	struct stored	d;
	struct span	scope, claims;
};

static int
family_read(struct span value, struct family *out)
{
	const uint8_t	version = value.n == 0 ? 0 : (uint8_t)value.p[0];
	const size_t	bytes = version == 1 ? STORED_1_BYTES : sizeof(out->d);

	if (version < 1 || version > 2 || value.n < bytes)
		return E_FORMAT;
	memset(&out->d, 0, sizeof(out->d));
	memcpy(&out->d, value.p, bytes);
	if (value.n < bytes + out->d.scope_bytes + out->d.claims_bytes)
		return E_FORMAT;
	out->scope = span_part(value, bytes, out->d.scope_bytes);
	out->claims = span_part(value, bytes + out->d.scope_bytes, out->d.claims_bytes);
	return 0;
}

static int
family_write(struct kv_txn *t, const char at[KEY_BYTES], const struct family *f)
{
	struct buf	b;
	int		r;

	buf_init(&b, sizeof(f->d) + FAMILYDB_SCOPE_MAX + TOKENDB_CLAIMS_MAX + 1);
	if ((r = buf_put(&b, span_make(&f->d, sizeof(f->d)))) == 0 && (r = buf_put(&b, f->scope)) == 0 &&
	    (r = buf_put(&b, f->claims)) == 0)
		r = kv_put(t, DB_META, span_make(at, KEY_BYTES), buf_rest(&b));
	buf_fini(&b);
	return r;
}

/* --- words ---------------------------------------------------------------------------------------- */

static struct span
take_word(struct span *rest)
{
	const char	*blank;
	struct span	 word;

	while (rest->n > 0 && rest->p[0] == ' ')
		*rest = span_part(*rest, 1, rest->n);
	blank = rest->n == 0 ? NULL : memchr(rest->p, ' ', rest->n);
	word = span_part(*rest, 0, blank == NULL ? rest->n : (size_t)(blank - rest->p));
	*rest = span_part(*rest, word.n, rest->n);
	return word;
}

/* Is each word of `part` among those of `whole`? */
static bool
scope_is_part(struct span part, struct span whole)
{
	struct span	word, rest, one;

	while ((word = take_word(&part)).n > 0) {
		for (rest = whole; (one = take_word(&rest)).n > 0 && !span_eq(one, word);)
			;
		if (one.n == 0)
			return false;
	}
	return true;
}

/* --- refresh tokens ------------------------------------------------------------------------------- */

/* All that is hashed has one length, so that nothing can be appended to it. */
static int
put_mark(const char at[KEY_BYTES], const uint8_t mark[MARK_BYTES], uint8_t secret[SECRET_BYTES])
{
	uint8_t			text[MARK_BYTES + KEY_BYTES + RANDOM_BYTES];
	struct crypt_digest	d;
	int			r;

	memcpy(text, mark, MARK_BYTES);
	memcpy(text + MARK_BYTES, at, KEY_BYTES);
	memcpy(text + MARK_BYTES + KEY_BYTES, secret, RANDOM_BYTES);
	if ((r = crypt_sha256(span_make(text, sizeof(text)), &d)) == 0)
		memcpy(secret + RANDOM_BYTES, d.bytes, SECRET_BYTES - RANDOM_BYTES);
	crypt_wipe(text, sizeof(text));
	return r;
}

/* Was this token of the family ever given?  Of one that was begun before there were marks nobody can tell. */
static int
was_given(const char at[KEY_BYTES], const struct family *f, struct span token, bool *given)
{
	const struct span	text = span_part(token, REFRESH_AT + 2 * FAMILYDB_AT_BYTES + 1, token.n);
	uint8_t			shown[SECRET_BYTES], marked[SECRET_BYTES];
	size_t			n;
	int			r;

	*given = f->d.version < 2;
	if (*given || b64url_decode(text, shown, sizeof(shown), &n) != 0 || n != sizeof(shown))
		return 0;
	memcpy(marked, shown, sizeof(marked));
	if ((r = put_mark(at, f->d.mark, marked)) == 0)
		*given = crypt_equal(marked, shown, sizeof(marked));
	return r;
}

static int
make_refresh(const char at[KEY_BYTES], const uint8_t mark[MARK_BYTES], char to[FAMILYDB_REFRESH_CHARS + 1],
    uint8_t digest[CRYPT_SHA256_BYTES])
{
	uint8_t			secret[SECRET_BYTES];
	char			text[B64URL_CHARS(SECRET_BYTES) + 1], hex[2 * FAMILYDB_AT_BYTES + 1];
	struct crypt_digest	d;
	int			r;

	if ((r = crypt_random(secret, RANDOM_BYTES)) != 0 || (r = put_mark(at, mark, secret)) != 0)
		return r;
	b64url_encode(secret, sizeof(secret), text);
	num_hex(at + PREFIX_BYTES, FAMILYDB_AT_BYTES, hex);
	snprintf(to, FAMILYDB_REFRESH_CHARS + 1, REFRESH_PREFIX "%s_%s", hex, text);
	if ((r = crypt_sha256(span_of(to), &d)) == 0)
		memcpy(digest, d.bytes, CRYPT_SHA256_BYTES);
	crypt_wipe(secret, sizeof(secret));
	crypt_wipe(text, sizeof(text));
	return r;
}

static bool
read_at(struct span token, char at[KEY_BYTES])
{
	const struct span	hex = span_part(token, REFRESH_AT, 2 * FAMILYDB_AT_BYTES);
	uint8_t			half[OWN_ID_BYTES];

	if (token.n != FAMILYDB_REFRESH_CHARS || !span_starts(token, SPAN_LIT(REFRESH_PREFIX)) ||
	    token.p[REFRESH_AT + hex.n] != '_')
		return false;
	memcpy(at, PREFIX, PREFIX_BYTES);
	/* Sixteen bytes and eight more, each text with what makes it as long. */
	if (!own_id_read(span_part(hex, 0, 2 * OWN_ID_BYTES), half))
		return false;
	memcpy(at + PREFIX_BYTES, half, OWN_ID_BYTES);
	if (!own_id_read(span_part(hex, 2 * (FAMILYDB_AT_BYTES - OWN_ID_BYTES), hex.n), half))
		return false;
	memcpy(at + KEY_BYTES - OWN_ID_BYTES, half, OWN_ID_BYTES);
	return true;
}

static const uint8_t *
id_of(const char at[KEY_BYTES])
{
	return (const uint8_t *)at + PREFIX_BYTES + WHO_BYTES;
}

static uint64_t
who_of(const char at[KEY_BYTES])
{
	return kv_get_be64(at + PREFIX_BYTES);
}

/* --- a token -------------------------------------------------------------------------------------- */

/* What the family says, with its name and the scope in front. */
static int
put_claims(struct buf *b, const char at[KEY_BYTES], const struct family *f, bool scoped, struct span scope)
{
	char	hex[2 * OWN_ID_BYTES + 1];
	int	r;

	num_hex(id_of(at), OWN_ID_BYTES, hex);
	if ((r = buf_put_fmt(b, "{\"family\":\"%s\",", hex)) != 0 ||
	    (scoped && ((r = buf_put_str(b, "\"scope\":")) != 0 || (r = json_put_string(b, scope)) != 0 ||
	    (r = buf_put_str(b, ",")) != 0)) ||
	    /* A scope that the client chose itself is no word of anybody's about it. */
	    (scoped && (f->d.flags & FAMILY_SCOPED) == 0 && (r = buf_put_str(b, "\"" OWN_CHOSEN "\":true,")) != 0))
		return r;
	return buf_put(b, span_part(f->claims, 1, f->claims.n));
}

struct making {
	struct tokendb_signing	 sign;
	struct family_made	*out;
	struct buf		 claims;	/* of the token */
	uint64_t		 for_ms, now_ms;
};

/* Its id, its signer and its claims; f->d is told its end. */
static int
token_begin(struct kv_txn *t, struct making *m, const char at[KEY_BYTES], struct family *f, bool scoped,
    struct span scope)
{
	const uint64_t	ends_ms = m->now_ms + m->for_ms < f->d.ends_ms ? m->now_ms + m->for_ms : f->d.ends_ms;
	int		r;

	if (scope.n > FAMILYDB_SCOPE_MAX)
		return E_RANGE;
	if (f->d.version < 2 && (r = crypt_random(f->d.mark, sizeof(f->d.mark))) != 0)
		return r;
	f->d.version = 2;
	if ((r = tokendb_token_begin(ends_ms, &m->out->token)) != 0)
		return r;
	m->sign.now_ms = m->now_ms;
	m->sign.out = &m->out->token;
	m->out->scoped = scoped;
	snprintf(m->out->scope, sizeof(m->out->scope), "%.*s", SPAN_FMT(scope));
	if (f->d.token_ends_ms < m->out->token.ends_ms)
		f->d.token_ends_ms = m->out->token.ends_ms;
	buf_clear(&m->claims);
	if ((r = put_claims(&m->claims, at, f, scoped, scope)) != 0 ||
	    (r = make_refresh(at, f->d.mark, m->out->refresh, f->d.refresh)) != 0)
		return r == E_TOOBIG ? E_FORMAT : r;
	return tokendb_sign_begin(t, &m->sign);
}

/* The transaction was made, or not. */
static int
token_end(struct making *m, int r, struct buf *token)
{
	if (r == 0)
		r = tokendb_sign(&m->sign, buf_rest(&m->claims), token);
	crypt_wipe(&m->sign, sizeof(m->sign));
	buf_fini(&m->claims);
	return r;
}

/* The key that it was given for, if that is good yet: its end, or UINT64_MAX. */
static int
key_ends(struct kv_txn *t, const uint8_t digest[KEYDB_DIGEST_BYTES], uint64_t now_ms, struct keydb_key *key,
    uint64_t *ends_ms)
{
	const struct span	at = span_make(digest, KEYDB_DIGEST_BYTES);
	struct span		value;
	int			r;

	if ((r = kv_get(t, DB_KEY, at, &value)) != 0 || (r = key_decode(at, value, key)) != 0)
		return r;
	*ends_ms = key->ends_ms == 0 ? UINT64_MAX : key->ends_ms;
	return *ends_ms <= now_ms + 1000 ? E_NOTFOUND : 0;
}

/* --- the beginning -------------------------------------------------------------------------------- */

struct beginning {
	const struct family_begin	*b;
	struct making			 m;
	char				 at[KEY_BYTES];
	size_t				 theirs;
	char				 oldest[KEY_BYTES];
	uint64_t			 oldest_ms;
};

static int
look_theirs(struct kv_cursor *c, struct span rest, struct span value, void *arg)
{
	struct beginning	*g = arg;
	struct family		 f;

	if (rest.n != FAMILYDB_AT_BYTES - WHO_BYTES || family_read(value, &f) != 0 || f.d.ends_ms <= g->b->now_ms) {
		g->m.out->gone++;
		return kv_cursor_del(c);
	}
	g->theirs++;
	if (g->theirs == 1 || f.d.begun_ms < g->oldest_ms) {
		g->oldest_ms = f.d.begun_ms;
		memcpy(g->oldest, g->at, PREFIX_BYTES + WHO_BYTES);
		memcpy(g->oldest + PREFIX_BYTES + WHO_BYTES, rest.p, rest.n);
	}
	return 0;
}

static int
txn_begin(struct kv_txn *t, void *arg)
{
	struct beginning		*g = arg;
	const struct family_begin	*b = g->b;
	struct family			 f = { .scope = b->scope, .claims = b->claims };
	struct keydb_key		 key;
	uint64_t			 ends_ms = UINT64_MAX;
	int				 r;

	f.d = (struct stored){ .version = 1, .flags = (uint8_t)((b->bound ? FAMILY_BOUND : 0) |
	    (!b->scoped ? 0 : b->chosen ? FAMILY_CHOSEN : FAMILY_SCOPED) | (b->key.n > 0 ? FAMILY_OF_KEY : 0)),
	    .scope_bytes = (uint16_t)b->scope.n, .claims_bytes = (uint16_t)b->claims.n, .begun_ms = b->now_ms,
	    .tenant = sum64(b->tenant) };
	if (b->key.n > 0) {
		memcpy(f.d.key, b->key.p, sizeof(f.d.key));
		if ((r = key_ends(t, f.d.key, b->now_ms, &key, &ends_ms)) != 0)
			return r;
		if (!span_eq(key.tenant, b->tenant) || !span_eq(key.agent, b->agent))
			return E_NOTFOUND;
	}
	f.d.ends_ms = b->ends_ms < ends_ms ? b->ends_ms : ends_ms;
	g->theirs = 0;
	g->m.out->gone = 0;
	g->m.out->tenant = f.d.tenant;
	if ((r = meta_each(t, span_make(g->at, PREFIX_BYTES + WHO_BYTES), look_theirs, g)) != 0)
		return r;
	if (g->theirs >= FAMILYDB_EACH) {
		if ((r = kv_del(t, DB_META, span_make(g->oldest, KEY_BYTES))) != 0)
			return r;
		g->m.out->gone++;
	}
	if ((r = token_begin(t, &g->m, g->at, &f, b->scoped, b->scope)) != 0)
		return r;
	return family_write(t, g->at, &f);
}

/* Whose it is is looked at: what is signed is the caller's text. */
static bool
claims_ok(const struct family_begin *b)
{
	static const char *const	ours[] = { "iss", "aud", "jti", "iat", "exp", "nbf", "scope", OWN_CHOSEN,
					    "family", NULL };
	struct json_value		v, one;
	struct json_iter		it;
	struct span			key;

	if (b->claims.n > TOKENDB_CLAIMS_MAX || b->claims.n < 2 || b->claims.p[b->claims.n - 1] != '}' ||
	    json_parse(b->claims, true, &v, NULL) != 0 || v.type != JSON_OBJECT || b->claims.p[0] != '{' ||
	    json_get(v, OWN_VIA).type != JSON_OBJECT || json_get(v, "agent").type != JSON_STRING)
		return false;
	for (json_iter_init(&it, v); json_iter_next(&it, &key, &one);)
		if (json_is_one_of(json_key(key), ours))
			return false;
	return true;
}

int
familydb_begin(struct keydb *db, const struct family_begin *b, struct buf *token, struct family_made *out)
{
	struct beginning	g = { .b = b, .m = { .out = out, .for_ms = b->for_ms, .now_ms = b->now_ms } };
	uint8_t			id[OWN_ID_BYTES];
	int			r;

	*out = (struct family_made){ 0 };
	if (!claims_ok(b) || b->scope.n > FAMILYDB_SCOPE_MAX || (b->key.n != 0 && b->key.n != KEYDB_DIGEST_BYTES) ||
	    b->for_ms < 1000 || b->for_ms > TOKENDB_FOR_MS_MAX || b->ends_ms < b->now_ms + 1000)
		return E_FORMAT;
	if ((r = crypt_random(id, sizeof(id))) != 0)
		return r;
	memcpy(g.at, PREFIX, PREFIX_BYTES);
	kv_put_be64(g.at + PREFIX_BYTES, b->who);
	memcpy(g.at + PREFIX_BYTES + WHO_BYTES, id, sizeof(id));
	buf_init(&g.m.claims, TOKENDB_CLAIMS_MAX + FAMILYDB_SCOPE_MAX * 2 + 256);
	r = keydb_write(db, txn_begin, &g);
	return token_end(&g.m, r, token);
}

/* --- another -------------------------------------------------------------------------------------- */

struct refreshing {
	const struct family_refresh	*f;
	struct making			 m;
	char				 at[KEY_BYTES];
	struct crypt_digest		 shown;
	int				 verdict;	/* that is kept: the family ends, and the client is told */
};

static int
end_family(struct kv_txn *t, struct refreshing *g, const struct family *f, int verdict)
{
	const uint64_t	token_ends_ms = f->d.token_ends_ms;
	int		r;

	g->verdict = verdict;
	g->m.out->gone = 1;
	g->m.out->tenant = f->d.tenant;
	if ((r = kv_del(t, DB_META, span_make(g->at, KEY_BYTES))) != 0 || verdict != E_EXISTS ||
	    token_ends_ms <= g->f->now_ms)
		return r;
	g->m.out->keys_changed = true;
	return tokendb_family_gone(t, id_of(g->at), token_ends_ms, g->f->now_ms);
}

/* Is it for who asks?  The refresh token stays what it is where it is not. */
static int
look_asker(const struct refreshing *g, const struct family *f, struct arena *a)
{
	struct json_value	v;
	struct span		tenant;

	if (((f->d.flags & FAMILY_BOUND) != 0 || g->f->must) && g->f->who != who_of(g->at))
		return E_DENIED;
	if (g->f->tenant.n == 0)
		return 0;
	if (json_parse(f->claims, true, &v, NULL) != 0 || json_string(json_get(v, "tenant"), a, &tenant) != 0)
		return E_FORMAT;
	return span_eq(tenant, g->f->tenant) ? 0 : E_DENIED;
}

static int
txn_refresh_in(struct kv_txn *t, struct refreshing *g, struct arena *a)
{
	const struct family_refresh	*q = g->f;
	const struct span		 at = span_make(g->at, KEY_BYTES);
	struct keydb_key		 key;
	struct family			 f;
	struct span			 value;
	uint64_t			 ends_ms;
	bool				 scoped, given;
	int				 r;

	g->m.out->gone = 0;
	if ((r = kv_get(t, DB_META, at, &value)) != 0)
		return r;
	/* A copy: what is written moves what is read. */
	if ((value = arena_dup(a, value)).p == NULL)
		return E_NOMEM;
	if ((r = family_read(value, &f)) != 0)
		return r;
	if (f.d.ends_ms <= q->now_ms + 1000)
		return end_family(t, g, &f, E_NOTFOUND);
	if (!crypt_equal(f.d.refresh, g->shown.bytes, sizeof(f.d.refresh))) {
		if ((r = was_given(g->at, &f, q->token, &given)) != 0)
			return r;
		return given ? end_family(t, g, &f, E_EXISTS) : E_NOTFOUND;
	}
	if ((r = look_asker(g, &f, a)) != 0)
		return r;
	if ((f.d.flags & FAMILY_OF_KEY) != 0) {
		if ((r = key_ends(t, f.d.key, q->now_ms, &key, &ends_ms)) == E_NOTFOUND)
			return end_family(t, g, &f, E_NOTFOUND);
		if (r != 0)
			return r;
		/* It was given another end since. */
		if (ends_ms < f.d.ends_ms)
			f.d.ends_ms = ends_ms;
	}
	scoped = (f.d.flags & (FAMILY_SCOPED | FAMILY_CHOSEN)) != 0;
	if (q->scope_given && scoped && !scope_is_part(q->scope, f.scope))
		return E_RANGE;
	if ((r = token_begin(t, &g->m, g->at, &f, scoped || q->scope_given, q->scope_given ? q->scope : f.scope)) != 0)
		return r;
	return family_write(t, g->at, &f);
}

static int
txn_refresh(struct kv_txn *t, void *arg)
{
	struct refreshing	*g = arg;
	struct arena		 a;
	int			 r;

	g->verdict = 0;
	arena_init(&a, NULL, 0, 64 * 1024);
	r = txn_refresh_in(t, g, &a);
	arena_fini(&a);
	return r;
}

int
familydb_refresh(struct keydb *db, const struct family_refresh *f, struct buf *token, struct family_made *out)
{
	struct refreshing	g = { .f = f, .m = { .out = out, .for_ms = f->for_ms, .now_ms = f->now_ms } };
	int			r;

	*out = (struct family_made){ 0 };
	if (!read_at(f->token, g.at))
		return E_NOTFOUND;
	if (f->for_ms < 1000 || f->for_ms > TOKENDB_FOR_MS_MAX)
		return E_FORMAT;
	if ((r = crypt_sha256(f->token, &g.shown)) != 0)
		return r;
	buf_init(&g.m.claims, TOKENDB_CLAIMS_MAX + FAMILYDB_SCOPE_MAX * 2 + 256);
	r = keydb_write(db, txn_refresh, &g);
	return token_end(&g.m, r != 0 ? r : g.verdict, token);
}

/* --- what is over --------------------------------------------------------------------------------- */

struct tidying {
	uint64_t		 now_ms;
	struct family_counts	*left;
};

static int
on_tidy(struct kv_cursor *c, struct span rest, struct span value, void *arg)
{
	struct tidying	*g = arg;
	struct family	 f;

	if (rest.n != FAMILYDB_AT_BYTES || family_read(value, &f) != 0 || f.d.ends_ms <= g->now_ms)
		return kv_cursor_del(c);
	return family_counts_add(g->left, f.d.tenant);
}

static int
txn_tidy(struct kv_txn *t, void *arg)
{
	family_counts_clear(((struct tidying *)arg)->left);
	return meta_each(t, SPAN_LIT(PREFIX), on_tidy, arg);
}

int
familydb_tidy(struct keydb *db, uint64_t now_ms, struct family_counts *left)
{
	struct tidying	g = { now_ms, left };

	return keydb_write(db, txn_tidy, &g);
}
