/* SPDX-License-Identifier: Apache-2.0
 *
 * loopback.h - what fixture servers over HTTP share: a port of this machine, one whole request, one POST a connection
 */
#ifndef TESTS_SERVERS_LOOPBACK_H
#define TESTS_SERVERS_LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define LOOPBACK_REQUEST_MAX	(64 * 1024)

/* From now on it ends with its parent, and a client that goes away is an error of write(2) alone.  A listening
 * descriptor on 127.0.0.1, whose port is the first line of stdout, and in *port unless that is NULL; exits where there
 * is none. */
int	loopback_begin(unsigned *port);
/* Head and body, with a NUL, into this much room; *head: where the body begins.  False: it broke off. */
bool	loopback_read(int fd, char *to, size_t room, size_t *head);

/* What a POST holds; what is written to `out` is the answer, nothing of it a 202. */
typedef void loopback_answer_fn(const char *head, size_t head_bytes, const char *body, size_t bytes, FILE *out);

/* Serves until there is no more to accept, one POST (4 MiB at most) a connection; what is none gets a 405. */
void	loopback_serve(loopback_answer_fn *fn);

#endif
