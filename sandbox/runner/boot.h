/* SPDX-License-Identifier: Apache-2.0
 *
 * boot.h - from exec to READY (day-one 11)
 */
#ifndef SANDBOX_RUNNER_BOOT_H
#define SANDBOX_RUNNER_BOOT_H

#include "sandbox/runner/runner.h"

/* Reads the control channel up to GO, confines the process, says READY.  *spawner_fd is the caller's.
 * Exits the process when it cannot. */
void	boot_run(struct runner *r, int *spawner_fd);

#endif
