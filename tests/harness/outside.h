/* SPDX-License-Identifier: Apache-2.0
 *
 * outside.h - a network of the test's own with hosts that are not this machine, as far as anybody there can tell,
 *             and a name server; nothing leaves it
 */
#ifndef TESTS_HARNESS_OUTSIDE_H
#define TESTS_HARNESS_OUTSIDE_H

#include <stdbool.h>
#include <sys/types.h>

#define OUTSIDE_DNS	"127.0.0.1:5300"
#define OUTSIDE_HOST	"11.0.0.1"	/* public to look at; also 11.0.0.2 and so on */
#define OUTSIDE_ECHO	7000		/* this port of every address says again what it hears, */
#define OUTSIDE_OTHER	7001		/* as this one does; */
#define OUTSIDE_HTTP	8080		/* this one answers any request with "hello from outside" */

struct outside {
	pid_t	pid;
	int	user_ns, net_ns;	/* for gateway_setup; user_ns is 0 where nobody needs one */
};

/* A process that goes to a network of its own and serves all of the above there.  The test itself stays where it is:
 * it has threads, and asks over the unix socket.
 * Names: api.docs.example and *.docs.example are OUTSIDE_HOST, private.example is 10.9.9.9, loop.example 127.0.0.1.
 * False: this machine cannot. */
bool	outside_start(struct outside *o);
/* A program of yours there; 0: it cannot be started.  It ends with the test. */
pid_t	outside_exec(const struct outside *o, char *const *argv);
void	outside_stop(struct outside *o);

#endif
