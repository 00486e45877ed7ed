/* SPDX-License-Identifier: Apache-2.0
 *
 * catalogue.h - one upstream's tools, from the pages of its tools/list (mcp-wire 12, 14.4)
 *
 * Built page by page, then immutable.  Holds its own copy of each tool object, blanks removed, so its
 * text can go into any answer.  Tools that no client could use are dropped and counted.
 */
#ifndef MCP_CATALOGUE_H
#define MCP_CATALOGUE_H

#include "lib/json.h"
#include "mcp/name.h"
#include "mcp/param.h"

#define CATALOGUE_TOOLS_MAX	10000
#define CATALOGUE_BYTES_MAX	(16 * 1024 * 1024)
#define CATALOGUE_PAGES_MAX	1000
#define CATALOGUE_NAME_MAX	512	/* bytes of an upstream's own name */

enum catalogue_drop {
	CATALOGUE_DROP_NAME,		/* no name, an empty one, over CATALOGUE_NAME_MAX, controls in it */
	CATALOGUE_DROP_SCHEMA,		/* inputSchema is no object of type "object" */
	CATALOGUE_DROP_HEADER,		/* x-mcp-header against its rules */
	CATALOGUE_DROP_DOUBLE,		/* a name that was there before, or a member twice */
	CATALOGUE_DROP_LIMIT,		/* over the maxima above */
	CATALOGUE_DROP_KINDS
};

/* Members of a tool that some revision does not know (mcp-wire 14.14). */
enum catalogue_member {
	CATALOGUE_HAS_ICONS = 1,
	CATALOGUE_HAS_EXECUTION = 2,
	CATALOGUE_HAS_TITLE = 4,
	CATALOGUE_HAS_OUTPUT = 8,		/* outputSchema of type object */
	CATALOGUE_HAS_OUTPUT_ANY = 16,		/* outputSchema of any other form */
	CATALOGUE_HAS_ANNOTATIONS = 32,
};

struct catalogue_tool {
	struct span		name;		/* the upstream's, decoded */
	char			composed[MCP_NAME_MAX + 1];	/* in merged views */
	uint8_t			composed_bytes;	/* 0: another tool of this server has the same */
	bool			clashes;	/* its composed name was met by another's */
	uint8_t			members;	/* enum catalogue_member bits */
	uint8_t			param_count;	/* of most tools: 0 */
	const struct mcp_param	*params;	/* arguments that header fields repeat */
	struct json_value	object;		/* all of it, compact */
	struct json_value	name_value;	/* its name as it stands in the object */
	struct json_value	description, schema;
	uint32_t		tokens;		/* seed 001's estimate, at least 1 */
};

struct catalogue;
struct rank_docs;

/* Being built for this server; prefix and server name are copied. */
must_check int	catalogue_new(struct span server, struct span prefix, struct catalogue **out);
/* Lets go of it; the last one frees. */
void		catalogue_free(struct catalogue **c);
/* A finished one that stays after its owner let go of it; ends with catalogue_free(). */
struct catalogue *catalogue_hold(const struct catalogue *c);
/* The words of its tools, once somebody searched (mcp/toolwords.h); freed with it. */
struct rank_docs **catalogue_words(struct catalogue *c);
/* Takes one page, the `result` of tools/list (proven text, not kept).  *cursor is the raw JSON string
 * to ask the next page with, borrowed from `result`; empty: that was the last.  A cursor seen before
 * ends the walk.  0, E_UPSTREAM when `tools` is no array, E_NOMEM. */
must_check int	catalogue_page(struct catalogue *c, struct json_value result, struct span *cursor);
/* After the last page: makes the look-ups.  0 or E_NOMEM. */
must_check int	catalogue_finish(struct catalogue *c);

/* The upstream's order. */
size_t				 catalogue_count(const struct catalogue *c);
const struct catalogue_tool	*catalogue_at(const struct catalogue *c, size_t i);
/* NULL when there is none; valid as long as the catalogue. */
const struct catalogue_tool	*catalogue_find(const struct catalogue *c, struct span name);
const struct catalogue_tool	*catalogue_find_composed(const struct catalogue *c, struct span composed);
/* Which bit a member's key is, 0 when every revision knows it. */
unsigned			 catalogue_member_of(struct span key, struct json_value value);
/* How many were dropped for this reason, and the reason in words (static). */
uint32_t			 catalogue_dropped(const struct catalogue *c, enum catalogue_drop why);
const char			*catalogue_drop_text(enum catalogue_drop why);

#endif
