/* SPDX-License-Identifier: Apache-2.0
 *
 * nameserver.h - a name server that answers what it is told (tests/servers/dns.c)
 */
#ifndef TESTS_HARNESS_NAMESERVER_H
#define TESTS_HARNESS_NAMESERVER_H

#include <stddef.h>
#include <sys/types.h>

struct nameserver {
	pid_t		pid;
	unsigned	port;
	char		folder[64], file[96];
};

/* Knows nothing yet.  Fails the test when it does not come up. */
void	nameserver_start(struct nameserver *s);
void	nameserver_stop(struct nameserver *s);
/* Lines as dns.c has them, instead of those before. */
void	nameserver_say(struct nameserver *s, const char *lines);
/* How often it was asked for this name's IPv4 addresses. */
size_t	nameserver_asked(const struct nameserver *s, const char *name);

#endif
