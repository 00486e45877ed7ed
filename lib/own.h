/* SPDX-License-Identifier: Apache-2.0
 *
 * own.h - is an address this machine's?
 */
#ifndef LIB_OWN_H
#define LIB_OWN_H

#include "lib/addr.h"

/* Does an interface of this network have it, now?  0, E_SYS when the kernel did not say, or E_AGAIN when addresses
 * came and went meanwhile. */
must_check int	own_find(const struct addr *a, bool *own);

/* May it be this machine's, for a connection to that port?  NULL: it is not; else what to say of it (static). */
const char	*own_why(const struct addr *a, uint16_t port);
/* Both ends of a connected socket have one address: that is this machine. */
bool		 own_ends_are_one(int fd, const struct addr *peer);

#endif
