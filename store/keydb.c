/* SPDX-License-Identifier: Apache-2.0
 *
 * keydb.c - the store: API keys, and the last good policies; pins of tools are pindb.c's
 *
 * Process: mcpgw-store; without a master, the same program run by mcpgwctl.
 * Owns:    the environment.
 * Trusts:  its caller for who may ask; no length and no text.
 */
#include <stdlib.h>
#include <time.h>

#include "lib/fd.h"
#include "lib/json.h"
#include "lib/kv.h"
#include "store/keydb_priv.h"

#define MAP_BYTES	(UINT64_C(64) << 20)
#define FORMAT		1
#define KEYNAME_MAX	(KEYDB_TENANT_MAX + 1 + KEYDB_NAME_MAX)
#define VALUE_MAX	1024

static const char *const tables[DB_LIMIT] = { "key", "keyname", "policy", "meta", "pin", "grant" };

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

static bool
is_plain(struct span s, size_t max)
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

static int
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

static int
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

static struct span
keyname(struct span tenant, struct span name, char to[KEYNAME_MAX])
{
	memcpy(to, tenant.p, tenant.n);
	to[tenant.n] = '\0';
	memcpy(to + tenant.n + 1, name.p, name.n);
	return span_make(to, tenant.n + 1 + name.n);
}

static int
each(struct kv_txn *t, keydb_key_fn *fn, void *arg)
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
	r = each(t, fn, arg);
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

static int
same_public_name(const struct keydb_key *key, void *arg)
{
	return span_eq(key->public_name, *(const struct span *)arg) ? E_EXISTS : 0;
}

static int
txn_add(struct kv_txn *t, void *arg)
{
	const struct keydb_key	*key = arg;
	struct span		 public_name = key->public_name, at;
	char			 name[KEYNAME_MAX];
	struct buf		 b;
	int			 r;

	if ((r = each(t, same_public_name, &public_name)) != 0)
		return r;
	at = keyname(key->tenant, key->name, name);
	if ((r = kv_add(t, DB_KEYNAME, at, key->digest)) != 0)
		return r;
	buf_init(&b, VALUE_MAX);
	if ((r = key_encode(&b, key)) == 0)
		r = kv_add(t, DB_KEY, key->digest, buf_rest(&b));
	buf_fini(&b);
	return r;
}

int
keydb_add(struct keydb *db, const struct keydb_key *key)
{
	if (key->digest.n != KEYDB_DIGEST_BYTES || !is_plain(key->name, KEYDB_NAME_MAX) ||
	    !is_plain(key->public_name, KEYDB_NAME_MAX) || !is_plain(key->agent, KEYDB_NAME_MAX) ||
	    !is_plain(key->tenant, KEYDB_TENANT_MAX))
		return E_FORMAT;
	return keydb_write(db, txn_add, (void *)(uintptr_t)key);
}

struct revoke {
	struct span	 wanted;
	unsigned	 by_name;
	bool		 by_public_name;
	char		 digest[KEYDB_DIGEST_BYTES], at[KEYNAME_MAX];
	size_t		 at_bytes;
	char		*public_name;
};

static int
revoke_look(const struct keydb_key *key, void *arg)
{
	struct revoke	*v = arg;
	bool		 public_name = span_eq(key->public_name, v->wanted);

	if (v->by_public_name || (!public_name && !span_eq(key->name, v->wanted)))
		return 0;
	if (key->name.n > KEYDB_NAME_MAX || key->tenant.n > KEYDB_TENANT_MAX ||
	    key->public_name.n > KEYDB_NAME_MAX)
		return E_FORMAT;
	v->by_public_name = public_name;
	v->by_name += !public_name;
	memcpy(v->digest, key->digest.p, KEYDB_DIGEST_BYTES);
	v->at_bytes = keyname(key->tenant, key->name, v->at).n;
	memcpy(v->public_name, key->public_name.p, key->public_name.n);
	v->public_name[key->public_name.n] = '\0';
	return 0;
}

static int
txn_revoke(struct kv_txn *t, void *arg)
{
	struct revoke	*v = arg;
	int		 r;

	v->by_name = 0;
	v->by_public_name = false;
	if ((r = each(t, revoke_look, v)) != 0)
		return r;
	/* A public name is one key's; a name may be several tenants'. */
	if (!v->by_public_name && v->by_name != 1)
		return v->by_name == 0 ? E_NOTFOUND : E_RANGE;
	if ((r = kv_del(t, DB_KEY, span_make(v->digest, KEYDB_DIGEST_BYTES))) != 0)
		return r;
	return kv_del(t, DB_KEYNAME, span_make(v->at, v->at_bytes));
}

int
keydb_revoke(struct keydb *db, struct span name, char public_name[KEYDB_NAME_MAX + 1])
{
	struct revoke	v = { .wanted = name, .public_name = public_name };

	public_name[0] = '\0';
	return name.n == 0 ? E_NOTFOUND : keydb_write(db, txn_revoke, &v);
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
	    (r = put_time(to, "ends", key->ends_ms)) != 0)
		return r;
	return buf_put_str(to, "}\n");
}
