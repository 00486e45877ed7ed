/* SPDX-License-Identifier: Apache-2.0
 *
 * private.h - mcpgw -p: a gateway for whoever started it, as long as they hold its standard input
 */
#ifndef MASTER_PRIVATE_H
#define MASTER_PRIVATE_H

#include "lib/loop.h"

#define PRIVATE_DRAIN_MS	200	/* nobody is left to hear the answers */

struct master;

struct private {
	bool		watches;
	struct loop_io	io;
};

/* Before anything is made: the configuration folder is to be removed at the end, so it must be one that was
 * made for this.  Exits with EX_USAGE, having said why. */
void	private_check(const struct master *m);
/* The end of standard input is the end.  Exits with EX_USAGE when it is none that can end. */
void	private_init(struct master *m);
void	private_fini(struct master *m);
/* Removes the configuration folder, and run_dir that lies in it; the last act. */
void	private_remove(const struct master *m);

#endif
