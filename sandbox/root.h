/* SPDX-License-Identifier: Apache-2.0
 *
 * root.h - the new root: what a tool sees of the world (operations.md 3)
 */
#ifndef SANDBOX_ROOT_H
#define SANDBOX_ROOT_H

#include "sandbox/jail.h"

/* Told what happens; `detail` is the path concerned. */
struct root_report {
	enum jail_step	 step;
	char		 detail[256];
	bool		 no_proc;
};

/* Builds the root in the caller's fresh namespaces and changes to it; the state folder is the working
 * folder if spec->state_fd is not -1.  0, or E_SYS with errno and *report saying where. */
must_check int	root_build(const struct jail_spec *spec, struct root_report *report);

/* What every jail has of the host, for one without a root of its own: devices are writable.  How many. */
size_t		root_system(struct jail_bind *to, size_t room);

const char	*root_home(const struct jail_spec *spec);

#endif
