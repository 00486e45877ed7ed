/* SPDX-License-Identifier: Apache-2.0
 *
 * relay.h - bytes to the host and back
 */
#ifndef SANDBOX_EGRESS_RELAY_H
#define SANDBOX_EGRESS_RELAY_H

#include "sandbox/egress/conn.h"

/* Both sides are connected; a proxy's tool is told so. */
void	relay_begin(struct conn *c);
void	relay_on_tool(struct conn *c, unsigned what);
void	relay_on_host(struct conn *c, unsigned what);
void	relay_on_timer(struct conn *c);

#endif
