/* SPDX-License-Identifier: Apache-2.0
 *
 * control.h - the master's channel: birth, snapshots, links, the end
 */
#ifndef SANDBOX_EGRESS_CONTROL_H
#define SANDBOX_EGRESS_CONTROL_H

#include "sandbox/egress/egress.h"

/* From here on the master is heard.  0 or E_SYS. */
must_check int	control_init(struct egress *e);
/* At the turn's end: is the drain done? */
void		control_settle(struct egress *e);
/* Each second: the policy before is forgotten in time. */
void		control_tick(struct egress *e);
/* Says EXITING, unless nobody hears it. */
void		control_fini(struct egress *e);

extern const struct spool_ops control_spool_ops;

#endif
