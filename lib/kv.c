/* SPDX-License-Identifier: Apache-2.0
 *
 * kv.c - durable tables of bytes: the only includer of lmdb.h
 *
 * Process: mcpgw-audit, mcpgw-store, and both in their query and offline forms.
 * Owns:    the environment, its databases' handles, the writer's lock, the text of the last error.
 * Trusts:  the files only as far as LMDB and the check of their length at open go.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/kv.h"

#define READERS_MAX 64

struct kv {
	MDB_env		*env;
	MDB_dbi		 dbi[KV_DATABASES_MAX];
	bool		 absent[KV_DATABASES_MAX];	/* read-only, and its writer knows of none yet: empty */
	unsigned	 count;
	bool		 read_only;
	int		 lock_fd;	/* the writer's, else -1 */
	const char	*why;
};

struct kv_txn {
	struct kv	*kv;
	MDB_txn		*txn;
	MDB_cursor	*end[KV_DATABASES_MAX];	/* of kv_append(), which is called again and again */
};

struct kv_cursor {
	struct kv	*kv;
	MDB_cursor	*cursor;
};

static int
answer(struct kv *kv, int rc)
{
	if (rc == 0)
		return 0;
	if (rc == MDB_NOTFOUND)
		return E_NOTFOUND;
	if (rc == MDB_KEYEXIST)
		return E_EXISTS;
	kv->why = mdb_strerror(rc);
	switch (rc) {
	case MDB_MAP_FULL:
		return E_FULL;
	case MDB_VERSION_MISMATCH:
		return E_VERSION;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_PANIC:
	case MDB_INVALID:
	case MDB_CURSOR_FULL:
	case MDB_PAGE_FULL:
	case MDB_INCOMPATIBLE:
		return E_FORMAT;
	case ENOMEM:
		return E_NOMEM;
	default:
		errno = rc > 0 ? rc : EIO;
		return E_SYS;
	}
}

static MDB_val
val_of(struct span s)
{
	return (MDB_val){ s.n, (void *)(uintptr_t)s.p };
}

static struct span
span_of_val(MDB_val v)
{
	return span_make(v.mv_data, v.mv_size);
}

/* One writer: flock and not LMDB's own lock, which would let two take turns. */
static int
lock_take(struct kv *kv, const char *path)
{
	char	name[PATH_MAX];

	if (snprintf(name, sizeof(name), "%s/lock", path) >= (int)sizeof(name))
		return E_TOOBIG;
	kv->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (kv->lock_fd == -1)
		return E_SYS;
	if (flock(kv->lock_fd, LOCK_EX | LOCK_NB) == -1)
		return errno == EWOULDBLOCK ? E_EXISTS : E_SYS;
	return 0;
}

/* A file cut short would be a SIGBUS at the first page that is not there. */
static int
length_check(struct kv *kv)
{
	MDB_envinfo	info;
	MDB_stat	st;
	struct stat	file;
	mdb_filehandle_t fd;
	int		rc;

	if ((rc = mdb_env_info(kv->env, &info)) != 0 || (rc = mdb_env_stat(kv->env, &st)) != 0 ||
	    (rc = mdb_env_get_fd(kv->env, &fd)) != 0)
		return answer(kv, rc);
	if (fstat(fd, &file) == -1)
		return answer(kv, errno);
	if (info.me_last_txnid != 0 &&
	    (uint64_t)file.st_size < (uint64_t)(info.me_last_pgno + 1) * st.ms_psize)
		return answer(kv, MDB_CORRUPTED);
	return 0;
}

static int
databases_open(struct kv *kv, const char *const *names, unsigned count)
{
	MDB_txn	*txn;
	int	 rc;

	if ((rc = mdb_txn_begin(kv->env, NULL, kv->read_only ? MDB_RDONLY : 0, &txn)) != 0)
		return answer(kv, rc);
	for (unsigned i = 0; i < count; i++) {
		rc = mdb_dbi_open(txn, names[i], kv->read_only ? 0 : MDB_CREATE, &kv->dbi[i]);
		kv->absent[i] = kv->read_only && rc == MDB_NOTFOUND;
		if (rc != 0 && !kv->absent[i]) {
			mdb_txn_abort(txn);
			return answer(kv, rc);
		}
	}
	kv->count = count;
	return answer(kv, mdb_txn_commit(txn));
}

int
kv_open(const char *path, const char *const *names, unsigned count, uint64_t map_bytes, unsigned flags,
    struct kv **out)
{
	struct kv	*kv;
	unsigned	 mdb_flags = 0;
	int		 rc, r, dead;

	BUG_ON(count > KV_DATABASES_MAX);
	*out = NULL;
	if ((kv = calloc(1, sizeof(*kv))) == NULL)
		return E_NOMEM;
	kv->lock_fd = -1;
	kv->read_only = (flags & KV_READ_ONLY) != 0;
	if (!kv->read_only && (r = lock_take(kv, path)) != 0)
		goto fail;
	if (kv->read_only)
		mdb_flags |= MDB_RDONLY;
	if (flags & KV_LAZY_META)
		mdb_flags |= MDB_NOMETASYNC;
	if ((rc = mdb_env_create(&kv->env)) != 0 ||
	    (rc = mdb_env_set_maxdbs(kv->env, KV_DATABASES_MAX)) != 0 ||
	    (rc = mdb_env_set_maxreaders(kv->env, READERS_MAX)) != 0 ||
	    (rc = mdb_env_set_mapsize(kv->env, map_bytes)) != 0 ||
	    (rc = mdb_env_open(kv->env, path, mdb_flags, 0600)) != 0) {
		r = kv->read_only && rc == ENOENT ? E_NOTFOUND : answer(kv, rc);
		goto fail;
	}
	/* Readers that were killed would keep old pages from being used again. */
	if (!kv->read_only)
		mdb_reader_check(kv->env, &dead);
	if ((r = length_check(kv)) != 0 || (r = databases_open(kv, names, count)) != 0)
		goto fail;
	*out = kv;
	return 0;
 fail:
	kv_close(&kv);
	return r;
}

void
kv_close(struct kv **kvp)
{
	struct kv	*kv = *kvp;
	int		 saved = errno;

	*kvp = NULL;
	if (kv == NULL)
		return;
	if (kv->env != NULL)
		mdb_env_close(kv->env);
	fd_close(&kv->lock_fd);
	free(kv);
	errno = saved;
}

int
kv_grow(struct kv *kv)
{
	MDB_envinfo	info;
	int		rc;

	if ((rc = mdb_env_info(kv->env, &info)) != 0)
		return answer(kv, rc);
	return answer(kv, mdb_env_set_mapsize(kv->env, info.me_mapsize * 2));
}

int
kv_sync(struct kv *kv)
{
	return answer(kv, mdb_env_sync(kv->env, 1));
}

const char *
kv_why(const struct kv *kv)
{
	return kv->why == NULL ? "no error" : kv->why;
}

int
kv_begin(struct kv *kv, bool write, struct kv_txn **out)
{
	struct kv_txn	*t;
	int		 rc;

	*out = NULL;
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return E_NOMEM;
	t->kv = kv;
	rc = mdb_txn_begin(kv->env, NULL, write ? 0 : MDB_RDONLY, &t->txn);
	if (rc == MDB_MAP_RESIZED) {
		/* The writer grew it; take its size over. */
		if ((rc = mdb_env_set_mapsize(kv->env, 0)) == 0)
			rc = mdb_txn_begin(kv->env, NULL, write ? 0 : MDB_RDONLY, &t->txn);
	}
	if (rc != 0) {
		free(t);
		return answer(kv, rc);
	}
	*out = t;
	return 0;
}

static void
ends_close(struct kv_txn *t)
{
	for (unsigned i = 0; i < t->kv->count; i++)
		if (t->end[i] != NULL)
			mdb_cursor_close(t->end[i]);
}

int
kv_commit(struct kv_txn **tp)
{
	struct kv_txn	*t = *tp;
	int		 r;

	*tp = NULL;
	ends_close(t);
	r = answer(t->kv, mdb_txn_commit(t->txn));
	free(t);
	return r;
}

void
kv_abort(struct kv_txn **tp)
{
	struct kv_txn	*t = *tp;
	int		 saved = errno;

	*tp = NULL;
	if (t == NULL)
		return;
	ends_close(t);
	mdb_txn_abort(t->txn);
	free(t);
	errno = saved;
}

int
kv_get(struct kv_txn *t, unsigned db, struct span key, struct span *value)
{
	MDB_val	k = val_of(key), v;
	int	rc;

	BUG_ON(db >= t->kv->count);
	rc = t->kv->absent[db] ? MDB_NOTFOUND : mdb_get(t->txn, t->kv->dbi[db], &k, &v);
	*value = rc == 0 ? span_of_val(v) : SPAN_NONE;
	return answer(t->kv, rc);
}

static int
put(struct kv_txn *t, unsigned db, struct span key, struct span value, unsigned flags)
{
	MDB_val	k = val_of(key), v = val_of(value);

	BUG_ON(db >= t->kv->count);
	return answer(t->kv, mdb_put(t->txn, t->kv->dbi[db], &k, &v, flags));
}

int
kv_put(struct kv_txn *t, unsigned db, struct span key, struct span value)
{
	return put(t, db, key, value, 0);
}

int
kv_add(struct kv_txn *t, unsigned db, struct span key, struct span value)
{
	return put(t, db, key, value, MDB_NOOVERWRITE);
}

int
kv_append(struct kv_txn *t, unsigned db, struct span key, struct span value)
{
	MDB_val	k = val_of(key), v = val_of(value);
	int	rc;

	BUG_ON(db >= t->kv->count);
	if (t->end[db] == NULL && (rc = mdb_cursor_open(t->txn, t->kv->dbi[db], &t->end[db])) != 0)
		return answer(t->kv, rc);
	return answer(t->kv, mdb_cursor_put(t->end[db], &k, &v, MDB_APPEND));
}

int
kv_del(struct kv_txn *t, unsigned db, struct span key)
{
	MDB_val	k = val_of(key);

	BUG_ON(db >= t->kv->count);
	return answer(t->kv, mdb_del(t->txn, t->kv->dbi[db], &k, NULL));
}

int
kv_count(struct kv_txn *t, unsigned db, uint64_t *out)
{
	MDB_stat	st;
	int		rc;

	BUG_ON(db >= t->kv->count);
	*out = 0;
	if (t->kv->absent[db])
		return 0;
	rc = mdb_stat(t->txn, t->kv->dbi[db], &st);
	*out = rc == 0 ? st.ms_entries : 0;
	return answer(t->kv, rc);
}

int
kv_check_format(struct kv *kv, unsigned db, uint32_t format)
{
	struct kv_txn	*t;
	struct span	 v;
	int		 r;

	if ((r = kv_begin(kv, !kv->read_only, &t)) != 0)
		return r;
	r = kv_get(t, db, SPAN_LIT("format"), &v);
	if (r == 0)
		r = v.n == sizeof(format) && memcmp(v.p, &format, sizeof(format)) == 0 ? 0 : E_VERSION;
	else if (r == E_NOTFOUND && !kv->read_only)
		r = kv_put(t, db, SPAN_LIT("format"), span_make(&format, sizeof(format)));
	if (r == 0 && !kv->read_only)
		return kv_commit(&t);
	kv_abort(&t);
	return r;
}

int
kv_cursor_open(struct kv_txn *t, unsigned db, struct kv_cursor **out)
{
	struct kv_cursor	*c;
	int			 rc;

	BUG_ON(db >= t->kv->count);
	*out = NULL;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return E_NOMEM;
	c->kv = t->kv;
	rc = t->kv->absent[db] ? 0 : mdb_cursor_open(t->txn, t->kv->dbi[db], &c->cursor);
	if (rc != 0) {
		free(c);
		return answer(t->kv, rc);
	}
	*out = c;
	return 0;
}

void
kv_cursor_close(struct kv_cursor **cp)
{
	struct kv_cursor	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	if (c->cursor != NULL)
		mdb_cursor_close(c->cursor);
	free(c);
}

static int
cursor_get(struct kv_cursor *c, MDB_val k, MDB_cursor_op op, struct span *key, struct span *value)
{
	MDB_val	v;
	int	rc = c->cursor == NULL ? MDB_NOTFOUND : mdb_cursor_get(c->cursor, &k, &v, op);

	*key = rc == 0 ? span_of_val(k) : SPAN_NONE;
	*value = rc == 0 ? span_of_val(v) : SPAN_NONE;
	return answer(c->kv, rc);
}

int
kv_cursor_move(struct kv_cursor *c, enum kv_move how, struct span *key, struct span *value)
{
	static const MDB_cursor_op ops[] = {
		[KV_FIRST] = MDB_FIRST, [KV_LAST] = MDB_LAST, [KV_NEXT] = MDB_NEXT, [KV_PREV] = MDB_PREV,
	};

	return cursor_get(c, (MDB_val){ 0, NULL }, ops[how], key, value);
}

int
kv_cursor_seek(struct kv_cursor *c, struct span at, struct span *key, struct span *value)
{
	return cursor_get(c, val_of(at), MDB_SET_RANGE, key, value);
}

int
kv_cursor_del(struct kv_cursor *c)
{
	return answer(c->kv, mdb_cursor_del(c->cursor, 0));
}
