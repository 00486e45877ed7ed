/* SPDX-License-Identifier: Apache-2.0
 *
 * sdnotify.h - the service manager's notification socket (sd_notify(3)), without its library
 */
#ifndef MASTER_SDNOTIFY_H
#define MASTER_SDNOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Takes NOTIFY_SOCKET and WATCHDOG_USEC out of the environment; true when there is a manager. */
bool	sdnotify_init(void);
/* How often it wants to hear that we are alive; 0: not at all. */
uint64_t sdnotify_alive_ms(void);
/* "READY=1", "STOPPING=1", ...; nothing happens without a manager. */
void	sdnotify_send(const char *state);

#endif
