/* SPDX-License-Identifier: Apache-2.0
 *
 * boot.h - what a child gets before GO, and every snapshot after it
 */
#ifndef MASTER_BOOT_H
#define MASTER_BOOT_H

#include "master/children.h"

/* Sends BOOT and all this role needs.  When something fails the child is killed. */
void	boot_child(struct child *c);
/* A listener, to a worker or mcpgw-admin. */
struct listener;
void	boot_listen(struct child *c, const struct listener *l);
/* Opens audit_log anew for the auditor; what goes wrong is logged. */
void	boot_audit_log(struct child *c);
/* Offers what is in force of these kinds (1 << enum snap_kind) and meant for this child. */
void	boot_offer(struct child *c, unsigned kinds);

#endif
