/* SPDX-License-Identifier: Apache-2.0
 *
 * birth.h - what every child of the master does between exec and READY (day-one 11)
 *
 * For children that hear all of BOOT before they start their loop.  Until READY only the master
 * speaks, and nobody is served: what goes wrong ends the process, and the master tries again.
 */
#ifndef IPC_BIRTH_H
#define IPC_BIRTH_H

#include "ipc/codec.h"
#include "ipc/frame.h"

/* Log and signals, before anything else; `program` is kept by pointer. */
void	birth_begin(const char *program);

/* One message of the master before GO; texts and f->fds are the callee's to take (-1 left behind) or
 * to leave. */
typedef void birth_fn(struct frame *f, const union msg_any *body, void *arg);

/* Hears the master up to GO.  Pings are answered here, and the log's level is set. */
void	birth_hear(enum role me, birth_fn *fn, void *arg);
/* The log's level, as BOOT has it in its flags. */
void	birth_log_level(uint32_t flags);
/* One message to the master. */
void	birth_tell(uint16_t type, uint64_t ref, const void *msg);

#endif
