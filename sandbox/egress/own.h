/* SPDX-License-Identifier: Apache-2.0
 *
 * own.h - is an address this machine's?
 */
#ifndef SANDBOX_EGRESS_OWN_H
#define SANDBOX_EGRESS_OWN_H

#include "lib/addr.h"

/* Does an interface of this network have it, now?  0, E_SYS when the kernel did not say, or E_AGAIN when addresses
 * came and went meanwhile. */
must_check int	own_find(const struct addr *a, bool *own);

#endif
