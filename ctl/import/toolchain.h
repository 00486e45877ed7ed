/* SPDX-License-Identifier: Apache-2.0
 *
 * toolchain.h - the node, npm, Python and pip that this user has: the real files behind shims and links
 */
#ifndef CTL_IMPORT_TOOLCHAIN_H
#define CTL_IMPORT_TOOLCHAIN_H

#include <limits.h>
#include <stdbool.h>

#include "lib/err.h"

#define TOOLCHAIN_WHY	512

struct toolchain_node {
	char	node[PATH_MAX];		/* the program itself */
	char	version[32];		/* "20.11.1" */
	char	npm[PATH_MAX];		/* npm-cli.js; "": there is none */
	char	npm_folder[PATH_MAX];	/* npm's own package, which it lies in */
};

struct toolchain_python {
	char	python[PATH_MAX];
	char	prefix[PATH_MAX];	/* where its libraries are; "" when that is /usr */
	char	version[32];
	bool	pip, venv;
	char	index[256], files[128];	/* where pip looks by itself: its index, and the host of that one's files */
};

/* By the user's PATH; for the gateway of the system what every user may reach.  0, or E_NOTFOUND with why[], which says
 * what to install. */
must_check int	toolchain_node(bool system, struct toolchain_node *out, char why[TOOLCHAIN_WHY]);
must_check int	toolchain_python(bool system, struct toolchain_python *out, char why[TOOLCHAIN_WHY]);

/* The registry that npm has by itself, whatever the user's settings say.  0 or E_NOTFOUND. */
must_check int	toolchain_npm_registry(const struct toolchain_node *n, char *to, size_t room);

/* May every user get there? */
bool	toolchain_is_open(const char *path);

#endif
