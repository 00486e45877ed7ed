/* SPDX-License-Identifier: Apache-2.0
 *
 * peer_http.h - HTTP as another parser reads it: http-parser, of Node before llhttp
 *
 * A file of its own, as its names and ours collide.
 */
#ifndef FUZZ_PEER_HTTP_H
#define FUZZ_PEER_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

#define PEER_FIELDS_MAX	256

/* What the peer saw; texts point into what it read. */
struct peer_http {
	struct span	url, name[PEER_FIELDS_MAX], value[PEER_FIELDS_MAX];
	size_t		count, body_bytes, taken;	/* taken: up to the message's end, or where it stopped */
	char		*body;				/* the caller's, with room for all that is read */
	bool		in_value, head, whole, refuses, chunked, keeps, upgrades;
	uint64_t	length;
	const char	*method;
	unsigned	status, major, minor;
};

/* One message; all but body is zero before. */
void	peer_http_read(struct peer_http *p, bool response, const char *bytes, size_t n);
/* It refuses all methods but those it has names for. */
bool	peer_http_knows(struct span method);

#endif
