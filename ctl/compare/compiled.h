/* SPDX-License-Identifier: Apache-2.0
 *
 * compiled.h - the configuration files as the gateway would take them, without giving them to it
 */
#ifndef CTL_COMPARE_COMPILED_H
#define CTL_COMPARE_COMPILED_H

#include "ctl/ctl.h"
#include "ipc/codec.h"
#include "policy/snap.h"

struct compiled_plan {
	unsigned		 what;		/* enum compile_what: COMPILE_PARAMS or COMPILE_POLICY */
	const char		*config_dir;	/* NULL: this gateway's */
	const char		*rules_file, *servers_file;	/* to be read in the place of its own; NULL: its own */
	/* A gateway's policy, or NULL: its -o and environment count, as far as the caller's own -o do not, and what it
	 * learns is learnt. */
	const struct snap	*as_running;
	bool			 errors, warnings;	/* are said on stderr */
};

/* The policy snapshot that comes of it; *out is the caller's, NULL when there is none.  True when the compiler found
 * no error. */
bool	compiled_read(struct ctl *ctl, const struct compiled_plan *plan, struct snap **out);

#endif
