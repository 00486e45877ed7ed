/* SPDX-License-Identifier: Apache-2.0
 *
 * catalogue_priv.h - what catalogue.c and catalogue_item.c share
 */
#ifndef MCP_CATALOGUE_PRIV_H
#define MCP_CATALOGUE_PRIV_H

#include "mcp/catalogue.h"

/* A proven text without the blanks between tokens; never longer.  Answers the length. */
size_t		catalogue_compact(struct span from, char *to);
/* Fills all of t but its composed name from t->object: 0, E_NOMEM, or 1 + enum catalogue_drop. */
must_check int	catalogue_item_read(enum catalogue_kind kind, struct arena *text, struct catalogue_item *t);
/* The same item as clients see it: 0, E_NOMEM, or 1 + enum catalogue_drop. */
must_check int	catalogue_item_change(struct arena *text, struct catalogue_item *t, const struct mcp_change *c);

#endif
