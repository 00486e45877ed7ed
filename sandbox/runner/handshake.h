/* SPDX-License-Identifier: Apache-2.0
 *
 * handshake.h - which revision a tool speaks, and its `initialize` (mcp-wire 4.5, stdio)
 *
 * Texts without state: what we write first, and what the answer to it means.
 */
#ifndef SANDBOX_RUNNER_HANDSHAKE_H
#define SANDBOX_RUNNER_HANDSHAKE_H

#include "lib/buf.h"
#include "sandbox/runner/lines.h"

enum era {
	ERA_UNKNOWN,
	ERA_LEGACY,		/* `initialize` first */
	ERA_MODERN,		/* 2026-07-28: no handshake */
	ERA_FOREIGN,		/* only revisions that are newer than any we know */
};

/* Lines with their line feed.  `initialize` declares these enum mcp_capability bits.  0, E_NOMEM. */
must_check int	handshake_put_discover(struct buf *to, uint64_t id);
must_check int	handshake_put_initialize(struct buf *to, uint64_t id, uint32_t capabilities);
must_check int	handshake_put_initialized(struct buf *to);

/* What an answer to server/discover says; never ERA_UNKNOWN. */
enum era	handshake_verdict(const struct line *answer);
/* What an answer to initialize says.  0: go on; E_VERSION: a revision we do not speak; E_FORMAT: an
 * error, or no InitializeResult; `*modern` when the error is that of a modern server (-32022).
 * `text` (text_bytes) gets what an error said, for people. */
must_check int	handshake_accept(const struct line *answer, bool *modern, char *text, size_t text_bytes);

#endif
