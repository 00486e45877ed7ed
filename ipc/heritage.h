/* SPDX-License-Identifier: Apache-2.0
 *
 * heritage.h - what a child inherits (day-one 11); all else arrives as messages
 *
 * argv is the program and its slot; the environment is empty but for mcpgw-compile, which needs the
 * operator's for ${VAR}.  Descriptors from 5 on are closed before exec.  End of file on the control
 * channel is the lifeline: the master is dead, leave within 2 s.
 */
#ifndef IPC_HERITAGE_H
#define IPC_HERITAGE_H

enum heritage_fd {
	HERITAGE_NULL_IN = 0,	/* /dev/null */
	HERITAGE_NULL_OUT = 1,
	HERITAGE_STDERR = 2,	/* /dev/null; with -f the master's stderr */
	HERITAGE_CONTROL = 3,	/* SOCK_SEQPACKET to the master */
	HERITAGE_LOG = 4,	/* connected, non-blocking datagram socket; with -f a dup of stderr */
	HERITAGE_LIMIT = 5
};

#endif
