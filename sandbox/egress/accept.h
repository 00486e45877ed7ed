/* SPDX-License-Identifier: Apache-2.0
 *
 * accept.h - a tool connects
 */
#ifndef SANDBOX_EGRESS_ACCEPT_H
#define SANDBOX_EGRESS_ACCEPT_H

#include "lib/loop.h"

/* Of a listening socket; arg is its struct jsock. */
loop_io_fn	accept_on_ready;

#endif
