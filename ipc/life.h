/* SPDX-License-Identifier: Apache-2.0
 *
 * life.h - what every child of the master with a loop says and hears from READY on; before it: birth.h
 */
#ifndef IPC_LIFE_H
#define IPC_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/chan.h"

/* READY, with the generation of what it serves by (0: of nothing).  Ends the process when that cannot be said. */
void	life_begin(struct chan *master, uint64_t generation);
/* Answers what every child answers alike (PING, LOG_FD).  False: it is none of these. */
bool	life_heard(struct chan *master, const struct chan_msg *m);
/* EXITING with an exit code (sysexits), if anybody hears it, and the end of the channel. */
void	life_end(struct chan *master, int exit_code);

#endif
