/* SPDX-License-Identifier: Apache-2.0
 *
 * edit.h - a change to one place of a configuration text, all else left as it was written
 */
#ifndef CTL_FILES_EDIT_H
#define CTL_FILES_EDIT_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/conf.h"

/* Nodes are of a conf made of exactly this text.  `out` gets the whole new text; 0, or what buf_put() answers. */

/* Another value for a node. */
must_check int	edit_replace(struct span text, const struct conf_node *node, struct span value, struct buf *out);
/* One more member (as `"name": value`) or element behind the last one of an object or array, laid out as that is. */
must_check int	edit_append(struct span text, const struct conf_node *container, struct span item, struct buf *out);
/* Without a member or element: its comma goes too, and its line when nothing else but a comment stands there. */
must_check int	edit_remove(struct span text, const struct conf_node *node, struct buf *out);

/* A node's value as it is written. */
struct span	edit_text(struct span text, const struct conf_node *node);

/* The keys of a place, from the top down; the last is NULL. */
#define EDIT_KEYS_MAX	6
/* The node there, or NULL. */
const struct conf_node *edit_find(const struct conf *c, const char *const *keys);
/* One more element (is_list) or one more member (as `"name": value`) at this place; objects on the way there, and
 * the list, are made when they are not.  E_FORMAT: something on the way is of another type. */
must_check int	edit_put(struct span text, const struct conf *c, const char *const *keys, bool is_list,
		    struct span item, struct buf *out);

#endif
