/* SPDX-License-Identifier: Apache-2.0
 *
 * after.h - what follows the yes: the gateway takes it, and what to type next
 */
#ifndef CTL_IMPORT_AFTER_H
#define CTL_IMPORT_AFTER_H

#include "ctl/import/server.h"
#include "ctl/import/write.h"

/* Starts or reloads the gateway, approves what was shown, and says what comes next.  The exit code. */
int	after_written(struct import *im, const struct files *f, bool running);
/* Starts the gateway.  The exit code. */
int	after_start(struct import *im);

#endif
