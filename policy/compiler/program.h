/* SPDX-License-Identifier: Apache-2.0
 *
 * program.h - a server's command: the real file, and what must be visible for it to start
 */
#ifndef POLICY_COMPILER_PROGRAM_H
#define POLICY_COMPILER_PROGRAM_H

#include "policy/compiler/job.h"
#include "policy/compiler/view.h"

struct program {
	const char	*inside;	/* the file to execute, as seen in the jail */
	const char	*argv0;
	bool		 interpreter;	/* runs a script named in the arguments */
};

/* Finds `command` (a path, relative ones from `folder`, or a name on the operator's PATH), follows
 * links and adds to the view what is not below /usr: the file, its package folder, a virtual
 * environment, the interpreter of its #! line.  False with *why when there is no such program. */
bool	program_find(struct job *j, const char *command, const char *folder, struct view *v,
	    struct program *out, const char **why);
/* The script among the arguments of an interpreter, made absolute, its package folder added to the
 * view; NULL when `arg` names no file. */
const char *program_script(struct job *j, const char *arg, const char *folder, struct view *v);
/* What a command that fetches its program at every start is called, or NULL: "npx", "docker". */
const char *program_fetches(const char *command);
/* Is that all it is for, unless it finds the server in its working folder? */
bool	program_only_fetches(const char *command);

#endif
