/* SPDX-License-Identifier: Apache-2.0
 *
 * grantdb.c - the store: what logins at HTTP servers gave
 *
 * Process: mcpgw-store.
 * Owns:    nothing; the environment is keydb.c's.  Plain texts are wiped as soon as they are sealed or passed on.
 * Trusts:  its caller for who may ask; no length, and no row that its key does not open.
 */
#include <stdlib.h>

#include "lib/crypt.h"
#include "store/grantdb.h"
#include "store/keydb_priv.h"

#define FORMAT		1
#define HEAD		(2 + CRYPT_NONCE_BYTES + CRYPT_TAG_BYTES)
#define ISSUER_MAX	2048
#define KEY_MAX		(KEYDB_TENANT_MAX + 1 + KEYDB_NAME_MAX + 1 + CRYPT_SHA256_BYTES)

struct keeping {
	char	key[KEY_MAX];
	size_t	key_bytes, prefix_bytes;
	char	*value;		/* malloc'ed */
	size_t	 value_bytes;
};

static bool
name_ok(struct span s, size_t max)
{
	return s.n > 0 && s.n <= max && memchr(s.p, '\0', s.n) == NULL;
}

static int
make_key(const struct grantdb_grant *g, struct keeping *k)
{
	struct crypt_digest	d;
	int			r;

	if (!name_ok(g->tenant, KEYDB_TENANT_MAX) || !name_ok(g->server, KEYDB_NAME_MAX) ||
	    (g->bytes.n > 0 && !name_ok(g->issuer, ISSUER_MAX)))
		return E_FORMAT;
	memcpy(k->key, g->tenant.p, g->tenant.n);
	k->key[g->tenant.n] = '\0';
	memcpy(k->key + g->tenant.n + 1, g->server.p, g->server.n);
	k->prefix_bytes = g->tenant.n + 1 + g->server.n + 1;
	k->key[k->prefix_bytes - 1] = '\0';
	if ((r = crypt_sha256(g->issuer, &d)) != 0)
		return r;
	memcpy(k->key + k->prefix_bytes, d.bytes, sizeof(d.bytes));
	k->key_bytes = k->prefix_bytes + sizeof(d.bytes);
	return 0;
}

static int
seal(const struct keyring *ring, const struct grantdb_grant *g, struct keeping *k)
{
	const struct keyring_key	*key = &ring->key[ring->newest];
	size_t				 bytes = sizeof(uint32_t) + g->issuer.n + g->bytes.n;
	uint32_t			 n = (uint32_t)g->issuer.n;
	uint8_t				*v, *at;
	int				 r;

	if (g->bytes.n > GRANTDB_BYTES_MAX)
		return E_TOOBIG;
	k->value_bytes = HEAD + bytes;
	if ((v = malloc(k->value_bytes)) == NULL)
		return E_NOMEM;
	k->value = (char *)v;
	v[0] = FORMAT;
	v[1] = key->number;
	at = v + HEAD;
	memcpy(at, &n, sizeof(n));
	memcpy(at + sizeof(n), g->issuer.p, g->issuer.n);
	memcpy(at + sizeof(n) + g->issuer.n, g->bytes.p, g->bytes.n);
	if ((r = crypt_random(v + 2, CRYPT_NONCE_BYTES)) == 0)
		r = crypt_seal(key->bytes, v + 2, span_make(k->key, k->key_bytes), span_make(at, bytes), at,
		    v + 2 + CRYPT_NONCE_BYTES);
	if (r != 0)
		crypt_wipe(v, k->value_bytes);
	return r;
}

/* Those of other issuers go with it. */
static int
drop_all(struct kv_txn *t, const struct keeping *k)
{
	const struct span	prefix = span_make(k->key, k->prefix_bytes);
	struct kv_cursor	*c;
	struct span		 key, value;
	int			 r;

	if ((r = kv_cursor_open(t, DB_GRANT, &c)) != 0)
		return r;
	r = kv_cursor_seek(c, prefix, &key, &value);
	while (r == 0 && span_starts(key, prefix) && (r = kv_cursor_del(c)) == 0)
		r = kv_cursor_seek(c, prefix, &key, &value);
	kv_cursor_close(&c);
	return r == E_NOTFOUND ? 0 : r;
}

static int
write_grant(struct kv_txn *t, void *arg)
{
	struct keeping	*k = arg;
	uint64_t	 count;
	int		 r;

	if ((r = drop_all(t, k)) != 0 || k->value == NULL)
		return r;
	if ((r = kv_count(t, DB_GRANT, &count)) != 0)
		return r;
	if (count >= GRANTDB_MAX)
		return E_FULL;
	return kv_put(t, DB_GRANT, span_make(k->key, k->key_bytes), span_make(k->value, k->value_bytes));
}

int
grantdb_keep(struct keydb *db, const struct keyring *ring, const struct grantdb_grant *g)
{
	struct keeping	k = { .value = NULL };
	int		r;

	if ((r = make_key(g, &k)) == 0 && (g->bytes.n == 0 || (r = seal(ring, g, &k)) == 0))
		r = keydb_write(db, write_grant, &k);
	free(k.value);
	return r;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool
names_of(struct span key, struct grantdb_grant *g)
{
	const char	*a = memchr(key.p, '\0', key.n), *b;

	if (a == NULL || (b = memchr(a + 1, '\0', key.n - (size_t)(a + 1 - key.p))) == NULL ||
	    (size_t)(b + 1 - key.p) + CRYPT_SHA256_BYTES != key.n)
		return false;
	g->tenant = span_make(key.p, (size_t)(a - key.p));
	g->server = span_make(a + 1, (size_t)(b - a - 1));
	return true;
}

/* Into plain, which has room for value.n bytes. */
static bool
open_row(const struct keyring *ring, struct span key, struct span value, uint8_t *plain, struct grantdb_grant *g)
{
	const uint8_t			*v = (const uint8_t *)value.p;
	const struct keyring_key	*k;
	size_t				 bytes;
	uint32_t			 n;

	if (value.n < HEAD + sizeof(n) || v[0] != FORMAT || (k = keyring_find(ring, v[1])) == NULL || !names_of(key, g))
		return false;
	bytes = value.n - HEAD;
	if (crypt_open(k->bytes, v + 2, key, span_make(v + HEAD, bytes), v + 2 + CRYPT_NONCE_BYTES, plain) != 0)
		return false;
	memcpy(&n, plain, sizeof(n));
	if (n > bytes - sizeof(n))
		return false;
	g->issuer = span_make(plain + sizeof(n), n);
	g->bytes = span_make(plain + sizeof(n) + n, bytes - sizeof(n) - n);
	return true;
}

int
grantdb_each(struct keydb *db, const struct keyring *ring, grantdb_fn *fn, void *arg, uint32_t *sealed)
{
	static uint8_t		 plain[HEAD + sizeof(uint32_t) + ISSUER_MAX + GRANTDB_BYTES_MAX];
	struct kv_txn		*t;
	struct kv_cursor	*c = NULL;
	struct grantdb_grant	 g;
	struct span		 key, value;
	int			 r;

	*sealed = 0;
	if ((r = kv_begin(db->kv, false, &t)) != 0)
		return r;
	if ((r = kv_cursor_open(t, DB_GRANT, &c)) == 0)
		for (r = kv_cursor_move(c, KV_FIRST, &key, &value); r == 0;
		    r = kv_cursor_move(c, KV_NEXT, &key, &value)) {
			if (value.n > sizeof(plain) || !open_row(ring, key, value, plain, &g)) {
				++*sealed;
				continue;
			}
			r = fn(&g, arg);
			crypt_wipe(plain, value.n);
			if (r != 0)
				break;
		}
	kv_cursor_close(&c);
	kv_abort(&t);
	return r == E_NOTFOUND ? 0 : r;
}
