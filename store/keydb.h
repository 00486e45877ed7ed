/* SPDX-License-Identifier: Apache-2.0
 *
 * keydb.h - the store: API keys, and the last good policies
 *
 * Databases:
 *	key	SHA-256 of a key -> fields {u16 id, u16 bytes, data}: KEYDB_FIELDS
 *	keyname	tenant, NUL, name -> the SHA-256 of one of the keys with this name
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

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/span.h"

#define KEYDB_DIGEST_BYTES	32
#define KEYDB_NAME_MAX		128
#define KEYDB_TENANT_MAX	64
#define KEYDB_NAMES_MAX		2048	/* bytes of a set of names */
#define KEYDB_SAME_NAME_MAX	8	/* keys of one name that live */

/* X(member, id, type): on disk, for ever.  What an older release wrote lacks the later ones, which are empty then. */
#define KEYDB_FIELDS(X)			\
	X(name,		1, text)	\
	X(public_name,	2, text)	\
	X(agent,	3, text)	\
	X(tenant,	4, text)	\
	X(created_ms,	5, u64)		\
	X(ends_ms,	6, u64)		\
	X(scopes,	7, text)	\
	X(roles,	8, text)	\
	X(groups,	9, text)	\
	X(workspace,	10, text)	\
	X(used_ms,	11, u64)	\
	X(by,		12, u64)

struct keydb_key {
	struct span	digest;		/* KEYDB_DIGEST_BYTES */
	struct span	name, public_name, agent, tenant;
	struct span	scopes, roles, groups;	/* lib/nameset.h */
	struct span	workspace;
	uint64_t	created_ms, ends_ms;	/* wall clock; ends 0 = never */
	uint64_t	used_ms;		/* about when it was used last; 0: not that we know */
	uint64_t	by;			/* whose it is: uid + 1 of who made it; 0: not known */
};

struct keydb;

/* The writer makes the environment and holds `lock` beside it.  E_EXISTS: another writer has it;
 * E_NOTFOUND: read only, and there is none; otherwise as kv.h. */
must_check int	keydb_open(const char *path, bool read_only, struct keydb **out);
void		keydb_close(struct keydb **db);
const char	*keydb_why(const struct keydb *db);

/* Asked again for the same key it answers 0.  E_EXISTS: the name (of that tenant), the digest or the public name is
 * there; E_FORMAT: a member is missing, too long or not plain text. */
must_check int	keydb_add(struct keydb *db, const struct keydb_key *key);

/* A new key in the place of those with this name: it stands for whom the newest of them does, and lives as long from
 * now as that one did from its beginning, or until ends_ms.  They end in overlap_ms at the latest; those that ended
 * before are forgotten.  All of it or nothing is done; asked again for the same new key it answers 0.
 * E_NOTFOUND; E_RANGE: keys of several tenants have this name; E_EXISTS: the public name is there; E_TOOBIG: too many
 * of this name live; E_FORMAT. */
struct keydb_rotation {
	struct span	digest, public_name;	/* of the new key */
	struct span	name, tenant;		/* tenant empty: the one there is */
	uint64_t	now_ms, overlap_ms, ends_ms, by;
};
must_check int	keydb_rotate(struct keydb *db, const struct keydb_rotation *what);

/* Which keys: a public name, or all of a name of one tenant; without a name all of the agent, the tenant, or both. */
struct keydb_which {
	struct span	name, agent, tenant;	/* empty: any, but not all three */
};
/* *ended is how many.  E_NOTFOUND: 0; E_RANGE: keys of several tenants have this name. */
must_check int	keydb_revoke(struct keydb *db, const struct keydb_which *which, uint32_t *ended);

/* When keys were used last, the digest and a time each; a key that is gone is passed over, and so is a time that is
 * not between the one kept and now_ms.  E_FORMAT: bytes are left over. */
#define KEYDB_USE_BYTES	(KEYDB_DIGEST_BYTES + 8)
must_check int	keydb_used(struct keydb *db, struct span uses, uint64_t now_ms);

/* Words between blanks as a set of names in the arena.  E_FORMAT: too many, or not plain text; E_NOMEM. */
must_check int	keydb_names(struct span words, struct arena *a, struct span *out);

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
