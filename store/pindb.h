/* SPDX-License-Identifier: Apache-2.0
 *
 * pindb.h - the store: definitions of tools, and what was decided about each
 *
 * A tool has one row for each definition that was seen of it, for servers list some tools differently to different
 * clients.  What is seen first of a tool is approved by itself, unless the caller says otherwise or something was
 * found in it; whatever else comes under its name is held, until somebody decides.
 *
 * Database pin: SHA-256 of (tenant, NUL, server), SHA-256 of the tool's name, digest of the definition ->
 * fields {u16 id, u32 bytes, data}: PINDB_FIELDS.  Definitions are kept as they came, and never looked into.
 */
#ifndef STORE_PINDB_H
#define STORE_PINDB_H

#include "policy/records.h"
#include "store/keydb.h"

#define PINDB_DIGEST_BYTES	32
#define PINDB_BATCH_MAX		(16u << 20)
#define PINDB_APPROVED_MAX	8	/* definitions of one tool; the one decided about first goes */
#define PINDB_HELD_MAX		4	/* held ones, and rejected ones; the one seen first goes */
#define PINDB_SERVER_MAX	20000	/* definitions of one server */
#define PINDB_MAX		200000	/* of all */

/* X(member, id, type): on disk, for ever. */
#define PINDB_FIELDS(X)			\
	X(tenant,	1, text)	\
	X(server,	2, text)	\
	X(tool,		3, text)	\
	X(identity,	4, text)	\
	X(object,	5, text)	\
	X(finding,	6, text)	\
	X(state,	7, u64)		\
	X(seen_ms,	8, u64)		\
	X(decided_ms,	9, u64)		\
	X(by,		10, u64)

struct pindb_pin {
	struct span	digest;			/* PINDB_DIGEST_BYTES */
	struct span	tenant, server, tool;
	struct span	identity;		/* the server's command or URL */
	struct span	object;			/* JSON as the server sent it; empty: it was too long */
	struct span	finding;		/* why somebody should look; empty: nothing was found */
	uint64_t	state;			/* enum pin_state */
	uint64_t	seen_ms, decided_ms;	/* wall clock; decided 0: not yet */
	uint64_t	by;			/* uid + 1; 0: nobody, it was the first */
};

struct pindb_seen {
	struct span	tenant, server, identity;
	struct span	batch;			/* as mcp/pin.h writes them */
	enum pin_mode	mode;
	uint64_t	now_ms, by;		/* by: with PIN_MODE_APPROVE */
};

/* Notes what a server lists; what is known already stays as it is.  *changed: how many rows came or changed.
 * E_FORMAT: the batch is none, or a name is too long; E_FULL: PINDB_SERVER_MAX or PINDB_MAX, and then nothing was
 * noted. */
must_check int	pindb_seen(struct keydb *db, const struct pindb_seen *what, uint32_t *changed);

struct pindb_decision {
	struct span	tenant, server;
	struct span	tool;			/* empty: all of the server's */
	struct span	hash;			/* first hex digits of a definition's digest; or empty */
	enum pin_decision what;
	bool		all;			/* also where several definitions wait */
	uint64_t	now_ms, by;
};

/* Of each tool the held definition is decided about; without one, what was decided otherwise before.  *count: of how
 * many definitions.  E_NOTFOUND: there is nothing to decide about; E_RANGE: several wait, and neither hash nor `all`
 * says which. */
must_check int	pindb_decide(struct keydb *db, const struct pindb_decision *what, uint32_t *count);

/* Every definition, those of a tool one after the other; borrowed for the call.  fn as keydb_each()'s.  A row that
 * cannot be read ends it with E_FORMAT. */
typedef int pindb_fn(const struct pindb_pin *pin, void *arg);
must_check int	pindb_each(struct keydb *db, pindb_fn *fn, void *arg);
/* How often anything of all this changed. */
must_check int	pindb_generation(struct keydb *db, uint64_t *generation);

#endif
