/* SPDX-License-Identifier: Apache-2.0
 *
 * boot.h - from exec to READY (day-one 11)
 */
#ifndef SANDBOX_SPAWNER_BOOT_H
#define SANDBOX_SPAWNER_BOOT_H

#include "sandbox/jail.h"
#include "sandbox/spawner/spawner.h"

/* Reads the control channel up to GO, confines the process, tries one jail, says JAIL_PROBE and READY.
 * Exits the process when it cannot. */
void	boot_run(struct spawner *s);
/* --probe: one jail, then JAIL_PROBE where there is a master, the line on stdout where there is none.
 * Answers the exit code. */
int	boot_probe(const struct jail_mode *mode);

#endif
