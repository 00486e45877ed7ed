/* SPDX-License-Identifier: Apache-2.0
 *
 * rcfile.h - settings that a user has for npm or pip: what stands in their files and in the environment
 */
#ifndef CTL_IMPORT_RCFILE_H
#define CTL_IMPORT_RCFILE_H

#include <stddef.h>

#include "lib/span.h"

#define RCFILE_PAIRS_MAX	512

struct rc_pair {
	char	*key, *value;
};

struct rc {
	struct rc_pair	*list;
	size_t		 count;
};

/* The later one counts; a key that ends in "[]" may come more than once, with other values. */
void		 rc_set(struct rc *rc, struct span key, struct span value);
/* NULL when it is not set. */
const char	*rc_get(const struct rc *rc, const char *key);
/* Overwrites what it frees: values may be tokens. */
void		 rc_free(struct rc *rc);

/* Lines of an npmrc: KEY=VALUE, ${VARIABLE} replaced where it is set. */
void		 rc_npm_text(struct rc *rc, struct span text);
/* Sections of a pip.conf that count here: [global], and those whose names stand in `also` (NULL at the end). */
void		 rc_pip_text(struct rc *rc, struct span text, const char *const *also);
/* Every variable of the environment whose name begins so, whatever its case; the rest is the key, in small letters,
 * with '-' for '_'. */
void		 rc_environment(struct rc *rc, const char *prefix);
/* The file's text through fn, when there is one. */
typedef void	 rc_text_fn(struct rc *rc, struct span text, void *arg);
void		 rc_file(struct rc *rc, const char *path, rc_text_fn *fn, void *arg);

#endif
