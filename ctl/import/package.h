/* SPDX-License-Identifier: Apache-2.0
 *
 * package.h - packages of npm and PyPI, fetched in a jail and kept below pkgs/ as they were fetched
 *
 * A package lies in pkgs/NAME@VERSION-HASH/ with all it depends on, read-only, and is never changed there; a '/' of
 * NAME is a '+'.  Beside it stands pkgs/NAME@VERSION-HASH.json: what was asked for, the version and integrity of each
 * package, and a digest over its sorted tree.
 */
#ifndef CTL_IMPORT_PACKAGE_H
#define CTL_IMPORT_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/ctl.h"
#include "lib/err.h"

struct package_want {
	const char	*kind;		/* "npm" or "pypi" */
	const char	*spec;		/* NAME[@RANGE] (npm), NAME[==VERSION, >=VERSION, ...] (PyPI), as written */
	const char	*bin;		/* which program of it (-p PKG BIN); NULL: the one it is known by */
	bool		 scripts;	/* run install scripts, build from source: in the jail all the same */
	bool		 source;	/* spec may be a git repository or an address of an archive */
	const char	*from;		/* a folder or archive that has it, without the network; NULL: the registry */
	bool		 fresh;		/* ask the registry, also when something is there that was asked for so */
};

struct package_got {
	char		*why;		/* why there is none, one line for people; NULL: the rest is filled in */
	char		*name, *version;
	char		*dir;		/* absolute, below pkgs/ */
	char		*runtime;	/* absolute: node, or the package's own python; what `command` is to be */
	char		*entry;		/* absolute: the script; what args[0] is to be */
	char		*tree_hash;	/* SHA-256 in hex */
	char		**with_scripts;	/* names of packages whose install scripts were not run */
	size_t		 with_scripts_n;
	char		**prefixes;	/* what the runtime reads outside of dir, for "read" */
	size_t		 prefixes_n;
	unsigned	 modules;	/* packages in it, itself included */
	uint64_t	 bytes;
	bool		 already;	/* it was there */
};

/* Fetches all that are not there yet; what could not be fetched has its reason in got[i].why.  `into` is pkgs/ of
 * the gateway, made when it is missing.  0 when each was tried; an exit code, said on stderr, when none could be:
 * no jail, no gateway.  got is filled in either case; the caller's, packages_free().  Progress is said on stderr
 * when it takes over two seconds. */
must_check int	packages_fetch(struct ctl *ctl, const struct package_want *want, struct package_got *got, size_t n,
		    const char *into);
void		packages_free(struct package_got *got, size_t n);

#endif
