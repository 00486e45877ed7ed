/* SPDX-License-Identifier: Apache-2.0
 *
 * inside.h - the child's way into the jail, and what it tells the spawner meanwhile
 */
#ifndef SANDBOX_INSIDE_H
#define SANDBOX_INSIDE_H

#include "sandbox/jail.h"

enum inside_what {
	INSIDE_FAILED = 1,	/* step, os_error, detail; nothing comes after it */
	INSIDE_NO_PROC,
	INSIDE_LANDLOCK,	/* value: the ABI */
	INSIDE_EXEC,		/* the last word before execve; then EOF means it worked */
};

/* One record on the status pipe; less than PIPE_BUF, so never torn. */
struct inside_note {
	uint32_t	what, step;
	int32_t		os_error, value;
	char		detail[256];
};

/* With the sockets of the jail's network, in their order; what is not used is 0. */
struct inside_sockets {
	struct {
		uint16_t	kind, port;
	} of[JAIL_SOCKETS_MAX];
};

/* Where the parts of a jail's wiring are, from here on; all else is closed. */
enum inside_fd { INSIDE_STATUS = 3, INSIDE_LIFELINE = 4, INSIDE_HAND = 5, INSIDE_FD_LIMIT = 6,
	INSIDE_CHILDREN = INSIDE_HAND };	/* in the init of a reduced jail */

struct inside_wiring {
	int	in, out, err;	/* the tool's ends */
	int	status;		/* write end */
	int	lifeline;	/* read end */
	int	hand;		/* socket on which descriptors leave (sandbox/hand.h), or -1 */
};

static inline bool
inside_has(const struct jail_spec *spec, enum jail_layer layer)
{
	return (spec->without & layer) == 0;
}

static inline bool
inside_has_filter(const struct jail_spec *spec)
{
	return spec->filter != NULL && inside_has(spec, JAIL_LAYER_SECCOMP) &&
	    inside_has(spec, JAIL_LAYER_NO_NEW_PRIVS);
}

/* In the new namespaces' first process; becomes their init. */
_Noreturn void	inside_run(const struct jail_spec *spec, const struct inside_wiring *w, uid_t uid, gid_t gid);

/* What the way into a reduced jail (sandbox/reduced.h) has in common with it.  Each step that fails is told
 * and ends the process. */
void		inside_begin(const struct jail_spec *spec, const struct inside_wiring *w);
void		inside_tell(enum inside_what what, enum jail_step step, int value);
_Noreturn void	inside_give_up(enum jail_step step, const char *detail);
/* The tool's process: signals, session, limits, working folder, descriptors... */
void		inside_tool_begin(const struct jail_spec *spec, const char *workdir);
/* ...and, when it is confined by Landlock: capabilities, filter, exec. */
_Noreturn void	inside_tool_finish(const struct jail_spec *spec);

#endif
