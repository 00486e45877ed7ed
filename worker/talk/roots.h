/* SPDX-License-Identifier: Apache-2.0
 *
 * roots.h - a client's roots on their way to a server: those that its jail shows
 *
 * A root elsewhere would tell the tool of a path that is not there, and some take their roots for all they may
 * touch.  A server with a url has no jail: it gets them as they are.
 */
#ifndef WORKER_TALK_ROOTS_H
#define WORKER_TALK_ROOTS_H

#include "lib/json.h"

struct call;

/* The client's result of roots/list, an object.  0, E_TOOBIG or E_NOMEM. */
must_check int	roots_put(struct buf *to, const struct call *c, struct json_value result);
/* inputResponses, a raw object, for the call's server. */
must_check int	roots_put_responses(struct buf *to, const struct call *c, struct span responses);

#endif
