/* SPDX-License-Identifier: Apache-2.0
 *
 * upsession.h - sessions of legacy HTTP upstreams, so that all workers use one
 */
#ifndef SHM_UPSESSION_H
#define SHM_UPSESSION_H

#include "shm/region.h"

#define UPSESSION_ID_MAX 232

struct upsession {
	uint32_t	epoch;			/* of this one: upsession_drop() ends no later one */
	uint32_t	version;		/* MCP revision, the caller's number */
	uint32_t	id_bytes;
	char		id[UPSESSION_ID_MAX];
};

/* key: region_hash() of (profile, isolation key, credential identity, version, capabilities).
 * A copy of the session that is in force, or E_NOTFOUND. */
must_check int	upsession_find(const struct region *r, uint64_t key, uint64_t now_ms,
		    struct upsession *out);
/* Makes this the session of that key, over any other.  E_TOOBIG: the id is longer than
 * UPSESSION_ID_MAX (use it in this worker alone); E_FULL; E_AGAIN: another worker is writing. */
must_check int	upsession_put(const struct region *r, uint64_t key, uint64_t now_ms, uint32_t version,
		    struct span id, uint32_t *epoch);
/* The upstream does not know it any more (HTTP 404). */
void		upsession_drop(const struct region *r, uint64_t key, uint32_t epoch);

#endif
