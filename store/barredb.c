/* SPDX-License-Identifier: Apache-2.0
 *
 * barredb.c - the store: tokens of issuers that do not count any more
 *
 * Process: mcpgw-store.  Owns: nothing beyond the call.
 * Trusts:  its caller for who may ask; no length and no text.
 */
#include "lib/crypt.h"
#include "store/barredb.h"
#include "store/keydb_priv.h"
#include "store/meta.h"

#define PREFIX		"barred:"
#define PREFIX_BYTES	(sizeof(PREFIX) - 1)

/* On disk, for ever: what comes later is appended. */
struct stored {
	uint8_t		version, is_subject, spare[2];
	uint16_t	issuer_bytes, name_bytes;
	uint64_t	before_ms, ends_ms;
};
_Static_assert(sizeof(struct stored) == 24, "as it is kept");

static int
stored_read(struct span value, struct barred *out)
{
	struct stored	d;

	if (value.n < sizeof(d))
		return E_FORMAT;
	memcpy(&d, value.p, sizeof(d));
	if (d.version != 1 || value.n < sizeof(d) + d.issuer_bytes + d.name_bytes)
		return E_FORMAT;
	*out = (struct barred){ .is_subject = d.is_subject != 0, .before_ms = d.before_ms, .ends_ms = d.ends_ms,
	    .issuer = span_part(value, sizeof(d), d.issuer_bytes),
	    .name = span_part(value, sizeof(d) + d.issuer_bytes, d.name_bytes) };
	return 0;
}

struct walk {
	uint64_t	 now_ms;
	barredb_fn	*fn;
	void		*arg;
};

static int
on_each(struct kv_cursor *c, struct span rest, struct span value, void *arg)
{
	const struct walk	*w = arg;
	struct barred		 b;
	int			 r;

	(void)c;
	(void)rest;
	if ((r = stored_read(value, &b)) != 0)
		return r;
	return b.ends_ms <= w->now_ms ? 0 : w->fn(&b, w->arg);
}

int
barredb_each(struct keydb *db, uint64_t now_ms, barredb_fn *fn, void *arg)
{
	struct walk	 w = { now_ms, fn, arg };
	struct kv_txn	*t;
	int		 r;

	if ((r = kv_begin(db->kv, false, &t)) != 0)
		return r;
	r = meta_each(t, SPAN_LIT(PREFIX), on_each, &w);
	kv_abort(&t);
	return r;
}

struct put {
	const struct barred	*b;
	uint64_t		 now_ms;
	size_t			 count;
};

static int
on_tidy(struct kv_cursor *c, struct span rest, struct span value, void *arg)
{
	struct put	*p = arg;
	struct barred	 b;

	(void)rest;
	if (stored_read(value, &b) == 0 && b.ends_ms > p->now_ms) {
		p->count++;
		return 0;
	}
	return kv_cursor_del(c);
}

static int
txn_put(struct kv_txn *t, void *arg)
{
	struct put		*p = arg;
	const struct barred	*b = p->b;
	struct stored		 d = { .version = 1, .is_subject = b->is_subject, .before_ms = b->before_ms,
				    .ends_ms = b->ends_ms, .issuer_bytes = (uint16_t)b->issuer.n,
				    .name_bytes = (uint16_t)b->name.n };
	char			 at[PREFIX_BYTES + CRYPT_SHA256_BYTES];
	struct crypt_digest	 digest;
	struct buf		 v;
	int			 r;

	p->count = 0;
	if ((r = meta_each(t, SPAN_LIT(PREFIX), on_tidy, p)) != 0)
		return r;
	if (p->count >= BARREDB_MAX)
		return E_TOOBIG;
	buf_init(&v, sizeof(d) + 2 * BARREDB_TEXT_MAX + 2);
	/* A text cannot hold the NUL between them. */
	if ((r = buf_put_u8(&v, b->is_subject)) == 0 && (r = buf_put(&v, b->issuer)) == 0 &&
	    (r = buf_put_u8(&v, 0)) == 0 && (r = buf_put(&v, b->name)) == 0)
		r = crypt_sha256(buf_rest(&v), &digest);
	buf_clear(&v);
	if (r == 0 && (r = buf_put(&v, span_make(&d, sizeof(d)))) == 0 && (r = buf_put(&v, b->issuer)) == 0 &&
	    (r = buf_put(&v, b->name)) == 0) {
		memcpy(at, PREFIX, PREFIX_BYTES);
		memcpy(at + PREFIX_BYTES, digest.bytes, CRYPT_SHA256_BYTES);
		r = kv_put(t, DB_META, span_make(at, sizeof(at)), buf_rest(&v));
	}
	buf_fini(&v);
	return r;
}

int
barredb_put(struct keydb *db, const struct barred *b, uint64_t now_ms)
{
	struct put	p = { .b = b, .now_ms = now_ms };

	if (!key_is_plain(b->issuer, BARREDB_TEXT_MAX) || !key_is_plain(b->name, BARREDB_TEXT_MAX))
		return E_FORMAT;
	if (b->ends_ms <= now_ms || b->ends_ms - now_ms > BARREDB_MS_MAX)
		return E_RANGE;
	return keydb_write(db, txn_put, &p);
}
