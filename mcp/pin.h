/* SPDX-License-Identifier: Apache-2.0
 *
 * pin.h - a tool's definition as one digest, and definitions on their way to the store
 *
 * The digest is of the whole object in canonical form (mcp/canon.h) and of whose it is; so it changes when any field
 * does, and not with the order of members, escapes, the spelling of numbers, or blanks.
 */
#ifndef MCP_PIN_H
#define MCP_PIN_H

#include "lib/crypt.h"
#include "lib/json.h"

#define PIN_OBJECT_MAX	(64 * 1024)	/* a longer definition is pinned, but not kept to be shown */

/* Whose tool it is; identity: the server's command or URL, as configured. */
struct pin_owner {
	struct span	tenant, server, identity;
};

enum pin_flags {
	PIN_FLAG_SUSPECT = 1,		/* something was found in it */
	PIN_FLAG_OWN = 2,		/* the operator wrote it: a program as a tool */
};

/* Of a proven object.  0, E_NOMEM, E_TOOBIG. */
must_check int	pin_digest(const struct pin_owner *owner, struct json_value tool, struct crypt_digest *out);

/* One definition in what the store is given (store/pindb.h reads it); finding: words for people, cut.  0, E_TOOBIG,
 * E_NOMEM. */
must_check int	pin_put(struct buf *to, const struct crypt_digest *digest, unsigned flags, struct span name,
		    struct span object, struct span finding);

#endif
