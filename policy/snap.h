/* SPDX-License-Identifier: Apache-2.0
 *
 * snap.h - map, verify, look up a snapshot; never writes one (policy/build.h does)
 *
 * A snapshot is flat, checksummed and position-independent (day-one 1).  Mapped MAP_PRIVATE from a
 * sealed memfd.  Verification at map checks seals, head, length and sum; every later access goes
 * through snap_at(), so that a bad offset is "not there", never a wild pointer.
 */
#ifndef POLICY_SNAP_H
#define POLICY_SNAP_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

#define SNAP_MAGIC	"MCPGWSNP"
#define SNAP_FORMAT	7
#define SCOUT_CONSUMER	":scout"	/* no tenant has that name */
#define SNAP_MAX_BYTES	(UINT64_C(1) << 30)

enum snap_kind {
	SNAP_POLICY = 1,	/* parameters, servers without secrets, rules, tenants, peers */
	SNAP_KEYS,		/* hashed API keys, from the store alone */
	SNAP_PROFILE,		/* one tenant's tools: how their jails are built */
	SNAP_SECRETS,		/* upstream headers (workers) or environment values (one tenant) */
	SNAP_PINS,		/* definitions of tools and what was decided, from the store alone */
	SNAP_CATALOGUE,		/* what mcpgw-scout found: addresses of names */
	SNAP_DUMP,		/* the store's keys, for the compiler; its pins, for mcpgwctl */
	SNAP_TOKENS,		/* what workers show to HTTP servers with "auth", from mcpgw-scout */
	SNAP_GRANTS,		/* what the store keeps of logins, for mcpgw-scout alone */
	SNAP_KEYSETS,		/* keys of issuers that mcpgw-scout fetched */
	SNAP_KIND_LIMIT
};

enum snap_section {
#define SECTION(name, record, kinds, doc) SECTION_##name,
#include "tables/sections.def"
#undef SECTION
	SECTION_LIMIT
};

struct snap_head {
	char		magic[8];
	uint32_t	format, kind;
	uint64_t	length, generation;
	uint64_t	sum;			/* of this head with sum = 0, continued over the rest */
	uint64_t	content_hash;		/* of the rest: equal content, equal hash */
	char		consumer[64];		/* "", a tenant, "worker" or ":scout" */
	uint32_t	sections, spare;
	uint64_t	spare2;
};
_Static_assert(sizeof(struct snap_head) == 128, "snapshot head is 128 bytes");

struct snap_section_head {
	uint32_t	id, record_bytes;
	uint64_t	offset, count;
};
_Static_assert(sizeof(struct snap_section_head) == 24, "section head is 24 bytes");

struct stext {			/* text in SECTION_TEXT */
	uint32_t	at, bytes;
};

struct snap;

/* Maps and verifies.  fd stays the caller's and may be closed at once.  0, E_FORMAT, E_VERSION,
 * E_DENIED (not sealed), E_NOMEM or E_SYS. */
must_check int	snap_map(int fd, struct snap **out);
/* The same checks without mapping for use: what the master does before it offers a snapshot. */
must_check int	snap_check(int fd, struct snap_head *head);
/* A snapshot may be held by many requests: the last snap_release() unmaps. */
struct snap	*snap_hold(struct snap *s);
void		snap_release(struct snap **s);

const struct snap_head *snap_head(const struct snap *s);

/* Record i of a section, or NULL when out of range; borrowed, valid while the snapshot is held. */
const void	*snap_at(const struct snap *s, enum snap_section section, uint64_t i);
uint64_t	snap_count(const struct snap *s, enum snap_section section);
/* Text, or an empty span when out of range. */
struct span	snap_text(const struct snap *s, struct stext t);
/* The same as a C string, without a copy: every text is followed by a NUL.  NULL when out of range or
 * when it holds a NUL itself; "" for the empty text. */
const char	*snap_cstr(const struct snap *s, struct stext t);

/* Typed shorthand: SNAP_AT(s, SERVER, i) is a const struct rec_server * or NULL. */
#define SNAP_AT(s, SECT, i) ((const SECTION_RECORD_##SECT *)snap_at((s), SECTION_##SECT, (i)))

#endif
