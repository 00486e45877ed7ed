/* SPDX-License-Identifier: Apache-2.0
 *
 * session.h - the mutable part of legacy clients' sessions, usable by every worker
 *
 * The immutable facts are in the sealed session id (mcp/sealed.h); here is whether it is alive, how
 * far its handshake is, its log level and when it was last used.  An idle session's slot is reused.
 */
#ifndef SHM_SESSION_H
#define SHM_SESSION_H

#include <stdbool.h>

#include "shm/region.h"

enum session_phase {
	SESSION_FREE,
	SESSION_WRITING,
	SESSION_FRESH,		/* initialize was answered */
	SESSION_READY,		/* notifications/initialized came */
	SESSION_ENDED,
	SESSION_PHASE_LIMIT
};

struct session_ref {		/* valid until the slot is reused: then every use says E_NOTFOUND */
	uint32_t		slot, epoch;
};

struct session_view {
	enum session_phase	phase;		/* FRESH or READY */
	uint32_t		log_level;	/* 0-15; 0 at first: what it means is the caller's */
	uint32_t		idle_s;		/* since its last use, before this one */
};

/* id_hash: region_hash() of the id's random bytes.  A slot in SESSION_FRESH, or E_FULL.  Where there is no room, a
 * principal with more sessions there than this one loses that which it did not use for longest. */
must_check int	session_create(const struct region *r, uint64_t id_hash, uint64_t principal,
		    uint32_t now_s, uint32_t idle_max_s, struct session_ref *out);
/* A living session of this principal, and marks it used.  E_NOTFOUND: unknown, ended, idle for too
 * long, or another's. */
must_check int	session_find(const struct region *r, uint64_t id_hash, uint64_t principal,
		    uint32_t now_s, uint32_t idle_max_s, struct session_ref *out,
		    struct session_view *view);
/* Has nobody ended it, and is the slot still its?  Marks nothing; how long it is idle does not count. */
bool		session_lives(const struct region *r, struct session_ref ref);
/* 0 or E_NOTFOUND. */
must_check int	session_set_phase(const struct region *r, struct session_ref ref, enum session_phase p);
must_check int	session_set_log_level(const struct region *r, struct session_ref ref, uint32_t level);
must_check int	session_end(const struct region *r, struct session_ref ref);
/* Living sessions: walks the table; for status and metrics. */
uint64_t	session_count(const struct region *r, uint32_t now_s, uint32_t idle_max_s);

#endif
