/* SPDX-License-Identifier: Apache-2.0
 *
 * keychange.c - what becomes of API keys that are there: another in their place, their end, when they were used
 *
 * Process: mcpgw-store, with a master and without.
 * Owns:    nothing beyond the call; each change is one transaction.
 * Trusts:  its caller for who may ask; no length and no text.
 */
#include "store/keydb_priv.h"

#define SAME_NAME_ROOM	64	/* those that live, and those that ended since the last rotation */

/* --- rotation ------------------------------------------------------------------------------------- */

struct rotation {
	const struct keydb_rotation	*what;
	char				 tenant[KEYDB_TENANT_MAX];
	size_t				 tenant_bytes;
	bool				 several;	/* tenants have this name */
	bool				 there;		/* the new key, of this name */
	bool				 taken;		/* its public name */
	unsigned			 count;
	char				 digest[SAME_NAME_ROOM][KEYDB_DIGEST_BYTES];
};

static int
rotation_look(const struct keydb_key *key, void *arg)
{
	struct rotation			*v = arg;
	const struct keydb_rotation	*what = v->what;

	if (span_eq(key->digest, what->digest))
		v->there = span_eq(key->name, what->name);
	else if (span_eq(key->public_name, what->public_name))
		v->taken = true;
	if (!span_eq(key->name, what->name) || (what->tenant.n > 0 && !span_eq(key->tenant, what->tenant)))
		return 0;
	if (key->tenant.n > sizeof(v->tenant))
		return E_FORMAT;
	if (v->count > 0 && !span_eq(key->tenant, span_make(v->tenant, v->tenant_bytes)))
		v->several = true;
	memcpy(v->tenant, key->tenant.p, key->tenant.n);
	v->tenant_bytes = key->tenant.n;
	if (v->count == SAME_NAME_ROOM)
		return E_TOOBIG;
	memcpy(v->digest[v->count++], key->digest.p, KEYDB_DIGEST_BYTES);
	return 0;
}

static bool
has_ended(const struct keydb_key *key, uint64_t now_ms)
{
	return key->ends_ms != 0 && key->ends_ms <= now_ms;
}

/* The one that its name points to, else the youngest by the clock, which may have been set back.  *newest is decoded
 * from the map: the next write may take it away. */
static int
newest_of(struct kv_txn *t, const struct rotation *v, struct keydb_key *newest, unsigned *living)
{
	char			name[KEYNAME_MAX];
	struct keydb_key	key;
	struct span		value, named = SPAN_NONE;
	bool			is_named = false;
	int			r;

	*living = 0;
	r = kv_get(t, DB_KEYNAME, key_at(span_make(v->tenant, v->tenant_bytes), v->what->name, name), &named);
	if (r != 0 && r != E_NOTFOUND)
		return r;
	for (unsigned i = 0; i < v->count; i++) {
		const struct span	digest = span_make(v->digest[i], KEYDB_DIGEST_BYTES);

		if ((r = kv_get(t, DB_KEY, digest, &value)) != 0 || (r = key_decode(digest, value, &key)) != 0)
			return r;
		*living += !has_ended(&key, v->what->now_ms);
		if (span_eq(digest, named) || i == 0 || (!is_named && key.created_ms > newest->created_ms))
			*newest = key;
		is_named |= span_eq(digest, named);
	}
	return 0;
}

/* One of those that are there: its end, or the end of it. */
static int
make_way(struct kv_txn *t, struct span digest, const struct keydb_rotation *what)
{
	struct keydb_key	 key;
	struct span		 value;
	int			 r;

	if ((r = kv_get(t, DB_KEY, digest, &value)) != 0 || (r = key_decode(digest, value, &key)) != 0)
		return r;
	if (has_ended(&key, what->now_ms))
		return kv_del(t, DB_KEY, digest);
	if (key.ends_ms != 0 && key.ends_ms <= what->now_ms + what->overlap_ms)
		return 0;
	key.ends_ms = what->now_ms + what->overlap_ms;
	return key_put(t, &key);
}

static int
txn_rotate(struct kv_txn *t, void *arg)
{
	struct rotation			*v = arg;
	const struct keydb_rotation	*what = v->what;
	struct keydb_key		 key;
	struct buf			 copy;
	char				 name[KEYNAME_MAX];
	unsigned			 living;
	int				 r;

	*v = (struct rotation){ .what = what };
	if ((r = key_each(t, rotation_look, v)) != 0)
		return r;
	if (v->there)
		return 0;
	if (v->count == 0 || v->several || v->taken)
		return v->count == 0 ? E_NOTFOUND : v->several ? E_RANGE : E_EXISTS;
	if ((r = newest_of(t, v, &key, &living)) != 0)
		return r;
	if (living >= KEYDB_SAME_NAME_MAX)
		return E_TOOBIG;
	key.ends_ms = what->ends_ms != 0 || key.ends_ms == 0 ? what->ends_ms :
	    what->now_ms + (key.ends_ms > key.created_ms ? key.ends_ms - key.created_ms : 0);
	key.digest = what->digest;
	key.public_name = what->public_name;
	key.created_ms = what->now_ms;
	key.used_ms = 0;
	key.by = what->by;
	/* Encoded before anything is written: its texts are the old one's. */
	buf_init(&copy, KEY_VALUE_MAX);
	if ((r = key_encode(&copy, &key)) == 0)
		r = kv_put(t, DB_KEYNAME, key_at(key.tenant, key.name, name), what->digest);
	for (unsigned i = 0; i < v->count && r == 0; i++)
		r = make_way(t, span_make(v->digest[i], KEYDB_DIGEST_BYTES), what);
	if (r == 0)
		r = kv_add(t, DB_KEY, what->digest, buf_rest(&copy));
	buf_fini(&copy);
	return r;
}

int
keydb_rotate(struct keydb *db, const struct keydb_rotation *what)
{
	struct rotation	v = { .what = what };

	if (what->digest.n != KEYDB_DIGEST_BYTES || !key_is_plain(what->public_name, KEYDB_NAME_MAX) ||
	    what->overlap_ms > UINT64_MAX - what->now_ms)
		return E_FORMAT;
	return keydb_write(db, txn_rotate, &v);
}

/* --- revocation ----------------------------------------------------------------------------------- */

struct revocation {
	const struct keydb_which	*which;
	bool				 by_public_name, several;
	char				 tenant[KEYDB_TENANT_MAX];
	size_t				 tenant_bytes;
	uint32_t			 found, ended;
};

static bool
concerns(const struct keydb_key *key, const struct revocation *v)
{
	const struct keydb_which	*w = v->which;

	return (w->agent.n == 0 || span_eq(key->agent, w->agent)) &&
	    (w->tenant.n == 0 || span_eq(key->tenant, w->tenant)) &&
	    (w->name.n == 0 || span_eq(v->by_public_name ? key->public_name : key->name, w->name));
}

/* Is it a public name, which is one key's, or a name, and then of how many tenants? */
static int
revocation_look(const struct keydb_key *key, void *arg)
{
	struct revocation	*v = arg;

	if (key->tenant.n > sizeof(v->tenant))
		return E_FORMAT;
	if (v->which->name.n > 0 && span_eq(key->public_name, v->which->name))
		v->by_public_name = true;
	if (!concerns(key, v))
		return 0;
	if (v->found++ > 0 && !span_eq(key->tenant, span_make(v->tenant, v->tenant_bytes)))
		v->several = true;
	memcpy(v->tenant, key->tenant.p, key->tenant.n);
	v->tenant_bytes = key->tenant.n;
	return 0;
}

static int
end_them(struct kv_txn *t, struct revocation *v)
{
	struct kv_cursor	*c;
	struct keydb_key	 key;
	struct span		 k, value;
	int			 r;

	if ((r = kv_cursor_open(t, DB_KEY, &c)) != 0)
		return r;
	for (r = kv_cursor_move(c, KV_FIRST, &k, &value); r == 0; r = kv_cursor_move(c, KV_NEXT, &k, &value)) {
		if ((r = key_decode(k, value, &key)) != 0)
			break;
		if (!concerns(&key, v))
			continue;
		if ((r = kv_cursor_del(c)) != 0)
			break;
		v->ended++;
	}
	kv_cursor_close(&c);
	return r == E_NOTFOUND ? 0 : r;
}

static int
name_again(const struct keydb_key *key, void *arg)
{
	char	name[KEYNAME_MAX];
	int	r;

	if (key->tenant.n > KEYDB_TENANT_MAX || key->name.n > KEYDB_NAME_MAX)
		return E_FORMAT;
	r = kv_add(arg, DB_KEYNAME, key_at(key->tenant, key->name, name), key->digest);
	return r == E_EXISTS ? 0 : r;
}

/* A name is free when no key has it any more; of several keys it may have pointed to the one that went. */
static int
mend_names(struct kv_txn *t)
{
	struct kv_cursor	*c;
	struct span		 k, digest, value;
	int			 r;

	if ((r = kv_cursor_open(t, DB_KEYNAME, &c)) != 0)
		return r;
	for (r = kv_cursor_move(c, KV_FIRST, &k, &digest); r == 0; r = kv_cursor_move(c, KV_NEXT, &k, &digest)) {
		if ((r = kv_get(t, DB_KEY, digest, &value)) == E_NOTFOUND)
			r = kv_cursor_del(c);
		if (r != 0)
			break;
	}
	kv_cursor_close(&c);
	return r != E_NOTFOUND ? r : key_each(t, name_again, t);
}

static int
txn_revoke(struct kv_txn *t, void *arg)
{
	struct revocation	*v = arg;
	int			 r;

	*v = (struct revocation){ .which = v->which };
	if ((r = key_each(t, revocation_look, v)) != 0)
		return r;
	if (v->found == 0 && !v->by_public_name)
		return E_NOTFOUND;
	if (!v->by_public_name && v->several)
		return E_RANGE;
	if ((r = end_them(t, v)) != 0)
		return r;
	return v->ended == 0 ? E_NOTFOUND : mend_names(t);
}

int
keydb_revoke(struct keydb *db, const struct keydb_which *which, uint32_t *ended)
{
	struct revocation	v = { .which = which };
	int			r;

	*ended = 0;
	if (which->name.n == 0 && which->agent.n == 0 && which->tenant.n == 0)
		return E_NOTFOUND;
	if ((r = keydb_write(db, txn_revoke, &v)) == 0)
		*ended = v.ended;
	return r;
}

/* --- use ------------------------------------------------------------------------------------------ */

struct use {
	struct span	uses;
	uint64_t	now_ms;
};

static int
txn_used(struct kv_txn *t, void *arg)
{
	const struct use	*u = arg;
	struct keydb_key	 key;
	struct span		 value;
	int			 r;

	for (size_t at = 0; at < u->uses.n; at += KEYDB_USE_BYTES) {
		const struct span	digest = span_part(u->uses, at, KEYDB_DIGEST_BYTES);
		uint64_t		used_ms;

		memcpy(&used_ms, u->uses.p + at + KEYDB_DIGEST_BYTES, sizeof(used_ms));
		if ((r = kv_get(t, DB_KEY, digest, &value)) == E_NOTFOUND)
			continue;
		if (r != 0 || (r = key_decode(digest, value, &key)) != 0)
			return r;
		if (used_ms <= key.used_ms || used_ms > u->now_ms)
			continue;
		key.used_ms = used_ms;
		if ((r = key_put(t, &key)) != 0)
			return r;
	}
	return 0;
}

int
keydb_used(struct keydb *db, struct span uses, uint64_t now_ms)
{
	struct use	u = { uses, now_ms };

	return uses.n % KEYDB_USE_BYTES != 0 ? E_FORMAT : keydb_write(db, txn_used, &u);
}
