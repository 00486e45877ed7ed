/* SPDX-License-Identifier: Apache-2.0
 *
 * dns.h - the name server of a jail
 *
 * Names that may be reached get an address that stands for them (sandbox/egress/names.h); all others do not exist:
 * of all refusals this is the one that programs take at once, and tell.
 */
#ifndef SANDBOX_EGRESS_DNS_H
#define SANDBOX_EGRESS_DNS_H

#include "sandbox/egress/jail.h"

struct dnsconn;

/* So that datagrams say which address they were sent to. */
void		dns_prepare(int fd);
/* Of a jail's socket for datagrams; arg is its struct jsock. */
loop_io_fn	dns_on_datagram;

/* Takes *fd, a connection for questions; leaves it when it cannot. */
void		dnsconn_new(struct jail *j, int *fd);
void		dnsconn_free(struct dnsconn *c);

/* The answer to one message: its bytes in `to`, 0: none. */
size_t		dns_answer(struct jail *j, struct span message, uint8_t *to);

#endif
