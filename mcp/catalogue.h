/* SPDX-License-Identifier: Apache-2.0
 *
 * catalogue.h - what one upstream lists of one kind, page by page (mcp-wire 12, 14.2, 14.4)
 *
 * Built page by page, then immutable.  Holds its own copy of each object, blanks removed, so its text
 * can go into any answer.  What no client could use is dropped and counted: official clients refuse a
 * whole list for one item without the members its revision requires.
 */
#ifndef MCP_CATALOGUE_H
#define MCP_CATALOGUE_H

#include "lib/crypt.h"
#include "lib/json.h"
#include "mcp/change.h"
#include "mcp/method.h"
#include "mcp/name.h"
#include "mcp/param.h"
#include "policy/decide.h"

#define CATALOGUE_ITEMS_MAX	10000
#define CATALOGUE_TEMPLATES_MAX	1000	/* each may have to be matched with a URI */
#define CATALOGUE_BYTES_MAX	(16 * 1024 * 1024)
#define CATALOGUE_PAGES_MAX	1000
#define CATALOGUE_NAME_MAX	512	/* bytes of an upstream's own name */
#define CATALOGUE_URI_MAX	4096	/* of a resource's URI, or a template */

enum catalogue_kind {
	CATALOGUE_TOOLS, CATALOGUE_PROMPTS, CATALOGUE_RESOURCES, CATALOGUE_TEMPLATES,
	CATALOGUE_KINDS
};

/* What is different from kind to kind. */
struct catalogue_row {
	const char	*words;		/* "resource templates", for log lines */
	const char	*member;	/* of the result: "resourceTemplates" */
	const char	*key;		/* of an item, by which it is asked for: "uriTemplate" */
	bool		 composes;	/* merged views give it another name; URIs pass as they are */
	uint8_t		 method;	/* enum mcp_method that lists it */
	uint8_t		 offer;		/* enum mcp_offer it comes with */
	uint32_t	 most;		/* items kept */
};

enum catalogue_drop {
	CATALOGUE_DROP_NAME,		/* no key or name, an empty one, over its maximum, controls in it */
	CATALOGUE_DROP_SCHEMA,		/* inputSchema is no object of type "object" */
	CATALOGUE_DROP_ARGUMENTS,	/* a prompt's arguments are no list of named ones */
	CATALOGUE_DROP_HEADER,		/* x-mcp-header against its rules */
	CATALOGUE_DROP_DOUBLE,		/* a name that was there before, or a member twice */
	CATALOGUE_DROP_LIMIT,		/* over the maxima above */
	CATALOGUE_DROP_KINDS
};

/* Members of an item that some revision does not know (mcp-wire 14.14). */
enum catalogue_member {
	CATALOGUE_HAS_ICONS = 1,
	CATALOGUE_HAS_EXECUTION = 2,
	CATALOGUE_HAS_TITLE = 4,
	CATALOGUE_HAS_OUTPUT = 8,		/* outputSchema of type object */
	CATALOGUE_HAS_OUTPUT_ANY = 16,		/* outputSchema of any other form */
	CATALOGUE_HAS_ANNOTATIONS = 32,
};

/* A tool of 2025-11-25: execution.taskSupport. */
enum catalogue_tasks { CATALOGUE_TASKS_NONE, CATALOGUE_TASKS_MAY, CATALOGUE_TASKS_MUST };

/* May clients see and call it?  worker/lists/pins.h says; of what is no tool, and at first: yes. */
enum catalogue_standing {
	CATALOGUE_STANDS,
	CATALOGUE_UNPINNED,		/* its definition is in no pins, or there are none to go by */
	CATALOGUE_HELD,			/* until somebody approves it */
	CATALOGUE_REJECTED,
};

struct catalogue_item {
	struct span		name;		/* the upstream's, decoded; a resource's URI, or a template */
	struct span		shown;		/* a tool's for clients, mostly the same; empty: it has none */
	char			composed[MCP_NAME_MAX + 1];	/* in merged views */
	uint8_t			composed_bytes;	/* 0: another of this server has the same, or it keeps its own */
	bool			clashes;	/* its composed name is another's too, or looks like it */
	uint8_t			members;	/* enum catalogue_member bits */
	uint8_t			param_count;	/* of most tools: 0 */
	uint8_t			tasks;		/* of a tool: enum catalogue_tasks */
	uint8_t			standing;	/* enum catalogue_standing */
	uint8_t			asked_count;
	bool			fills;		/* the operator sets arguments of it, or fills them in */
	uint8_t			hints, hints_said;	/* of a tool: enum hint_bits, true ones and those it has */
	const struct mcp_param	*params;	/* arguments that header fields repeat, as its server wants it; */
	const struct mcp_param	*asked;		/* as clients are told */
	struct json_value	definition;	/* all of it as the upstream says it, compact; what pins are of */
	struct json_value	object;		/* as clients see it, mostly the same text; so are those below */
	struct json_value	name_value;	/* its name, URI or template as it stands in the object */
	struct json_value	description;
	struct json_value	schema;		/* a tool's inputSchema */
	uint32_t		tokens;		/* of a tool: seed 001's estimate, at least 1 */
	struct crypt_digest	pin;		/* of a tool, once worker/lists/pins.h has it */
};

struct catalogue;
struct rank_docs;

/* Static. */
const struct catalogue_row *catalogue_row(enum catalogue_kind kind);

/* Being built for this server; prefix and server name are copied. */
must_check int	catalogue_new(enum catalogue_kind kind, struct span server, struct span prefix,
		    struct catalogue **out);
/* What the operator changes of the upstream's tool: false, when it is nothing.  Texts are borrowed until the list is
 * finished. */
typedef bool catalogue_change_fn(struct span tool, struct mcp_change *out, void *arg);
void		catalogue_changes(struct catalogue *c, catalogue_change_fn *fn, void *arg);
/* Lets go of it; the last one frees. */
void		catalogue_free(struct catalogue **c);
/* A finished one that stays after its owner let go of it; ends with catalogue_free(). */
struct catalogue *catalogue_hold(const struct catalogue *c);
/* The words of its tools, once somebody searched (mcp/toolwords.h); freed with it. */
struct rank_docs **catalogue_words(struct catalogue *c);
/* Takes one page, the `result` of the kind's list method (proven text, not kept).  *cursor is the raw JSON string
 * to ask the next page with, borrowed from `result`; empty: that was the last.  A cursor seen before
 * ends the walk.  0, E_UPSTREAM when the list is no array, E_NOMEM. */
must_check int	catalogue_page(struct catalogue *c, struct json_value result, struct span *cursor);
/* After the last page: makes the look-ups.  0 or E_NOMEM. */
must_check int	catalogue_finish(struct catalogue *c);

enum catalogue_kind		 catalogue_kind(const struct catalogue *c);
/* The upstream's order. */
size_t				 catalogue_count(const struct catalogue *c);
const struct catalogue_item	*catalogue_at(const struct catalogue *c, size_t i);
/* NULL when there is none; valid as long as the catalogue. */
const struct catalogue_item	*catalogue_find(const struct catalogue *c, struct span name);
const struct catalogue_item	*catalogue_find_composed(const struct catalogue *c, struct span composed);
/* Which bit a member's key is, 0 when every revision knows it. */
unsigned			 catalogue_member_of(enum catalogue_kind kind, struct span key,
				    struct json_value value);
/* A tool's annotations: enum hint_bits that are true, and that it has at all. */
void				 catalogue_hints(struct json_value annotations, uint8_t *hints, uint8_t *said);
/* To write its pin and standing, and nothing else. */
struct catalogue_item		*catalogue_change(struct catalogue *c, size_t i);
/* How many were dropped for this reason, and the reason in words (static). */
uint32_t			 catalogue_dropped(const struct catalogue *c, enum catalogue_drop why);
const char			*catalogue_drop_text(enum catalogue_drop why);

#endif
