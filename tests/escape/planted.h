/* SPDX-License-Identifier: Apache-2.0
 *
 * planted.h - what an attempt could reach if nothing held it: a file, and somebody who listens
 */
#ifndef TESTS_ESCAPE_PLANTED_H
#define TESTS_ESCAPE_PLANTED_H

#include <stdint.h>
#include <sys/types.h>

struct planted {
	pid_t		pid;
	int		lifeline;	/* when it closes, who listens ends */
	uint16_t	port;		/* on 127.0.0.1, TCP and UDP */
	char		address[48];	/* another IPv4 address of this machine, or "" */
};

/* Makes secret, data/, home/, tmp/ and control.sock in `folder`, and a process that listens on the last, on the
 * abstract name "mcpgw-escape-PORT" and on the port, echoes what it gets and passes a descriptor to who
 * connects to a unix socket, and keeps a segment of System V shared memory.  NULL, or what could not be done; static. */
const char	*planted_start(struct planted *p, const char *folder);
void		 planted_stop(struct planted *p);

#endif
