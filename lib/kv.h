/* SPDX-License-Identifier: Apache-2.0
 *
 * kv.h - durable tables of bytes: a thin skin on LMDB, which kv.c and kv_check.c alone include
 *
 * One environment is a folder with a few named databases.  One process writes; any number read.  Keys
 * are at most 511 bytes and sorted as bytes, so numbers in them are big-endian (kv_put_be64).
 * Errors: E_NOTFOUND, E_EXISTS, E_FULL (the map: kv_grow and do the transaction again), E_FORMAT (the
 * files are damaged), E_VERSION, E_NOMEM, E_AGAIN (as many read as may), E_SYS (errno tells; ENOSPC is a full disk).
 */
#ifndef LIB_KV_H
#define LIB_KV_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

#define KV_DATABASES_MAX 8

enum kv_flags {
	KV_READ_ONLY = 1,
	KV_LAZY_META = 2,	/* a crash of the machine may undo the last commit, never more: kv_sync() */
};

struct kv;
struct kv_txn;
struct kv_cursor;

/* Opens or (not with KV_READ_ONLY) makes the environment in an existing folder, with these databases;
 * a database's number is its place in `names`.  One that an older writer does not know is empty to a reader.  The
 * writer holds `lock` beside it until kv_close(), which the names have to outlive; it has a child read the files first
 * (lib/kv_check.h).
 * E_NOTFOUND: read-only, and there is none; E_EXISTS: another writer has it, and had it for two seconds. */
must_check int	kv_open(const char *path, const char *const *names, unsigned count, uint64_t map_bytes,
		    unsigned flags, struct kv **out);
void		kv_close(struct kv **kv);
/* What to do about kv_open() that failed so (E_SYS, errno): a text to follow it, or "". */
const char	*kv_open_hint(int error);
/* The format of the user's rows, under "format" in this database: the writer notes it in a new one;
 * E_VERSION when another is there. */
must_check int	kv_check_format(struct kv *kv, unsigned db, uint32_t format);
/* Doubles the map.  No transaction may be open.  E_FULL: it was not the map that was full, E_NOMEM: there is no address
 * space for a larger one; the one of before is still there. */
must_check int	kv_grow(struct kv *kv);
must_check int	kv_sync(struct kv *kv);
/* What the last error was, for people; static storage until the next one. */
const char	*kv_why(const struct kv *kv);

/* A transaction ends with commit or abort; both leave NULL behind. */
must_check int	kv_begin(struct kv *kv, bool write, struct kv_txn **out);
must_check int	kv_commit(struct kv_txn **t);
void		kv_abort(struct kv_txn **t);

/* Values are borrowed from the map until the transaction ends or writes. */
must_check int	kv_get(struct kv_txn *t, unsigned db, struct span key, struct span *value);
must_check int	kv_put(struct kv_txn *t, unsigned db, struct span key, struct span value);
must_check int	kv_add(struct kv_txn *t, unsigned db, struct span key, struct span value);	/* E_EXISTS */
/* A key behind all others (else E_EXISTS): leaves the pages before it full. */
must_check int	kv_append(struct kv_txn *t, unsigned db, struct span key, struct span value);
must_check int	kv_del(struct kv_txn *t, unsigned db, struct span key);				/* E_NOTFOUND */
must_check int	kv_count(struct kv_txn *t, unsigned db, uint64_t *out);

/* Cursors end before their transaction does.  Every move answers 0, E_NOTFOUND or an error. */
enum kv_move { KV_FIRST, KV_LAST, KV_NEXT, KV_PREV };
must_check int	kv_cursor_open(struct kv_txn *t, unsigned db, struct kv_cursor **out);
void		kv_cursor_close(struct kv_cursor **c);
must_check int	kv_cursor_move(struct kv_cursor *c, enum kv_move how, struct span *key, struct span *value);
/* The first entry not below `at`. */
must_check int	kv_cursor_seek(struct kv_cursor *c, struct span at, struct span *key, struct span *value);
/* Deletes the entry under the cursor; KV_NEXT then goes to the one behind it. */
must_check int	kv_cursor_del(struct kv_cursor *c);

static inline void
kv_put_be64(char *to, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		to[i] = (char)(v >> (56 - 8 * i));
}

static inline uint64_t
kv_get_be64(const char *from)
{
	uint64_t	v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | (unsigned char)from[i];
	return v;
}

static inline void
kv_put_be32(char *to, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		to[i] = (char)(v >> (24 - 8 * i));
}

static inline uint32_t
kv_get_be32(const char *from)
{
	return (uint32_t)(unsigned char)from[0] << 24 | (uint32_t)(unsigned char)from[1] << 16 |
	    (uint32_t)(unsigned char)from[2] << 8 | (unsigned char)from[3];
}

#endif
