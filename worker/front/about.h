/* SPDX-License-Identifier: Apache-2.0
 *
 * about.h - what a server says of itself: what it offers, and how to use it
 */
#ifndef WORKER_FRONT_ABOUT_H
#define WORKER_FRONT_ABOUT_H

#include "lib/json.h"

#define ABOUT_INSTRUCTIONS_MAX	(16 * 1024)

struct about {
	uint32_t	offers;		/* enum mcp_offer; TASKS and CORE_TASKS tell the two kinds apart */
	size_t		bytes;
	char		instructions[];	/* UTF-8, cut to ABOUT_INSTRUCTIONS_MAX */
};

/* From a DiscoverResult or InitializeResult, proven.  The caller frees it with free().  0, E_UPSTREAM when
 * it says nothing of its capabilities, E_NOMEM. */
must_check int	about_read(struct json_value result, struct about **out);
/* The longest part of text within most bytes that ends between two characters. */
struct span	about_cut(struct span text, size_t most);

#endif
