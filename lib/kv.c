/* SPDX-License-Identifier: Apache-2.0
 *
 * kv.c - durable tables of bytes
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
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/kv.h"
#include "lib/kv_check.h"

#define READERS_MAX	64
#define LOCK_WAIT_MS	2000
#define LOCK_NAP_MS	20

struct kv {
	MDB_env		*env;
	MDB_dbi		 dbi[KV_DATABASES_MAX];
	bool		 absent[KV_DATABASES_MAX];	/* read-only, and its writer knows of none yet: empty */
	const char	*const *names;
	unsigned	 count;
	bool		 read_only;
	unsigned	 mdb_flags;
	uint64_t	 map_bytes;	/* as of kv_open(), then as of kv_grow() */
	unsigned	 open;		/* transactions */
	bool		 full;		/* the map was, in the newest transaction that writes */
	int		 lock_fd;	/* the writer's, else -1 */
	struct stat	 readers;	/* the file with the table of readers, as it was opened */
	const char	*why;
	char		 path[];
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
		kv->full = true;
		return E_FULL;
	case MDB_READERS_FULL:
		return E_AGAIN;
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

/* One writer: flock and not LMDB's own lock, which would let two take turns.  What a gateway that was killed has left
 * is given the time to leave. */
static int
lock_take(struct kv *kv)
{
	const struct timespec	nap = { 0, LOCK_NAP_MS * 1000000L };
	char			name[PATH_MAX];
	int			tries = 0;

	if (snprintf(name, sizeof(name), "%s/lock", kv->path) >= (int)sizeof(name))
		return E_TOOBIG;
	kv->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (kv->lock_fd == -1)
		return E_SYS;
	while (flock(kv->lock_fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return E_SYS;
		if (++tries > LOCK_WAIT_MS / LOCK_NAP_MS)
			return E_EXISTS;
		(void)nanosleep(&nap, NULL);
	}
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
	/* Not by its bytes, which may be more than there are numbers. */
	if (info.me_last_txnid != 0 && info.me_last_pgno >= (uint64_t)file.st_size / st.ms_psize)
		return answer(kv, MDB_CORRUPTED);
	return 0;
}

static int
txn_begin(struct kv *kv, bool write, MDB_txn **txn)
{
	const unsigned	flags = write ? 0 : MDB_RDONLY;
	int		rc, dead;

	rc = mdb_txn_begin(kv->env, NULL, flags, txn);
	/* The rows of readers that were killed. */
	if (rc == MDB_READERS_FULL && mdb_reader_check(kv->env, &dead) == 0 && dead > 0)
		rc = mdb_txn_begin(kv->env, NULL, flags, txn);
	/* The writer grew it; take its size over. */
	if (rc == MDB_MAP_RESIZED && (rc = mdb_env_set_mapsize(kv->env, 0)) == 0)
		rc = mdb_txn_begin(kv->env, NULL, flags, txn);
	return rc;
}

static int
databases_open(struct kv *kv)
{
	MDB_txn	*txn;
	int	 rc;

	if ((rc = txn_begin(kv, !kv->read_only, &txn)) != 0)
		return answer(kv, rc);
	for (unsigned i = 0; i < kv->count; i++) {
		rc = mdb_dbi_open(txn, kv->names[i], kv->read_only ? 0 : MDB_CREATE, &kv->dbi[i]);
		kv->absent[i] = kv->read_only && rc == MDB_NOTFOUND;
		if (rc != 0 && !kv->absent[i]) {
			mdb_txn_abort(txn);
			return answer(kv, rc);
		}
	}
	return answer(kv, mdb_txn_commit(txn));
}

/* The file with the table of readers is beside the data; whoever removes it makes the next reader begin another. */
static int
readers_stat(const struct kv *kv, struct stat *out)
{
	char	name[PATH_MAX];

	if (snprintf(name, sizeof(name), "%s/lock.mdb", kv->path) >= (int)sizeof(name))
		return -1;
	return stat(name, out);
}

/* The writer has its row there for as long as it lives, however many read later. */
static void
row_reserve(struct kv *kv)
{
	MDB_txn	*txn;

	if (mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn) == 0)
		mdb_txn_abort(txn);
}

static int
env_open(struct kv *kv)
{
	int	rc, dead, r;

	if ((rc = mdb_env_create(&kv->env)) != 0 ||
	    (rc = mdb_env_set_maxdbs(kv->env, KV_DATABASES_MAX)) != 0 ||
	    (rc = mdb_env_set_maxreaders(kv->env, READERS_MAX)) != 0 ||
	    (rc = mdb_env_set_mapsize(kv->env, kv->map_bytes)) != 0 ||
	    (rc = mdb_env_open(kv->env, kv->path, kv->mdb_flags, 0600)) != 0)
		return kv->read_only && rc == ENOENT ? E_NOTFOUND : answer(kv, rc);
	if (!kv->read_only && readers_stat(kv, &kv->readers) == -1)
		return E_SYS;
	/* Readers that were killed would keep old pages from being used again. */
	if (!kv->read_only)
		mdb_reader_check(kv->env, &dead);
	if ((r = length_check(kv)) == 0 && (r = databases_open(kv)) == 0 && !kv->read_only)
		row_reserve(kv);
	return r;
}

static void
env_close(struct kv *kv)
{
	if (kv->env != NULL)
		mdb_env_close(kv->env);
	kv->env = NULL;
}

static int
env_renew(struct kv *kv)
{
	int	r;

	env_close(kv);
	if ((r = env_open(kv)) != 0)
		env_close(kv);
	return r;
}

/* Else the writer could use a page again at which a reader of the other table looks. */
static int
readers_follow(struct kv *kv)
{
	struct stat	now;

	if (kv->open > 0 || (kv->env != NULL && readers_stat(kv, &now) == 0 && now.st_ino == kv->readers.st_ino &&
	    now.st_dev == kv->readers.st_dev))
		return 0;
	return env_renew(kv);
}

/* What a new environment may mend: a mutex that is none any more, a meta page that could not be written. */
static bool
may_be_mended(const struct kv *kv, int rc)
{
	return !kv->read_only && kv->open == 0 && (rc == MDB_PANIC || rc == EINVAL);
}

int
kv_open(const char *path, const char *const *names, unsigned count, uint64_t map_bytes, unsigned flags,
    struct kv **out)
{
	struct kv	*kv;
	int		 r;

	BUG_ON(count > KV_DATABASES_MAX);
	*out = NULL;
	if ((kv = calloc(1, sizeof(*kv) + strlen(path) + 1)) == NULL)
		return E_NOMEM;
	strcpy(kv->path, path);
	kv->lock_fd = -1;
	kv->names = names;
	kv->count = count;
	kv->map_bytes = map_bytes;
	kv->read_only = (flags & KV_READ_ONLY) != 0;
	kv->mdb_flags = (kv->read_only ? MDB_RDONLY : 0) | (flags & KV_LAZY_META ? MDB_NOMETASYNC : 0);
	if ((!kv->read_only && ((r = lock_take(kv)) != 0 ||
	    (r = kv_check_files(path, names, count, (size_t)map_bytes)) != 0)) || (r = env_open(kv)) != 0) {
		kv_close(&kv);
		return r;
	}
	*out = kv;
	return 0;
}

void
kv_close(struct kv **kvp)
{
	struct kv	*kv = *kvp;
	int		 saved = errno;

	*kvp = NULL;
	if (kv == NULL)
		return;
	env_close(kv);
	fd_close(&kv->lock_fd);
	free(kv);
	errno = saved;
}

const char *
kv_open_hint(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
	case EISDIR:
	case ELOOP:
	case EINVAL:
	case ESPIPE:
	case ENXIO:
	case EFBIG:
	case ENOMEM:
		return "; its files lock and lock.mdb may be removed while no gateway runs, and are made anew";
	default:
		return "";
	}
}

/* LMDB lets go of the map it has before it takes the larger one, and is of no use when it does not get that. */
static int
room_check(struct kv *kv, uint64_t bytes)
{
	mdb_filehandle_t fd;
	void		*map;
	int		 rc;

	if ((rc = mdb_env_get_fd(kv->env, &fd)) != 0)
		return answer(kv, rc);
	if (bytes > SIZE_MAX || (map = mmap(NULL, (size_t)bytes, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED) {
		kv->why = "no address space for a larger map";
		errno = ENOMEM;
		return E_NOMEM;
	}
	munmap(map, (size_t)bytes);
	return 0;
}

int
kv_grow(struct kv *kv)
{
	MDB_envinfo	info;
	int		rc, r;

	BUG_ON(kv->open > 0);
	if (!kv->full)
		return E_FULL;
	kv->full = false;
	if ((rc = mdb_env_info(kv->env, &info)) != 0)
		return answer(kv, rc);
	if ((r = room_check(kv, (uint64_t)info.me_mapsize * 2)) != 0)
		return r;
	if ((rc = mdb_env_set_mapsize(kv->env, info.me_mapsize * 2)) == 0)
		kv->map_bytes = (uint64_t)info.me_mapsize * 2;
	return answer(kv, rc);
}

int
kv_sync(struct kv *kv)
{
	return kv->env == NULL ? E_AGAIN : answer(kv, mdb_env_sync(kv->env, 1));
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
	int		 rc, dead, r;

	*out = NULL;
	if (!kv->read_only && (r = readers_follow(kv)) != 0)
		return r;
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return E_NOMEM;
	t->kv = kv;
	if (write) {
		kv->full = false;
		/* One that was killed as it read holds all pages of then until it is found. */
		(void)mdb_reader_check(kv->env, &dead);
	}
	if (may_be_mended(kv, rc = txn_begin(kv, write, &t->txn))) {
		if ((r = env_renew(kv)) != 0) {
			free(t);
			return r;
		}
		rc = txn_begin(kv, write, &t->txn);
	}
	if (rc != 0) {
		free(t);
		return answer(kv, rc);
	}
	kv->open++;
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
	t->kv->open--;
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
	t->kv->open--;
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
