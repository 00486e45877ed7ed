/* SPDX-License-Identifier: Apache-2.0
 *
 * replace.h - a configuration file's new text in the place of its old one, whole or not at all
 */
#ifndef CTL_FILES_REPLACE_H
#define CTL_FILES_REPLACE_H

#include <stdbool.h>

#include "lib/err.h"
#include "lib/span.h"

/* The text of a file that is to be edited; *text is malloc'ed, the caller's, empty when there is no file
 * yet.  0 or an error, said on stderr. */
must_check int	replace_read(const char *path, char **text, size_t *bytes);
/* Is it YAML, by its name?  No command edits that. */
bool		replace_is_yaml(const char *path);
/* Behind the last slash. */
const char	*replace_base_name(const char *path);
/* Would this file do?  0, or an error, said. */
typedef int replace_check_fn(const char *path, void *arg);
/* Writes beside it and renames: mode and owner stay (0644 for a new one), and a reader sees the old text or the
 * new one.  `was` is what was read: another text there meanwhile is E_EXISTS.  A link is followed, and stays.
 * `check` (NULL: none) is shown what is written before that; when it says no, nothing was changed.
 * 0, what it said, or an error, said on stderr. */
must_check int	replace_file(const char *path, struct span was, struct span now, replace_check_fn *check, void *arg);

#endif
