/* SPDX-License-Identifier: Apache-2.0
 *
 * sealed.h - what is given to clients and must be trusted when it comes back (day-one 8)
 *
 * base64url of {u8 1, u8 key, nonce[12], AES-256-GCM of the middle, tag[16]}.  The additional data
 * are a word for what it is and the path it was given out on, so that a token of one kind or endpoint
 * is none elsewhere.  Whatever does not fit is E_DENIED, without telling why.
 */
#ifndef MCP_SEALED_H
#define MCP_SEALED_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/keyring.h"

#define SEALED_OVERHEAD		30	/* bytes around the middle */
#define SEALED_MIDDLE_MAX	(64 * 1024)
#define SEALED_SESSION_CHARS	126

struct sealed_session {
	uint8_t		id[16];		/* random; key of the session table */
	uint64_t	principal;	/* hashes: a token counts for its owner only */
	uint64_t	tenant;
	uint64_t	capabilities;	/* enum mcp_capability bits the client declared */
	uint32_t	issued;		/* seconds since 1970 */
	uint16_t	node;
	uint8_t		version;	/* enum mcp_version */
};

/* Mcp-Session-Id, with a NUL.  0, E_NOMEM, E_SYS or E_INTERNAL. */
must_check int	sealed_session_seal(const struct keyring *ring, struct span path,
		    const struct sealed_session *s, char to[SEALED_SESSION_CHARS + 1]);
/* 0 or E_DENIED.  Principal and tenant are the caller's to compare. */
must_check int	sealed_session_open(const struct keyring *ring, struct span path, struct span token,
		    struct sealed_session *out);

/* Any other kind: `word` names it ("cursor").  Appends the token to `to`; E_TOOBIG over the maximum. */
must_check int	sealed_seal(const struct keyring *ring, const char *word, struct span path,
		    struct span middle, struct buf *to);
/* Appends the middle to `to`.  0, E_DENIED, or E_NOMEM, E_TOOBIG of the buffer. */
must_check int	sealed_open(const struct keyring *ring, const char *word, struct span path,
		    struct span token, struct buf *to);

#endif
