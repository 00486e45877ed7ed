/* SPDX-License-Identifier: Apache-2.0
 *
 * tokendb.c - the store: who signs the gateway's own tokens, and which of those do not count any more
 *
 * Process: mcpgw-store.
 * Owns:    the private keys; a copy of one lives for a signature, then it is wiped.
 * Trusts:  its caller for who may ask; no length and no text.
 */
#include <stdio.h>

#include "lib/b64.h"
#include "lib/crypt.h"
#include "lib/json.h"
#include "lib/num.h"
#include "store/keydb_priv.h"
#include "store/meta.h"
#include "store/tokendb_priv.h"

#define SIGNER_PREFIX	"signer:"
#define GONE_PREFIX	"gone:"
#define KID_PREFIX	"mgs_"
#define KID_BYTES	4
#define GONE_PREFIX_BYTES (sizeof(GONE_PREFIX) - 1)

static int
stored_read(struct span value, struct tokendb_stored *out)
{
	if (value.n < sizeof(*out) || value.p[0] != 1)
		return E_FORMAT;
	memcpy(out, value.p, sizeof(*out));
	return 0;
}

static struct span
signer_at(const char kid[TOKENDB_KID_CHARS + 1], char to[32])
{
	return span_make(to, (size_t)snprintf(to, 32, SIGNER_PREFIX "%s", kid));
}

/* --- walks ---------------------------------------------------------------------------------------- */

struct walk {
	uint64_t		 now_ms;
	struct span		 issuer;
	tokendb_signer_fn	*on_signer;
	tokendb_gone_fn		*on_gone;
	void			*arg;
};

static int
walk_signer(struct kv_cursor *c, struct span kid, struct span value, void *arg)
{
	const struct walk	*w = arg;
	struct tokendb_signer	 s = { 0 };
	struct tokendb_stored		 d;
	int			 r;

	(void)c;
	if (kid.n != TOKENDB_KID_CHARS)
		return E_FORMAT;
	if ((r = stored_read(value, &d)) != 0)
		return r;
	if (d.current || d.last_ends_ms > w->now_ms) {
		memcpy(s.kid, kid.p, kid.n);
		memcpy(s.public_key, d.public_key, sizeof(s.public_key));
		s.current = d.current;
		s.created_ms = d.created_ms;
		s.last_ends_ms = d.last_ends_ms;
		s.before_ms = d.before_ms;
		r = w->on_signer(&s, w->issuer, w->arg);
	}
	crypt_wipe(&d, sizeof(d));
	return r;
}

static int
walk_gone(struct kv_cursor *c, struct span id, struct span value, void *arg)
{
	const struct walk	*w = arg;
	uint8_t			 bytes[OWN_ID_BYTES];

	(void)c;
	if (id.n != sizeof(bytes) || value.n != 8)
		return E_FORMAT;
	memcpy(bytes, id.p, sizeof(bytes));
	return kv_get_be64(value.p) <= w->now_ms ? 0 : w->on_gone(bytes, kv_get_be64(value.p), w->arg);
}

int
tokendb_each(struct keydb *db, uint64_t now_ms, tokendb_signer_fn *on_signer, tokendb_gone_fn *on_gone, void *arg)
{
	struct walk	 w = { .now_ms = now_ms, .on_signer = on_signer, .on_gone = on_gone, .arg = arg };
	struct kv_txn	*t;
	int		 r;

	if ((r = kv_begin(db->kv, false, &t)) != 0)
		return r;
	if ((r = kv_get(t, DB_META, SPAN_LIT("issuer"), &w.issuer)) == 0 &&
	    (r = meta_each(t, SPAN_LIT(SIGNER_PREFIX), walk_signer, &w)) == 0)
		r = meta_each(t, SPAN_LIT(GONE_PREFIX), walk_gone, &w);
	kv_abort(&t);
	return r == E_NOTFOUND ? 0 : r;
}

/* --- signers -------------------------------------------------------------------------------------- */

static int
look_current(struct kv_cursor *c, struct span kid, struct span value, void *arg)
{
	struct tokendb_current	*cur = arg;
	struct tokendb_stored	 d;
	int		 r;

	(void)c;
	if (kid.n != TOKENDB_KID_CHARS)
		return E_FORMAT;
	if ((r = stored_read(value, &d)) != 0)
		return r;
	if (d.last_ends_ms > cur->last_ends_ms)
		cur->last_ends_ms = d.last_ends_ms;
	if (d.current) {
		cur->found = true;
		memcpy(cur->kid, kid.p, kid.n);
		cur->d = d;
	}
	crypt_wipe(&d, sizeof(d));
	return 0;
}

static int
put_signer(struct kv_txn *t, const struct tokendb_current *cur)
{
	char	at[32];

	return kv_put(t, DB_META, signer_at(cur->kid, at), span_make(&cur->d, sizeof(cur->d)));
}

static int
make_issuer(struct kv_txn *t)
{
	uint8_t		random[8];
	char		hex[2 * sizeof(random) + 1], name[TOKENDB_ISSUER_MAX];
	struct span	there;
	int		r;

	if ((r = kv_get(t, DB_META, SPAN_LIT("issuer"), &there)) != E_NOTFOUND)
		return r;
	if ((r = crypt_random(random, sizeof(random))) != 0)
		return r;
	num_hex(random, sizeof(random), hex);
	snprintf(name, sizeof(name), "urn:mcpgw:%s", hex);
	return kv_put(t, DB_META, SPAN_LIT("issuer"), span_of(name));
}

static int
make_signer(struct kv_txn *t, uint64_t now_ms, struct tokendb_current *cur)
{
	uint8_t		random[KID_BYTES];
	char		hex[2 * KID_BYTES + 1];
	int		r;

	*cur = (struct tokendb_current){ .found = true, .d = { .version = 1, .current = 1, .created_ms = now_ms } };
	if ((r = make_issuer(t)) != 0 || (r = crypt_random(random, sizeof(random))) != 0 ||
	    (r = sign_key_make(cur->d.private_key, cur->d.public_key)) != 0)
		return r;
	num_hex(random, sizeof(random), hex);
	snprintf(cur->kid, sizeof(cur->kid), KID_PREFIX "%s", hex);
	return put_signer(t, cur);
}

static int
txn_ready(struct kv_txn *t, void *arg)
{
	const uint64_t		*now_ms = arg;
	struct tokendb_current	 cur = { .found = false };
	int			 r = meta_each(t, SPAN_LIT(SIGNER_PREFIX), look_current, &cur);

	if (r == 0 && !cur.found)
		r = make_signer(t, *now_ms, &cur);
	crypt_wipe(&cur, sizeof(cur));
	return r;
}

int
tokendb_ready(struct keydb *db, uint64_t now_ms)
{
	return keydb_write(db, txn_ready, &now_ms);
}

struct rotate {
	uint64_t	now_ms;
	bool		at_once;
};

/* Of one that signs no more the private half goes at once, the rest when the last of its tokens has ended. */
static int
retire(struct kv_cursor *c, struct span kid, struct span value, void *arg)
{
	struct tokendb_current	*cur = arg;

	(void)value;
	return kid.n == TOKENDB_KID_CHARS && memcmp(kid.p, cur->kid, kid.n) == 0 ? 0 : kv_cursor_del(c);
}

static int
retire_over(struct kv_cursor *c, struct span kid, struct span value, void *arg)
{
	const struct rotate	*ro = arg;
	struct tokendb_stored		 d;
	int			 r;

	(void)kid;
	if ((r = stored_read(value, &d)) != 0)
		return r;
	r = !d.current && d.last_ends_ms <= ro->now_ms ? kv_cursor_del(c) : 0;
	crypt_wipe(&d, sizeof(d));
	return r;
}

static int
txn_rotate(struct kv_txn *t, void *arg)
{
	struct rotate	*ro = arg;
	struct tokendb_current	 cur = { 0 }, new;
	int		 r;

	if ((r = meta_each(t, SPAN_LIT(SIGNER_PREFIX), look_current, &cur)) != 0)
		return r;
	if (cur.found) {
		cur.d.current = 0;
		crypt_wipe(cur.d.private_key, sizeof(cur.d.private_key));
		r = put_signer(t, &cur);
	}
	if (r == 0 && (r = make_signer(t, ro->now_ms, &new)) == 0)
		r = ro->at_once ? meta_each(t, SPAN_LIT(SIGNER_PREFIX), retire, &new) :
		    meta_each(t, SPAN_LIT(SIGNER_PREFIX), retire_over, ro);
	crypt_wipe(&cur, sizeof(cur));
	crypt_wipe(&new, sizeof(new));
	return r;
}

int
tokendb_rotate(struct keydb *db, uint64_t now_ms, bool at_once)
{
	return keydb_write(db, txn_rotate, &(struct rotate){ now_ms, at_once });
}

/* --- issue ---------------------------------------------------------------------------------------- */

int
tokendb_sign_begin(struct kv_txn *t, struct tokendb_signing *i)
{
	struct span	issuer;
	int		r;

	i->cur = (struct tokendb_current){ 0 };
	if ((r = meta_each(t, SPAN_LIT(SIGNER_PREFIX), look_current, &i->cur)) != 0)
		return r;
	i->out->new_signer = !i->cur.found;
	if (!i->cur.found && (r = make_signer(t, i->now_ms, &i->cur)) != 0)
		return r;
	if (i->cur.d.last_ends_ms < i->out->ends_ms) {
		i->cur.d.last_ends_ms = i->out->ends_ms;
		if ((r = put_signer(t, &i->cur)) != 0)
			return r;
	}
	if ((r = kv_get(t, DB_META, SPAN_LIT("issuer"), &issuer)) != 0)
		return r == E_NOTFOUND ? E_FORMAT : r;
	snprintf(i->issuer, sizeof(i->issuer), "%.*s", SPAN_FMT(issuer));
	return 0;
}

static int
txn_issue(struct kv_txn *t, void *arg)
{
	return tokendb_sign_begin(t, arg);
}

static bool
claims_ok(struct span claims)
{
	static const char *const	ours[] = { "iss", "aud", "jti", "iat", "exp", "nbf", OWN_VIA, NULL };
	struct json_value		v, one;
	struct json_iter		it;
	struct span			key;

	if (claims.n > TOKENDB_CLAIMS_MAX || claims.n < 2 || claims.p[0] != '{' ||
	    claims.p[claims.n - 1] != '}' || json_parse(claims, true, &v, NULL) != 0 || v.type != JSON_OBJECT ||
	    json_get(v, "agent").type != JSON_STRING)
		return false;
	for (json_iter_init(&it, v); json_iter_next(&it, &key, &one);)
		if (json_is_one_of(json_key(key), ours))
			return false;
	return true;
}

static int
put_part(struct buf *b, struct span part)
{
	char	*to;
	int	 r;

	/* The encoder ends its text, and so does the caller's next part. */
	if ((r = buf_reserve(b, B64URL_CHARS(part.n) + 1, &to)) != 0)
		return r;
	b64url_encode(part.p, part.n, to);
	buf_commit(b, B64URL_CHARS(part.n));
	return 0;
}

int
tokendb_sign(const struct tokendb_signing *i, struct span claims, struct buf *token)
{
	uint8_t		signature[SIGN_SIGNATURE_BYTES];
	struct buf	part;
	int		r;

	buf_init(&part, TOKENDB_CLAIMS_MAX + 1024);
	if ((r = buf_put_fmt(&part, "{\"typ\":\"" OWN_TYPE "\",\"alg\":\"EdDSA\",\"kid\":\"%s\"}",
	    i->cur.kid)) != 0 || (r = put_part(token, buf_rest(&part))) != 0)
		goto out;
	buf_clear(&part);
	/* The operator's own claims go on where ours end. */
	if ((r = buf_put_fmt(&part, "{\"iss\":\"%s\",\"aud\":\"%s\",\"jti\":\"%s\",\"iat\":%llu,\"exp\":%llu,",
	    i->issuer, i->issuer, i->out->id, (unsigned long long)i->now_ms / 1000,
	    (unsigned long long)i->out->ends_ms / 1000)) != 0 ||
	    (r = buf_put(&part, span_part(claims, 1, claims.n))) != 0 || (r = buf_put_str(token, ".")) != 0 ||
	    (r = put_part(token, buf_rest(&part))) != 0 ||
	    (r = sign_text(i->cur.d.private_key, buf_rest(token), signature)) != 0 ||
	    (r = buf_put_str(token, ".")) != 0)
		goto out;
	r = put_part(token, span_make(signature, sizeof(signature)));
 out:
	buf_fini(&part);
	return r;
}

int
tokendb_token_begin(uint64_t ends_ms, struct tokendb_token *out)
{
	uint8_t	id[OWN_ID_BYTES];
	int	r;

	*out = (struct tokendb_token){ .ends_ms = ends_ms / 1000 * 1000 };
	if ((r = crypt_random(id, sizeof(id))) == 0)
		num_hex(id, sizeof(id), out->id);
	return r;
}

int
tokendb_issue(struct keydb *db, struct span claims, uint64_t for_ms, uint64_t now_ms, struct buf *token,
    struct tokendb_token *out)
{
	struct tokendb_signing	i = { .now_ms = now_ms, .out = out };
	int			r;

	*out = (struct tokendb_token){ 0 };
	if (for_ms < 1000 || for_ms > TOKENDB_FOR_MS_MAX)
		return E_RANGE;
	if (!claims_ok(claims))
		return E_FORMAT;
	if ((r = tokendb_token_begin(now_ms + for_ms, out)) != 0)
		return r;
	if ((r = keydb_write(db, txn_issue, &i)) == 0)
		r = tokendb_sign(&i, claims, token);
	crypt_wipe(&i.cur, sizeof(i.cur));
	return r;
}

/* --- revocation ----------------------------------------------------------------------------------- */

struct gone {
	uint64_t	now_ms, count;
	uint64_t	ends_ms, room;		/* of a family: when its last token ends; how many there may be */
	char		at[GONE_PREFIX_BYTES + OWN_ID_BYTES];
};

static int
forget_over(struct kv_cursor *c, struct span id, struct span value, void *arg)
{
	struct gone	*g = arg;

	(void)id;
	if (value.n == 8 && kv_get_be64(value.p) > g->now_ms) {
		g->count++;
		return 0;
	}
	return kv_cursor_del(c);
}

static int
txn_revoke(struct kv_txn *t, void *arg)
{
	struct gone	*g = arg;
	struct tokendb_current	 cur = { 0 };
	char		 ends[8];
	int		 r;

	g->count = 0;
	if ((r = meta_each(t, SPAN_LIT(GONE_PREFIX), forget_over, g)) != 0 ||
	    (r = meta_each(t, SPAN_LIT(SIGNER_PREFIX), look_current, &cur)) != 0)
		return r;
	crypt_wipe(&cur.d, sizeof(cur.d));
	if (g->count >= g->room)
		return E_TOOBIG;
	if (cur.last_ends_ms <= g->now_ms)
		return 0;		/* no token is good any more */
	kv_put_be64(ends, g->ends_ms != 0 && g->ends_ms < cur.last_ends_ms ? g->ends_ms : cur.last_ends_ms);
	return kv_put(t, DB_META, span_make(g->at, sizeof(g->at)), span_make(ends, sizeof(ends)));
}

int
tokendb_revoke(struct keydb *db, struct span id, uint64_t now_ms)
{
	struct gone	g = { .now_ms = now_ms, .room = TOKENDB_GONE_MAX };

	memcpy(g.at, GONE_PREFIX, GONE_PREFIX_BYTES);
	if (!own_id_read(id, (uint8_t *)g.at + GONE_PREFIX_BYTES))
		return E_FORMAT;
	return keydb_write(db, txn_revoke, &g);
}

int
tokendb_family_gone(struct kv_txn *t, const uint8_t id[OWN_ID_BYTES], uint64_t ends_ms, uint64_t now_ms)
{
	struct gone	g = { .now_ms = now_ms, .ends_ms = ends_ms, .room = TOKENDB_GONE_MAX / 2 };
	int		r;

	memcpy(g.at, GONE_PREFIX, GONE_PREFIX_BYTES);
	memcpy(g.at + GONE_PREFIX_BYTES, id, OWN_ID_BYTES);
	r = txn_revoke(t, &g);
	/* What an operator revokes is to find room: these end soon by themselves. */
	return r == E_TOOBIG ? 0 : r;
}

struct before {
	struct kv_txn	*t;
	uint64_t	 before_ms;
	char		 kids[64][TOKENDB_KID_CHARS + 1];
	size_t		 count;
};

static int
take_kid(struct kv_cursor *c, struct span kid, struct span value, void *arg)
{
	struct before	*b = arg;

	(void)c;
	(void)value;
	if (kid.n != TOKENDB_KID_CHARS || b->count == sizeof(b->kids) / sizeof(b->kids[0]))
		return kid.n != TOKENDB_KID_CHARS ? E_FORMAT : E_TOOBIG;
	memcpy(b->kids[b->count++], kid.p, kid.n);
	return 0;
}

static int
txn_before(struct kv_txn *t, void *arg)
{
	struct before	*b = arg;
	struct tokendb_stored	 d;
	struct span	 value;
	char		 at[32];
	int		 r;

	b->count = 0;
	if ((r = meta_each(t, SPAN_LIT(SIGNER_PREFIX), take_kid, b)) != 0)
		return r;
	for (size_t i = 0; i < b->count && r == 0; i++) {
		if ((r = kv_get(t, DB_META, signer_at(b->kids[i], at), &value)) != 0 ||
		    (r = stored_read(value, &d)) != 0)
			break;
		if (d.before_ms < b->before_ms) {
			d.before_ms = b->before_ms;
			r = kv_put(t, DB_META, signer_at(b->kids[i], at), span_make(&d, sizeof(d)));
		}
		crypt_wipe(&d, sizeof(d));
	}
	return r;
}

int
tokendb_revoke_before(struct keydb *db, uint64_t before_ms)
{
	struct before	b = { .before_ms = before_ms };

	return keydb_write(db, txn_before, &b);
}
