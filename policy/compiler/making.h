/* SPDX-License-Identifier: Apache-2.0
 *
 * making.h - the profile of a server with programs while it is being made: what its jails see and have
 *
 * Used for a server of servers.json, which is one program, and for a file of tools_dir, which has several.
 */
#ifndef POLICY_COMPILER_MAKING_H
#define POLICY_COMPILER_MAKING_H

#include "policy/compiler/program.h"
#include "policy/compiler/changes.h"
#include "policy/compiler/server.h"

struct making {
	struct server		*sv;
	struct job		*j;
	const struct source	*s;
	struct build		*b;
	struct rec_profile	 p;
	struct program		 program;	/* of a server that is one */
	struct view		 view;
	struct digest		 digest;	/* over all that decides how it runs */
	const char		*workdir;	/* absolute, or NULL */
	struct change_list	 changes;	/* what is said of its tools */
	bool			 ok;		/* nothing wrong so far: records may be written */
};

/* The working folder and what is visible, as sv->node says; making_end() must follow. */
void	making_begin(struct making *m, struct server *sv);
/* Finds a program and makes it visible.  False after saying why there is none. */
bool	making_program(struct making *m, const struct conf_node *command, struct program *out);
/* Environment and limits; adds the PROFILE unless something was wrong. */
void	making_end(struct making *m);

#endif
