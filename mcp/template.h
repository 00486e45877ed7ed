/* SPDX-License-Identifier: Apache-2.0
 *
 * template.h - could this URI be an expansion of that template (RFC 6570; mcp-wire 14.2)?
 */
#ifndef MCP_TEMPLATE_H
#define MCP_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

#define TEMPLATE_URI_MAX	2048	/* a longer URI matches nothing */
#define TEMPLATE_STEPS		(4u << 20)	/* for one URI with all templates: a few milliseconds */

/* {x} stands for one character or more without "/", "?" and "#"; {+x}, {#x} and {x*} for any; {/x}, {.x},
 * {;x} for their sign and what {x} takes; {?x} and {&x} for nothing, or their sign and a query.
 * *steps is what may still be spent, and is counted down: at 0 nothing matches any more. */
bool	mcp_template_matches(struct span uri_template, struct span uri, uint32_t *steps);

#endif
