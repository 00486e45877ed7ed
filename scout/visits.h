/* SPDX-License-Identifier: Apache-2.0
 *
 * visits.h - can HTTP upstreams be connected to?  For status, and for which endpoint of several to call
 */
#ifndef SCOUT_VISITS_H
#define SCOUT_VISITS_H

#include "policy/build.h"
#include "scout/scout.h"

must_check int	visits_new(struct scout *s, struct visits **out);
void		visits_free(struct visits **v);
/* The servers of this policy, which is held; those that were there before keep their turn. */
void		visits_set_policy(struct visits *v, struct snap *policy);
/* Adds the endpoints that calls should rather not go to: SICK of the catalogue.  0 or what build_add() says. */
must_check int	visits_put_sick(const struct visits *v, struct build *b);
/* Its state is another one: its servers are looked at now. */
void		visits_host_changed(struct visits *v, struct span host);

#endif
