/* SPDX-License-Identifier: Apache-2.0
 *
 * edit.h - a change to one place of a configuration text, all else left as it was written
 */
#ifndef CTL_EDIT_H
#define CTL_EDIT_H

#include "lib/buf.h"
#include "lib/conf.h"

/* Nodes are of a conf made of exactly this text.  `out` gets the whole new text; 0, or what buf_put() answers. */

/* Another value for a node. */
must_check int	edit_replace(struct span text, const struct conf_node *node, struct span value, struct buf *out);
/* One more member (as `"name": value`) or element behind the last one of an object or array, laid out as that is. */
must_check int	edit_append(struct span text, const struct conf_node *container, struct span item, struct buf *out);

#endif
