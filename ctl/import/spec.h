/* SPDX-License-Identifier: Apache-2.0
 *
 * spec.h - what somebody wrote to name a package: NAME, NAME@RANGE, NAME==VERSION, an address
 */
#ifndef CTL_IMPORT_SPEC_H
#define CTL_IMPORT_SPEC_H

#include <stdbool.h>

#include "lib/err.h"

#define SPEC_NAME	215	/* npm's own bound is 214 */
#define SPEC_TEXT	512

struct spec {
	bool	source;			/* a repository or an archive somewhere: name and range are empty */
	char	name[SPEC_NAME];	/* as the index has it: PyPI's in small letters, with '-' */
	char	range[SPEC_TEXT];	/* "^1.2", "latest", "==1.2.3"; "": the newest */
	char	exact[SPEC_TEXT];	/* the version, when the range is nothing but one; else "" */
	char	text[SPEC_TEXT];	/* as the installer is to be given it */
};

/* 0, or E_FORMAT with *why (static): no name of a package, or something an installer could take for an option. */
must_check int	spec_npm(const char *text, struct spec *out, const char **why);
/* Also as uvx takes it, NAME@VERSION. */
must_check int	spec_pypi(const char *text, struct spec *out, const char **why);

#endif
