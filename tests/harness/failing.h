/* SPDX-License-Identifier: Apache-2.0
 *
 * failing.h - an HTTP server that fails as it is told while it runs (tests/servers/failing.c)
 */
#ifndef TESTS_HARNESS_FAILING_H
#define TESTS_HARNESS_FAILING_H

#include <stddef.h>
#include <sys/types.h>

struct failing {
	pid_t		pid;
	unsigned	port;
};

/* era: "legacy" or "modern"; name: in its answers.  Fails the test when it does not come up. */
void	failing_start(struct failing *f, const char *era, const char *name);
void	failing_stop(struct failing *f);
/* How calls go from here on; while it is not down. */
void	failing_mode(const struct failing *f, const char *mode);
/* Nobody listens, and its connections are cut; it is back on the same port. */
void	failing_down(const struct failing *f);
void	failing_up(const struct failing *f);
/* How many calls' requests came whole, and of those with this argument n. */
size_t	failing_calls(const struct failing *f);
size_t	failing_saw(const struct failing *f, const char *begin);	/* lines that begin so */
size_t	failing_calls_of(const struct failing *f, unsigned n);

#endif
