/* SPDX-License-Identifier: Apache-2.0
 *
 * sdnotify.h - the service manager's notification socket (sd_notify(3)), without its library
 */
#ifndef MASTER_SDNOTIFY_H
#define MASTER_SDNOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes NOTIFY_SOCKET and WATCHDOG_USEC out of the environment; true when there is a manager. */
bool	sdnotify_init(void);
/* The same from a master whose place we take. */
void	sdnotify_take(const char *path, uint64_t alive_ms);
/* Where the manager listens; false: there is none, or it does not fit. */
bool	sdnotify_path(char *to, size_t room);
/* How often it wants to hear that we are alive; 0: not at all. */
uint64_t sdnotify_alive_ms(void);
/* "READY=1", "STOPPING=1", ...; nothing happens without a manager. */
void	sdnotify_send(const char *state);

#endif
