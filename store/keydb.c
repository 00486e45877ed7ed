/* SPDX-License-Identifier: Apache-2.0
 *
 * keydb.c - the store: API keys, and the last good policies; changes of keys are keychange.c's, pins pindb.c's
 *
 * Process: mcpgw-store; without a master, the same program run by mcpgwctl.
 * Owns:    the environment.
 * Trusts:  its caller for who may ask; no length and no text.
 */
#include <stdlib.h>

#include "lib/fd.h"
#include "lib/kv.h"
#include "store/keydb_priv.h"

#define MAP_BYTES	(UINT64_C(64) << 20)
#define FORMAT		1

static const char *const tables[DB_LIMIT] = { "key", "keyname", "policy", "meta", "pin", "grant", "quota" };

int
keydb_open(const char *path, bool read_only, struct keydb **out)
{
	struct keydb	*db;
	int		 r;

	*out = NULL;
	if ((db = calloc(1, sizeof(*db))) == NULL)
		return E_NOMEM;
	r = kv_open(path, tables, DB_LIMIT, MAP_BYTES, read_only ? KV_READ_ONLY : 0, &db->kv);
	if (r != 0 || (r = kv_check_format(db->kv, DB_META, FORMAT)) != 0)
		goto fail;
	*out = db;
	return 0;
 fail:
	keydb_close(&db);
	return r;
}

void
keydb_close(struct keydb **dbp)
{
	struct keydb	*db = *dbp;

	*dbp = NULL;
	if (db == NULL)
		return;
	kv_close(&db->kv);
	free(db);
}

const char *
keydb_why(const struct keydb *db)
{
	return kv_why(db->kv);
}

struct span
key_at(struct span tenant, struct span name, char to[KEYNAME_MAX])
{
	memcpy(to, tenant.p, tenant.n);
	to[tenant.n] = '\0';
	memcpy(to + tenant.n + 1, name.p, name.n);
	return span_make(to, tenant.n + 1 + name.n);
}

int
key_each(struct kv_txn *t, keydb_key_fn *fn, void *arg)
{
	struct kv_cursor	*c;
	struct keydb_key	 key;
	struct span		 k, v;
	int			 r;

	if ((r = kv_cursor_open(t, DB_KEY, &c)) != 0)
		return r;
	for (r = kv_cursor_move(c, KV_FIRST, &k, &v); r == 0; r = kv_cursor_move(c, KV_NEXT, &k, &v))
		if ((r = key_decode(k, v, &key)) != 0 || (r = fn(&key, arg)) != 0)
			break;
	kv_cursor_close(&c);
	return r == E_NOTFOUND ? 0 : r;
}

int
keydb_each(struct keydb *db, keydb_key_fn *fn, void *arg)
{
	struct kv_txn	*t;
	int		 r;

	if ((r = kv_begin(db->kv, false, &t)) != 0)
		return r;
	r = key_each(t, fn, arg);
	kv_abort(&t);
	return r;
}

int
keydb_write(struct keydb *db, keydb_write_fn *fn, void *arg)
{
	struct kv_txn	*t;
	int		 r;

	for (;;) {
		if ((r = kv_begin(db->kv, true, &t)) != 0)
			return r;
		if ((r = fn(t, arg)) == 0)
			r = kv_commit(&t);
		else
			kv_abort(&t);
		if (r != E_FULL)
			return r;
		if ((r = kv_grow(db->kv)) != 0)
			return r;
	}
}

int
key_put(struct kv_txn *t, const struct keydb_key *key)
{
	struct buf	b;
	int		r;

	buf_init(&b, KEY_VALUE_MAX);
	if ((r = key_encode(&b, key)) == 0)
		r = kv_put(t, DB_KEY, key->digest, buf_rest(&b));
	buf_fini(&b);
	return r;
}

static int
same_key(const struct keydb_key *key, void *arg)
{
	const struct keydb_key	*new = arg;

	return span_eq(key->public_name, new->public_name) || span_eq(key->digest, new->digest) ? E_EXISTS : 0;
}

static int
txn_add(struct kv_txn *t, void *arg)
{
	const struct keydb_key	*key = arg;
	struct keydb_key	 there;
	struct span		 value;
	char			 name[KEYNAME_MAX];
	int			 r;

	/* Asked again by somebody whom the answer did not reach. */
	if (kv_get(t, DB_KEY, key->digest, &value) == 0 && key_decode(key->digest, value, &there) == 0 &&
	    span_eq(there.name, key->name) && span_eq(there.tenant, key->tenant))
		return 0;
	if ((r = key_each(t, same_key, arg)) != 0 ||
	    (r = kv_add(t, DB_KEYNAME, key_at(key->tenant, key->name, name), key->digest)) != 0)
		return r;
	return key_put(t, key);
}

int
keydb_add(struct keydb *db, const struct keydb_key *key)
{
	if (key->digest.n != KEYDB_DIGEST_BYTES || !key_is_plain(key->name, KEYDB_NAME_MAX) ||
	    !key_is_plain(key->public_name, KEYDB_NAME_MAX) || !key_is_plain(key->agent, KEYDB_NAME_MAX) ||
	    !key_is_plain(key->tenant, KEYDB_TENANT_MAX) || key->scopes.n > KEYDB_NAMES_MAX ||
	    key->roles.n > KEYDB_NAMES_MAX || key->groups.n > KEYDB_NAMES_MAX ||
	    (key->workspace.n > 0 && !key_is_plain(key->workspace, KEYDB_NAME_MAX)))
		return E_FORMAT;
	return keydb_write(db, txn_add, (void *)(uintptr_t)key);
}

struct save {
	uint64_t	generation;
	struct span	snapshot;
};

/* The generation saved last, or 0. */
static int
last_saved(struct kv_txn *t, uint64_t *generation)
{
	struct span	v;
	int		r;

	*generation = 0;
	if ((r = kv_get(t, DB_META, SPAN_LIT("policy"), &v)) == E_NOTFOUND)
		return 0;
	if (r == 0 && v.n != 8)
		return E_FORMAT;
	if (r == 0)
		*generation = kv_get_be64(v.p);
	return r;
}

static int
txn_save(struct kv_txn *t, void *arg)
{
	const struct save	*s = arg;
	struct kv_cursor	*c;
	struct span		 k, v;
	uint64_t		 before;
	char			 at[8];
	int			 r;

	if ((r = last_saved(t, &before)) != 0)
		return r;
	kv_put_be64(at, s->generation);
	if ((r = kv_put(t, DB_POLICY, span_make(at, 8), s->snapshot)) != 0 ||
	    (r = kv_put(t, DB_META, SPAN_LIT("policy"), span_make(at, 8))) != 0 ||
	    (r = kv_cursor_open(t, DB_POLICY, &c)) != 0)
		return r;
	/* By what was saved last and not by number: generations start anew with each start. */
	for (r = kv_cursor_move(c, KV_FIRST, &k, &v); r == 0; r = kv_cursor_move(c, KV_NEXT, &k, &v)) {
		uint64_t g = k.n == 8 ? kv_get_be64(k.p) : 0;

		if (g != s->generation && g != before && (r = kv_cursor_del(c)) != 0)
			break;
	}
	kv_cursor_close(&c);
	return r == E_NOTFOUND ? 0 : r;
}

int
keydb_policy_save(struct keydb *db, uint64_t generation, struct span snapshot)
{
	struct save	s = { generation, snapshot };

	return keydb_write(db, txn_save, &s);
}

int
keydb_policy_load(struct keydb *db, uint64_t *generation, int *fd)
{
	struct kv_txn	*t;
	struct span	 v;
	char		 at[8];
	int		 r;

	*fd = -1;
	if ((r = kv_begin(db->kv, false, &t)) != 0)
		return r;
	if ((r = last_saved(t, generation)) != 0)
		goto out;
	kv_put_be64(at, *generation);
	if ((r = kv_get(t, DB_POLICY, span_make(at, 8), &v)) == 0)
		r = fd_memfd_sealed("policy", v, fd);
 out:
	kv_abort(&t);
	return r;
}
