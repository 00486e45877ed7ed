/* SPDX-License-Identifier: Apache-2.0
 *
 * memory.h - the ceiling on what a tenant's tools make us hold (day-one 5)
 */
#ifndef SANDBOX_RUNNER_MEMORY_H
#define SANDBOX_RUNNER_MEMORY_H

#include "sandbox/runner/runner.h"

#define MEMORY_SMALL	(256u * 1024)	/* who holds less is always read */
#define MEMORY_ABOVE	LINK_LINE_MAX	/* nobody else is when so much is held above the ceiling */

void	memory_init(struct runner *r);
/* Another profile is in force: its runner_memory is the ceiling from here on. */
void	memory_new_profile(struct runner *r);
/* Each turn: over the ceiling the tool that holds most is not read; well below it all are again. */
void	memory_check(struct runner *r);

#endif
