/* SPDX-License-Identifier: Apache-2.0
 *
 * keep.h - pkgs/: packages as they were fetched, each with a record of what it is
 */
#ifndef CTL_IMPORT_KEEP_H
#define CTL_IMPORT_KEEP_H

#include <stdint.h>

#include "ctl/import/package.h"
#include "ctl/import/parts.h"

#define KEEP_NEW	".new"		/* where installers write */
#define KEEP_SETTINGS	".rc"		/* what they read, and others not */
#define KEEP_WHY	512

struct keep {
	char	path[3072];	/* pkgs/, absolute */
	int	fd, lock;
};

/* Opens pkgs/, makes it when it is missing, and waits for whoever is at it.  0, or an exit code, said. */
must_check int	keep_open(const char *path, struct keep *k);
void		keep_close(struct keep *k);

/* Empties and makes one of the two folders, for this user.  0 or E_SYS with errno. */
must_check int	keep_make(struct keep *k, const char *name, mode_t mode, uid_t uid, gid_t gid);
void		keep_remove(struct keep *k, const char *name);

/* What a package's record says beside its name. */
struct kept {
	const char		*kind, *spec, *from;	/* from: NULL, the registry */
	bool			 scripts;
	bool			 exact;		/* spec names this version and no other */
	const char		*name, *version, *tree;
	const char		*node;		/* or Python: its version */
	const struct parts	*parts;
	uint64_t		 bytes;
};

/* Moves what lies at .new/NAME to its place, with its record, and fills in got->dir; when it is there already the new
 * one is removed, and got->already set.  0, or an error with why[]. */
must_check int	keep_put(struct keep *k, const char *name, const struct kept *what, struct package_got *got,
		    char why[KEEP_WHY]);

/* A package that is there, by what was asked for in the same words, or by the one version that is wanted (name
 * and exact; empty: any): the one that was put there last.  E_NOTFOUND: none.
 * got: name, version, dir, tree_hash, with_scripts, modules, bytes. */
must_check int	keep_find(struct keep *k, const struct package_want *want, const char *name, const char *exact,
		    struct package_got *got);
/* One by its folder's name. */
must_check int	keep_read(struct keep *k, const char *folder, struct package_got *got, char why[KEEP_WHY]);
/* What was asked for when it was fetched: malloc'ed, NULL where that is not known. */
struct package_asked {
	char	*kind, *spec, *from;
	bool	 scripts;
};
must_check int	keep_asked(struct keep *k, const char *folder, struct package_asked *out);
void		keep_asked_free(struct package_asked *a);
/* Of packages of this name those go that are neither `stays` nor named in `text` (of servers.json). */
void		keep_tidy(struct keep *k, const char *name, const char *stays, struct span text);
/* Removes a package and its record. */
void		keep_drop(struct keep *k, const char *folder);

#endif
