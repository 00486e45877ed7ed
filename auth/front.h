/* SPDX-License-Identifier: Apache-2.0
 *
 * front.h - what a request says of where it is going and who sends it: Host, Origin, credential
 */
#ifndef AUTH_FRONT_H
#define AUTH_FRONT_H

#include "auth/identify.h"
#include "http/exchange.h"

/* Are Host and Origin ones this gateway is called by (mcp-wire 3.5)?  On every route and listener. */
bool	front_hosts_ok(const struct exchange *x, const struct snap *policy);
/* Host alone. */
bool	front_host_ok(const struct exchange *x, const struct snap *policy);
/* Does it come from this machine: over loopback or a unix socket? */
bool	front_is_near(const struct exchange *x);
/* Sets the fields of *in that are the request's; the others are as they were.  Borrowed from x. */
void	front_credential(const struct exchange *x, struct auth_in *in);

#endif
