/* SPDX-License-Identifier: Apache-2.0
 *
 * may.h - decisions, with what a request knows beyond names: who, when, from where, with which arguments
 */
#ifndef WORKER_CALL_MAY_H
#define WORKER_CALL_MAY_H

#include "mcp/catalogue.h"
#include "worker/call/call.h"

/* May this be shown?  What is not known yet (arguments) is hoped for, so what may be called with some of them is shown.
 * tool: its definition; NULL: it is not known, or this is no tool. */
void	may_see(const struct request *rq, enum object_kind kind, struct span server, struct span name,
	    const struct catalogue_item *tool, struct decision *out);
/* May this call be made, under this policy?  Unless `final`, the tool's definition may still be missing, and is hoped
 * for: out->unsure says whether to ask again.  Arguments are read only when it hangs on them. */
void	may_call(const struct request *rq, const struct snap *policy, struct span server, const struct call_ask *ask,
	    bool final, struct decision *out);
/* Says in the log what a rule wants said of each call, and what would be denied if all rules were enforced. */
void	may_note(const struct request *rq, const struct object *what, const struct decision *d);
/* Its definition is known. */
void	may_know(struct call_ask *ask, const struct catalogue_item *tool);

#endif
