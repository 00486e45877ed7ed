/* SPDX-License-Identifier: Apache-2.0
 *
 * admin.h - mcpgw-admin: its place, and the answers to what it asks
 */
#ifndef MASTER_ADMIN_H
#define MASTER_ADMIN_H

#include "master/children.h"

void	admin_init(struct master *m);
/* Is there anything for it to listen at? */
bool	admin_is_wanted(const struct master *m);
/* Regions and listeners, before GO. */
void	admin_boot(struct child *c);
/* ADMIN_ASK: how everything is. */
void	admin_on_ask(struct master *m);

#endif
