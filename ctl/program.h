/* SPDX-License-Identifier: Apache-2.0
 *
 * program.h - programs of the same installation, started as the caller
 */
#ifndef CTL_PROGRAM_H
#define CTL_PROGRAM_H

#include <sys/types.h>

#include "ctl/ctl.h"
#include "lib/err.h"

#define PROGRAM_ARGS_MAX (2 * CTL_SETTINGS_MAX + 80)

/* Appends -c DIR and every -o at argv[n]; answers the new n. */
size_t		program_settings(const struct ctl *ctl, const char *config_dir, char **argv, size_t n);
struct program_plan {
	int		 control;	/* becomes its HERITAGE_CONTROL; -1: none */
	int		 out;		/* its stdout; -1: ours */
	const char	*owner_of;	/* root only: runs as the owner of this folder; NULL: as we are */
	bool		 quiet;		/* what it has to say is not wanted, its exit code is */
	bool		 out_err;	/* its stderr goes where `out` says, too */
	bool		 follows;	/* gets SIGTERM when the process that started it ends */
	int		 in;		/* its stdin; 0: ours */
};

/* Starts it with our terminal and environment.  Descriptors stay the caller's.  0 or an error, said. */
must_check int	program_start(const char *name, char *const *argv, const struct program_plan *plan,
		    pid_t *pid);
/* Its exit code; 128 + the signal. */
int		program_wait(pid_t pid);
/* Becomes it; exits with EX_UNAVAILABLE when it is not there. */
_Noreturn void	program_become(const char *name, char *const *argv);

#endif
