/* SPDX-License-Identifier: Apache-2.0
 *
 * sdnotify.h - the service manager's notification socket (sd_notify(3)), without its library
 */
#ifndef MASTER_SDNOTIFY_H
#define MASTER_SDNOTIFY_H

#include <stdbool.h>

/* Takes NOTIFY_SOCKET out of the environment; true when there is one. */
bool	sdnotify_init(void);
/* "READY=1", "STOPPING=1", ...; nothing happens without a manager. */
void	sdnotify_send(const char *state);

#endif
