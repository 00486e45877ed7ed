/* SPDX-License-Identifier: Apache-2.0
 *
 * cell.h - a jail for tests: one shell script in it, what it said, how it ended
 */
#ifndef TESTS_UNIT_SANDBOX_CELL_H
#define TESTS_UNIT_SANDBOX_CELL_H

#include "sandbox/jail.h"

struct cell {
	struct jail_spec	 spec;
	const char		*argv[4];
	struct jail_child	 child;
	char			 out[16384];	/* stdout, then stderr */
	int			 status;	/* of wait(2) */
	unsigned		 notified;	/* refused sockets */
	int			 domain;	/* of the last one */
};

/* A spec that runs /bin/sh -c script; change it before cell_start(). */
void	cell_init(struct cell *c, const char *script);
/* Starts, closes stdin, reads until all of the jail is gone, reaps.  What jail_start() answered. */
int	cell_run(struct cell *c);
/* In two parts. */
int	cell_start(struct cell *c);
void	cell_finish(struct cell *c);

/* Skips the test with the probe's line where jails cannot be built. */
void	cell_wanted(void);
/* The rest of this test runs as an ordinary user. */
void	cell_as_nobody(void);

/* Each test twice: as whoever runs the suite, which may be root, and as an ordinary user. */
#define JAIL_TEST(suite, name)						\
	static void suite##_##name(void);				\
	Test(suite, name) { cell_wanted(); suite##_##name(); }		\
	Test(suite##_as_nobody, name)					\
	{								\
		cell_as_nobody();					\
		cell_wanted();						\
		suite##_##name();					\
	}								\
	static void suite##_##name(void)

#endif
