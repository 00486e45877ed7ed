/* SPDX-License-Identifier: Apache-2.0
 *
 * accept.h - listening sockets, shared with other processes, to connections
 */
#ifndef WORKER_ACCEPT_H
#define WORKER_ACCEPT_H

#include "http/conn.h"

struct accept;

/* conns is borrowed and must outlive it.  E_NOMEM. */
must_check int	accept_new(struct loop *l, struct conn_set *conns, struct accept **out);
/* Closes its copies of the listening sockets. */
void		accept_free(struct accept **a);
/* Takes over a listening socket of this enum listen_kind; number: by which it is dropped again.  0, E_FULL (16 at
 * most) or E_SYS; then fd is closed. */
must_check int	accept_add(struct accept *a, int fd, unsigned listener, uint32_t number);
/* Takes who waits in that one's queue, and nobody from it any more. */
void		accept_drop(struct accept *a, uint32_t number);
/* Stops for good (drain), leaving the sockets to the others; they are closed in the next turn. */
void		accept_stop(struct accept *a);

#endif
