/* SPDX-License-Identifier: Apache-2.0
 *
 * find.h - the file behind a command, as the user's shell would find it
 */
#ifndef CTL_IMPORT_FIND_H
#define CTL_IMPORT_FIND_H

#include "ctl/import/server.h"

struct found {
	const char	*path;		/* absolute, as it was found: a python of a venv is known by this name */
	const char	*real;		/* links followed */
	const char	*venv;		/* the folder of the virtual environment it is the python of; NULL: none */
};

/* `command` as the server's client would start it in s->workspace: on PATH, or a path.  Shims of pyenv, asdf, mise and
 * the like are resolved with their own `which`.  False: *why says why not. */
bool		 find_command(struct import *im, const struct import_server *s, const char *command, struct found *out,
		    const char **why);
/* A program of the user's PATH; NULL when there is none. */
const char	*find_on_path(struct import *im, const char *name);
/* "node 20", "python 3.11": what it says of its version; the name alone when it says nothing. */
const char	*find_version(struct import *im, const char *path);
bool		 find_is_file(const char *path);
bool		 find_is_folder(const char *path);
/* The first line of a script behind "#!", as words; false when it is none. */
bool		 find_interpreter(struct import *im, const char *script, struct words *out);

#endif
