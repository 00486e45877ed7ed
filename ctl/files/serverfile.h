/* SPDX-License-Identifier: Apache-2.0
 *
 * serverfile.h - one server in the servers file: its text changed, tried, written, put in force
 */
#ifndef CTL_FILES_SERVERFILE_H
#define CTL_FILES_SERVERFILE_H

#include "ctl/files/edit.h"
#include "ctl/files/pending.h"

struct serverfile {
	struct pending	 pending;
	const char	*name;
	char		 path[4096];		/* servers_file */
	char		*text;
	size_t		 bytes;
	const char	*keys[3];		/* where the server stands */
	struct buf	 now;			/* the new text */
	bool		 dry;			/* what would change is said, and nothing written */
};

/* Reads the file and finds the server there.  0, or the exit code, after saying why: no such server, one of another
 * file, YAML. */
int	serverfile_open(struct ctl *ctl, const char *name, struct serverfile *f);
void	serverfile_close(struct serverfile *f);
/* One more change of f->now: a member of the server gets this value (JSON), or goes.  0 or an error. */
must_check int	serverfile_set(struct serverfile *f, const char *member, struct span value);
must_check int	serverfile_unset(struct serverfile *f, const char *member);
/* Is the member there with this value (as JSON has it)? */
bool	serverfile_is(const struct serverfile *f, const char *member, const char *value);
/* The whole server goes. */
must_check int	serverfile_remove(struct serverfile *f);
/* Tries it, writes it and puts it in force; error: of the changes.  The exit code. */
int	serverfile_apply(struct serverfile *f, int error);

#endif
