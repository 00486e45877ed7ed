/* SPDX-License-Identifier: Apache-2.0
 *
 * alone.h - the store where no gateway runs: its own program does it, so that it has one writer in any case
 */
#ifndef CTL_ALONE_H
#define CTL_ALONE_H

#include "ctl/ctl.h"

#define ALONE_ARGS_MAX	12

/* mcpgw-store --offline DIR VERB ARGS (store/offline.h); args end with NULL.  in and out become its stdin
 * and stdout; -1: ours.  Its exit code. */
int	alone_store(struct ctl *ctl, const char *verb, const char *const *args, int in, int out);

#endif
