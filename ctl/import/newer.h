/* SPDX-License-Identifier: Apache-2.0
 *
 * newer.h - a server of servers.json whose package is exchanged for another version of it
 */
#ifndef CTL_IMPORT_NEWER_H
#define CTL_IMPORT_NEWER_H

#include <limits.h>

#include "lib/buf.h"
#include "lib/conf.h"

#define NEWER_WHY	512

/* A server's member, and which package of pkgs/ it starts. */
struct newer {
	struct conf		*conf;		/* of the whole text */
	const struct conf_node	*server;
	char			 folder[512];	/* the package's, below pkgs/ */
	char			 entry[PATH_MAX];	/* the argument that is its program */
	bool			 off;		/* "enabled": false */
};

/* Finds it in the text of servers.json.  0, or E_NOTFOUND / E_FORMAT with why[].  newer_fini() in either case. */
must_check int	newer_find(struct span text, const char *name, const char *pkgs, struct newer *out,
		    char why[NEWER_WHY]);
void		newer_fini(struct newer *n);

/* The text with every path of the old package in this server's member moved to the new one, and its program to `entry`;
 * all else stays as it was written.  0, or what buf_put() answers. */
must_check int	newer_text(struct span text, const char *name, const char *pkgs, const struct newer *old,
		    const char *folder, const char *entry, struct buf *to);

#endif
