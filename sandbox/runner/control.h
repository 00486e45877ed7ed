/* SPDX-License-Identifier: Apache-2.0
 *
 * control.h - what master and spawner say while the runner serves
 */
#ifndef SANDBOX_RUNNER_CONTROL_H
#define SANDBOX_RUNNER_CONTROL_H

#include "sandbox/runner/runner.h"

/* Both channels are read from here on.  Takes spawner_fd.  E_SYS. */
must_check int	control_init(struct runner *r, int spawner_fd);
void		control_fini(struct runner *r);

/* End of the turn: when a drain has nothing left to wait for, the loop ends. */
void		control_settle(struct runner *r);

#endif
