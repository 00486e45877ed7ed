/* SPDX-License-Identifier: Apache-2.0
 *
 * hello.h - the name that the first bytes of TLS ask for (RFC 8446 4.1.2, RFC 6066 3)
 */
#ifndef SANDBOX_EGRESS_HELLO_H
#define SANDBOX_EGRESS_HELLO_H

#include <stdint.h>

#include "lib/span.h"

#define HELLO_MAX	(16 * 1024)	/* of a ClientHello */
#define HELLO_BYTES_MAX	(32 * 1024)	/* of it and the heads of its records */
#define HELLO_NAME_MAX	255

enum hello_kind {
	HELLO_MORE,		/* cannot be told yet: at least ->need bytes are needed */
	HELLO_PLAIN,		/* no TLS: its first byte is no record's */
	HELLO_NAME,		/* asks for ->name */
	HELLO_NO_NAME,		/* asks for none */
	HELLO_BAD,		/* looks like TLS, and is malformed, too long, of SSL 2 or names several */
};

struct hello {
	enum hello_kind	kind;
	size_t		need;
	char		name[HELLO_NAME_MAX];	/* as sent: not yet looked at */
	size_t		name_bytes;
};

/* Looks at all that a client has sent so far. */
void	hello_look(struct span bytes, struct hello *out);

#endif
