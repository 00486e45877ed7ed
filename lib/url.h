/* SPDX-License-Identifier: Apache-2.0
 *
 * url.h - http:// and https:// urls, taken apart
 */
#ifndef LIB_URL_H
#define LIB_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

struct url {			/* points into the text */
	bool		https;
	struct span	host;		/* without brackets */
	struct span	authority;	/* as for Host: without a default port */
	struct span	target;		/* path and query, without fragment; may be empty, or begin with "?" */
	uint16_t	port;
};

/* NULL; or what is wrong with it, for people (static).  A name and password are refused, and so is what has to be
 * %-encoded. */
const char	*url_parse(struct span text, struct url *out);
/* Does it name this machine, in a way that no name server is asked about: localhost, ::1, an address of 127/8? */
bool		 url_is_loopback(const struct url *u);

#endif
