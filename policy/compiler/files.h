/* SPDX-License-Identifier: Apache-2.0
 *
 * files.h - opening and reading the files of a configuration
 */
#ifndef POLICY_COMPILER_FILES_H
#define POLICY_COMPILER_FILES_H

#include "policy/compiler/job.h"

/* Reads a file: relative paths and those below the configuration folder through its descriptor, so
 * that no link leads out of it; others as they stand.  Refused, with *why for people (borrowed): what
 * is no regular file, may be written by everybody, changes while it is read, is larger than max.
 * 0 with *text malloc'ed; E_NOTFOUND when it is not there. */
must_check int	file_read(struct job *j, const char *path, size_t max, char **text, size_t *bytes,
		    const char **why);
/* The same checks on an open descriptor; takes fd. */
must_check int	file_read_fd(int fd, size_t max, char **text, size_t *bytes, const char **why);

/* Opens a folder in the same way: a descriptor, the caller's, or -1 with errno. */
int		folder_open(struct job *j, const char *path);

/* Reads a file of JSON, or of YAML when its name says so.  False after saying why; true with s->conf NULL when
 * it is not there. */
bool		source_open(struct job *j, const char *path, struct source *s);
void		source_close(struct source *s);
/* How messages name a file: without the configuration folder in front of it. */
const char	*file_shown(const struct job *j, const char *path);
/* Who reads it, for messages: the name of our user, or its number. */
const char	*file_reader(struct job *j);
/* The folder a file lies in. */
const char	*file_folder(struct job *j, const char *path);

#endif
