/* SPDX-License-Identifier: Apache-2.0
 *
 * parts.h - the packages that an installer put into one folder, by its own account
 */
#ifndef CTL_IMPORT_PARTS_H
#define CTL_IMPORT_PARTS_H

#include <stdbool.h>

#include "lib/buf.h"

#define PARTS_MAX	20000
#define PARTS_WHY	256

struct part {
	char	*name, *version;
	char	*integrity;	/* "sha512-...", "sha256=..."; "": none was given */
	bool	 asked;		/* it was asked for by name, and no other package wanted it */
	bool	 scripts;	/* it wants to run something when it is installed, or was built here */
};

struct parts {
	struct part	*list;
	size_t		 count;
};

/* npm's package-lock.json, of version 2 or 3.  0, or an error with why[]; *out is the caller's in either case. */
must_check int	parts_npm(struct span text, struct parts *out, char why[PARTS_WHY]);
/* What pip's --report says. */
must_check int	parts_pip(struct span text, struct parts *out, char why[PARTS_WHY]);
/* One package that nothing else is known of. */
must_check int	parts_one(const char *name, struct span version, bool scripts, struct parts *out);
void		parts_free(struct parts *p);
/* The one of this name, or NULL. */
const struct part *parts_find(const struct parts *p, const char *name);
/* An array of objects, as it stands in a package's record. */
must_check int	parts_put(const struct parts *p, struct buf *to);

#endif
