/* SPDX-License-Identifier: Apache-2.0
 *
 * fetch.h - between package.c and what is npm's or pip's own
 *
 * Packages are installed one after the other into folders of .new that are made just before: what a package's scripts
 * did there is gone before the next one comes.
 */
#ifndef CTL_IMPORT_FETCH_H
#define CTL_IMPORT_FETCH_H

#include <limits.h>

#include "ctl/import/install.h"
#include "ctl/import/keep.h"
#include "ctl/import/package.h"
#include "ctl/import/sources.h"
#include "ctl/import/spec.h"
#include "ctl/import/toolchain.h"

#define FETCH_WHY	1024

/* Packages that one gateway installs: of one kind, from one place, with scripts or without. */
struct fetch {
	struct ctl		 *ctl;
	struct keep		 *keep;
	struct install		  install;
	struct sources		  sources;
	bool			  offline, scripts;
	struct toolchain_node	  node;
	struct toolchain_python	  python;
	char			  new[PATH_MAX], rc[PATH_MAX];	/* the two folders */
};

/* One of them. */
struct fetch_one {
	const struct package_want *want;
	struct package_got	 *got;
	struct spec		  spec;
	char			  folder[256];		/* its name in .new */
	char			  tool[3][INSTALL_NAME];	/* what is run, in this order */
	size_t			  tools;
};

/* What a kind does. */
struct fetch_kind {
	const char	*name;
	int		(*spec)(const char *text, struct spec *out, const char **why);
	/* What this user has for it. */
	int		(*tools)(bool system, struct fetch *f, char why[FETCH_WHY]);
	/* Where packages come from, as the settings say. */
	int		(*sources)(struct fetch *f, char why[FETCH_WHY]);
	/* The programs that fetch one, in order. */
	void		(*plan)(struct fetch *f, struct fetch_one *o, size_t number);
	/* What is to lie there before. */
	int		(*prepare)(struct fetch *f, struct fetch_one *o, char why[FETCH_WHY]);
	/* What was fetched, by what lies at `dir`, sealed: name and version, and the parts. */
	int		(*look)(struct fetch *f, struct fetch_one *o, int dir, struct parts *parts,
			    char why[FETCH_WHY]);
	/* Its runtime and entry, where it lies now (got->dir). */
	int		(*entry)(struct fetch *f, struct fetch_one *o, char why[FETCH_WHY]);
	const char	*(*version)(const struct fetch *f);
	/* Where links may lead to. */
	const char	*(*outside)(const struct fetch *f);
};

extern const struct fetch_kind fetch_npm, fetch_pypi;

/* Adds a program to the plan of one. */
void		fetch_tool(struct fetch *f, struct fetch_one *o, size_t number, const char *const *argv);
/* A file below a sealed folder, without following links; malloc'ed with a NUL behind, the caller's.  0, or an error. */
must_check int	fetch_read(int dir, const char *path, char **text, size_t *bytes);
char		*fetch_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* why[] of what `path` there is: E_FORMAT always. */
must_check int	fetch_refuse(char why[FETCH_WHY], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
