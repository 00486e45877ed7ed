/* SPDX-License-Identifier: Apache-2.0
 *
 * usermanager.h - systemd's manager of one user's services, where there is one
 */
#ifndef CTL_DOCTOR_USERMANAGER_H
#define CTL_DOCTOR_USERMANAGER_H

#include <stdbool.h>

/* Does one run for us? */
bool	usermanager_runs(void);
/* Starts the gateway as its unit "mcpgw", with our environment and these arguments behind -f (the last one NULL),
 * and waits until it serves.  True; false: it could not be asked, or refused, which was said by systemd-run. */
bool	usermanager_start(char *const *argv);

#endif
