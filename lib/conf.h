/* SPDX-License-Identifier: Apache-2.0
 *
 * conf.h - our configuration text: JSON with comments and trailing commas, as a tree with positions
 *
 * Every node knows its line, its column and its path, because a message without them helps nobody.
 * json-c carries no positions, so the tree is our own, over the scanner of lib/json.h: comments and
 * trailing commas are blanked in place, which keeps every offset, then the text is proven, then
 * walked.  For configuration and other small documents off the way of a call.
 */
#ifndef LIB_CONF_H
#define LIB_CONF_H

#include <stdint.h>

#include "lib/json.h"

#define CONF_MAX_BYTES	(64u * 1024 * 1024)

struct conf_node {
	enum json_type		 type;
	struct span		 key;		/* member of an object: decoded name; else empty */
	struct span		 text;		/* string: decoded; else the value's raw text */
	const struct conf_node	*parent;	/* NULL: the top */
	const struct conf_node	*first, *next;	/* members or elements, in order of the file */
	uint32_t		 count;		/* of them */
	uint32_t		 index;		/* among the parent's */
	uint32_t		 line, column;	/* of the value, from 1; columns count characters */
	uint32_t		 key_line, key_column;	/* of the member's name; else of the value */
};

/* What was wrong with a text, and where. */
struct conf_error {
	uint32_t	line, column;
	char		text[160];
};

struct conf;

/* Reads `text` (copied).  0; E_JSON_SYNTAX, E_JSON_DEPTH, E_JSON_DUPLICATE (the text names the first
 * place), E_FORMAT (a NUL), E_TOOBIG or E_NOMEM, with *error filled in. */
must_check int	conf_new(struct span text, struct conf **out, struct conf_error *error);
void		conf_free(struct conf **c);
/* Nodes live as long as the conf. */
const struct conf_node *conf_top(const struct conf *c);

/* A member, or NULL (also when n is no object). */
const struct conf_node *conf_find(const struct conf_node *n, const char *key);
/* Appends the path: agents.backend.deny.tools.postgres[1]; nothing for the top. */
must_check int	conf_path(const struct conf_node *n, struct buf *to);
/* Appends the node as JSON without blanks, whatever text it came from. */
must_check int	conf_put_json(const struct conf_node *n, struct buf *to);
/* "a string", "an object", ...: for messages. */
const char	*conf_type_name(enum json_type t);

#endif
