/* SPDX-License-Identifier: Apache-2.0
 *
 * peer_priv.h - between what is known of a peer (peer.c) and what makes it ready (prepare.c)
 */
#ifndef UPSTREAM_PEER_PRIV_H
#define UPSTREAM_PEER_PRIV_H

#include "upstream/peer.h"
#include "upstream/sse_session.h"

#define PEER_MAGIC	0x9ee70001u

struct prepare;

enum peer_era {
	PEER_ERA_UNKNOWN,
	PEER_ERA_LEGACY,	/* over Streamable HTTP */
	PEER_ERA_SSE,		/* legacy, over HTTP+SSE */
	PEER_ERA_MODERN
};

struct peer {
	uint32_t		 magic;
	uint32_t		 refs;
	struct upstream		*u;
	struct peer		*next;		/* in its bucket */
	uint64_t		 profile, instance, capabilities;
	unsigned		 lane;
	struct lanes		*lanes;		/* lane.c's, of lane 0 */
	uint64_t		 used_ms;
	enum peer_era		 era;
	uint64_t		 era_until_ms;
	enum mcp_version	 version;
	bool			 has_session;	/* initialized, with or without an id */
	uint32_t		 epoch;		/* of a session that is shared */
	char			 session[ASK_SESSION_MAX];
	struct sse_session	*sse;		/* what it is over HTTP+SSE, also while it is being made; or NULL */
	char			*about;		/* a legacy server's InitializeResult, raw, or NULL */
	size_t			 about_bytes;
	const struct ask	*refusal;	/* while those who wait are told: of a 401 or 403 */
	struct prepare		*prepare;	/* under way to readiness, or NULL */
	struct peer_wait	*first, *last;
	uint64_t		 round;
};

/* It is so for all peers of the profile that do not know. */
void		peer_set_era(struct peer *p, enum peer_era era);
/* What a legacy server answered initialize with; it is left out when it is too large. */
void		peer_keep_about(struct peer *p, struct json_value result);
/* Tells the other workers of its session, where they may use it. */
void		peer_share_session(struct peer *p);

/* It has none any more; nobody else is told. */
void		peer_drop_session(struct peer *p);

/* prepare.c: ends what is under way, silently. */
void		prepare_free(struct peer *p);

#endif
