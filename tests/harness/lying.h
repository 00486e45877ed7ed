/* SPDX-License-Identifier: Apache-2.0
 *
 * lying.h - an HTTP server that misbehaves as told (tests/servers/lying_http.c), beside a gateway
 */
#ifndef TESTS_HARNESS_LYING_H
#define TESTS_HARNESS_LYING_H

#include <stddef.h>
#include <sys/types.h>

struct lying {
	pid_t		pid;
	unsigned	port;
};

/* words: its era and what it is told, divided by blanks.  Fails the test when it does not come up. */
void	lying_start(struct lying *l, const char *words);
void	lying_stop(struct lying *l);
/* How often this stands in its log: a request is a line that begins with its method or verb and its session. */
size_t	lying_saw(const struct lying *l, const char *text);

#endif
