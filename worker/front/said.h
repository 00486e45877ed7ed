/* SPDX-License-Identifier: Apache-2.0
 *
 * said.h - what a request within a request said, for a client that is told messages and no statuses
 */
#ifndef WORKER_FRONT_SAID_H
#define WORKER_FRONT_SAID_H

#include "worker/front/inner.h"
#include "worker/front/request.h"

#define SAID_OWN_MAX	(64 * 1024)

/* `in` has ended, and stands for the message of this raw id; empty: it is no request.  True: the client is told
 * what it kept.  False: `own` instead, which may be empty, and is then nothing.  own was initialised; request_id
 * is that of the outer request. */
bool	said_as_kept(const struct inner *in, struct worker *w, const char *request_id, struct span id,
	    struct buf *own);

#endif
