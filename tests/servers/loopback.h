/* SPDX-License-Identifier: Apache-2.0
 *
 * loopback.h - what fixture servers over HTTP share: a port of this machine, and one whole request
 */
#ifndef TESTS_SERVERS_LOOPBACK_H
#define TESTS_SERVERS_LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>

#define LOOPBACK_REQUEST_MAX	(64 * 1024)

/* A listening descriptor on 127.0.0.1, and its port; exits where there is none. */
int	loopback_listen(unsigned *port);
/* Head and body, with a NUL, into LOOPBACK_REQUEST_MAX of room; *head: where the body begins.  False: it broke off. */
bool	loopback_read(int fd, char *to, size_t *head);

#endif
