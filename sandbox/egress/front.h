/* SPDX-License-Identifier: Apache-2.0
 *
 * front.h - what a proxy is asked for, and what it answers: SOCKS5, or CONNECT of HTTP
 */
#ifndef SANDBOX_EGRESS_FRONT_H
#define SANDBOX_EGRESS_FRONT_H

#include "sandbox/egress/conn.h"

void	front_begin(struct conn *c);
/* Goes on with conn_ask(), or ends the connection. */
void	front_on_readable(struct conn *c);

/* "You are connected", before the host's first byte; nothing for a transparent one.  False: it is gone. */
bool	front_accept(struct conn *c);
/* "You are not, because of `error`": then the connection lingers.  False: it could not be told. */
bool	front_refuse(struct conn *c, int error);
void	front_on_linger(struct conn *c);

/* Foreign bytes for the log and the record: printable ASCII, others as '?', cut to `room`, with a NUL. */
void	front_show(struct span bytes, char *to, size_t room);

#endif
