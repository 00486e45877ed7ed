/* SPDX-License-Identifier: Apache-2.0
 *
 * pause.h - how long to wait before a stream that ended is opened again
 *
 * Twice as long each time, while it cannot be opened, and also while it ends as soon as it was opened: a
 * server may do that for ever.
 */
#ifndef UPSTREAM_PAUSE_H
#define UPSTREAM_PAUSE_H

#include <stdint.h>

struct pause {			/* embedded; all zero but most_ms: nothing happened yet */
	uint64_t	most_ms;	/* never longer than that */
	uint64_t	opened_ms;	/* 0: it is not open */
	unsigned	failures;	/* one after the other, without a stream between */
	unsigned	brief;		/* streams one after the other that ended at once */
};

/* It is open.  now_ms: monotonic, not 0. */
void		pause_opened(struct pause *p, uint64_t now_ms);
/* It ended, or could not be opened.  How long to wait, in ms; retry_ms: the server's wish, or 0. */
uint64_t	pause_next(struct pause *p, uint64_t now_ms, uint64_t retry_ms);

#endif
