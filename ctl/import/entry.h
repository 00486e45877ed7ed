/* SPDX-License-Identifier: Apache-2.0
 *
 * entry.h - which program of a package is meant when only the package is named
 */
#ifndef CTL_IMPORT_ENTRY_H
#define CTL_IMPORT_ENTRY_H

#include "lib/conf.h"

#define ENTRY_TEXT	1024
#define ENTRY_WHY	512

/* npx's rule, of a package.json: with `bin` that one; else all of "bin" when it is one and the same file; else the one
 * called like the package, without its scope.  to: the file, relative to the package's folder.
 * 0, or E_NOTFOUND / E_FORMAT with why[], which names those there are. */
must_check int	entry_npm(const struct conf_node *manifest, const char *bin, char to[ENTRY_TEXT], char why[ENTRY_WHY]);
/* uvx's rule, of an entry_points.txt (empty: there is none): with `bin` that one; else the one called like the package;
 * else the only one.  to: its name among the environment's programs. */
must_check int	entry_pypi(struct span entry_points, const char *package, const char *bin, char to[ENTRY_TEXT],
		    char why[ENTRY_WHY]);

/* What the first line of a program says of who runs it. */
enum entry_runner { ENTRY_NODE, ENTRY_PYTHON, ENTRY_OTHER };
/* head: its first bytes; name: decides where there is no such line. */
enum entry_runner entry_runner(struct span head, const char *name);

#endif
