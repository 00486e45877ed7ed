/* SPDX-License-Identifier: Apache-2.0
 *
 * lapse.h - servers that are switched off for a time, and the end of it
 */
#ifndef MASTER_LAPSE_H
#define MASTER_LAPSE_H

#include "lib/loop.h"

struct master;

struct lapse {
	struct master		*m;
	struct loop_timer	 timer;
};

void	lapse_init(struct lapse *l, struct master *m);
void	lapse_fini(struct lapse *l);
/* A policy is in force: the files are read again when the first time in it is over. */
void	lapse_look(struct lapse *l);

#endif
