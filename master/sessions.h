/* SPDX-License-Identifier: Apache-2.0
 *
 * sessions.h - session tokens between workers and the store
 */
#ifndef MASTER_SESSIONS_H
#define MASTER_SESSIONS_H

#include "ipc/chan.h"

struct child;
struct master;

/* A worker wants one; answered at once when the store is not there. */
void	sessions_on_wanted(struct child *worker, uint64_t ref, const struct msg_SESSION *b);
void	sessions_on_made(struct master *m, const struct msg_SESSION_IS *b);

#endif
