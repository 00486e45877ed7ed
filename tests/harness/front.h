/* SPDX-License-Identifier: Apache-2.0
 *
 * front.h - TLS before a fixture server (tests/servers/tls_front.c)
 */
#ifndef TESTS_HARNESS_FRONT_H
#define TESTS_HARNESS_FRONT_H

#include <stddef.h>
#include <sys/types.h>

struct front {
	pid_t		pid;
	unsigned	port;
	char		log[320];
};

/* Before this port of 127.0.0.1; pem: key and certificates; words as tls_front.c has them, divided by blanks.  Its
 * log lies beside the PEM file.  Fails the test when it does not come up. */
void	front_start(struct front *f, unsigned port, const char *pem, const char *words);
void	front_stop(struct front *f);
/* How often this stands in its log. */
size_t	front_saw(const struct front *f, const char *text);

#endif
