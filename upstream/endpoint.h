/* SPDX-License-Identifier: Apache-2.0
 *
 * endpoint.h - where an HTTP+SSE server wants its messages (mcp-wire 3.2)
 */
#ifndef UPSTREAM_ENDPOINT_H
#define UPSTREAM_ENDPOINT_H

#include "lib/buf.h"
#include "upstream/target.h"

#define ENDPOINT_MAX	2048	/* bytes of a URI, and of what it is resolved to */

/* Resolves the URI of `event: endpoint` against target, the URL of the stream (RFC 3986, 5.2): path and query
 * go to the buffer, which is empty and has room for ENDPOINT_MAX.  0; E_UPSTREAM: it is malformed, too long, or
 * of another origin than target, and *why says so (static).  E_NOMEM. */
must_check int	endpoint_resolve(const struct upstream_target *target, struct span uri, struct buf *to,
		    const char **why);

#endif
