/* SPDX-License-Identifier: Apache-2.0
 *
 * toollist.h - the tools of servers as they would list them, each started once by a gateway of our own
 */
#ifndef CTL_IMPORT_TOOLLIST_H
#define CTL_IMPORT_TOOLLIST_H

#include "ctl/ctl.h"
#include "lib/buf.h"
#include "lib/conf.h"

#define TOOLLIST_WHY	512

struct toollist {
	const char		*name;		/* of the server, as it is called there */
	const struct conf_node	*member;	/* what stands in servers.json */
	struct buf		 text;		/* an array of its tools, proven */
	struct json_value	 tools;		/* it; JSON_NONE: none */
	char			 why[TOOLLIST_WHY];	/* it did not start, or gave no list; "": it did */
};

/* Fills in each.  0, or an exit code, said, when there is no gateway to try them with. */
must_check int	toollist_ask(struct ctl *ctl, struct toollist *lists, size_t n);
void		toollist_fini(struct toollist *lists, size_t n);

/* What is in the one and not in the other: added, gone, and what is different in those that are in both, as `tool diff`
 * shows it.  How many of each. */
struct tooldiff {
	unsigned	added, gone, changed, same;
};
void		toollist_diff(const char *server, const struct toollist *from, const struct toollist *to, bool print,
		    struct tooldiff *out);
/* Appends an array of the names that are only in `a`. */
must_check int	toollist_put_only(const struct toollist *a, const struct toollist *b, struct buf *to);

#endif
