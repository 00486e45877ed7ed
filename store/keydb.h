/* SPDX-License-Identifier: Apache-2.0
 *
 * keydb.h - the store: API keys, and the last good policies
 *
 * Databases:
 *	key	SHA-256 of a key -> fields {u16 id, u16 bytes, data}: KEYDB_FIELDS
 *	keyname	tenant, NUL, name -> that SHA-256
 *	policy	generation (big-endian) -> the snapshot; the newest two
 *	meta	"format"; "policy" -> the generation saved last; "pins" -> how often pins changed;
 *		"keysets" -> what was fetched for issuers (store/fetched.h)
 *	pin	definitions of tools: store/pindb.h
 *	grant	what logins at HTTP servers gave, sealed: store/grantdb.h
 *
 * The keys themselves are never here: they are made in mcpgwctl, and only their SHA-256 travels.
 */
#ifndef STORE_KEYDB_H
#define STORE_KEYDB_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/span.h"

#define KEYDB_DIGEST_BYTES	32
#define KEYDB_NAME_MAX		128
#define KEYDB_TENANT_MAX	64

/* X(member, id, type): on disk, for ever. */
#define KEYDB_FIELDS(X)			\
	X(name,		1, text)	\
	X(public_name,	2, text)	\
	X(agent,	3, text)	\
	X(tenant,	4, text)	\
	X(created_ms,	5, u64)		\
	X(ends_ms,	6, u64)

struct keydb_key {
	struct span	digest;		/* KEYDB_DIGEST_BYTES */
	struct span	name, public_name, agent, tenant;
	uint64_t	created_ms, ends_ms;	/* wall clock; ends 0 = never */
};

struct keydb;

/* The writer makes the environment and holds `lock` beside it.  E_EXISTS: another writer has it;
 * E_NOTFOUND: read only, and there is none; otherwise as kv.h. */
must_check int	keydb_open(const char *path, bool read_only, struct keydb **out);
void		keydb_close(struct keydb **db);
const char	*keydb_why(const struct keydb *db);

/* E_EXISTS: the name (of that tenant), the digest or the public name is there; E_FORMAT: a member is
 * missing, too long or not plain text. */
must_check int	keydb_add(struct keydb *db, const struct keydb_key *key);
/* By name or public name; *public_name gets that of the key that ended.  E_NOTFOUND; E_RANGE: keys of
 * several tenants have this name. */
must_check int	keydb_revoke(struct keydb *db, struct span name, char public_name[KEYDB_NAME_MAX + 1]);

/* Every key, in order of its digest; borrowed for the call.  fn answers 0, or an error that ends the
 * walk and is handed on. */
typedef int keydb_key_fn(const struct keydb_key *key, void *arg);
must_check int	keydb_each(struct keydb *db, keydb_key_fn *fn, void *arg);

/* Keeps this policy and the one saved before it. */
must_check int	keydb_policy_save(struct keydb *db, uint64_t generation, struct span snapshot);
/* The policy saved last: *fd is a sealed memfd, the caller's.  E_NOTFOUND. */
must_check int	keydb_policy_load(struct keydb *db, uint64_t *generation, int *fd);

/* A key as one line of JSON. */
must_check int	keydb_put_json(struct buf *to, const struct keydb_key *key);

#endif
