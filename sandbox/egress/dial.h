/* SPDX-License-Identifier: Apache-2.0
 *
 * dial.h - to the host: its addresses, checked, one after the other
 */
#ifndef SANDBOX_EGRESS_DIAL_H
#define SANDBOX_EGRESS_DIAL_H

#include "sandbox/egress/conn.h"

/* The record is kept: resolve and connect.  Goes on with relay_begin(), or ends the connection. */
void	dial_begin(struct conn *c);
void	dial_on_timeout(struct conn *c);

#endif
