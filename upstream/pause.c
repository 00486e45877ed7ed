/* SPDX-License-Identifier: Apache-2.0
 *
 * pause.c - how long to wait before a stream that ended is opened again
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  no server: what it wishes is heeded only as long as its streams live.
 */
#include "upstream/pause.h"

#define PAUSE_MS	1000	/* without a wish */
#define BRIEF_MS	2000	/* a stream that lived shorter is brief */
#define BRIEF_FREE	4	/* so many of them are no reason to wait longer: some servers have clients poll */
#define COUNT_MAX	64

void
pause_opened(struct pause *p, uint64_t now_ms)
{
	p->opened_ms = now_ms;
	p->failures = 0;
}

uint64_t
pause_next(struct pause *p, uint64_t now_ms, uint64_t retry_ms)
{
	uint64_t	ms = retry_ms == 0 ? PAUSE_MS : retry_ms;
	unsigned	doublings = 0;

	if (p->opened_ms == 0)
		p->failures += p->failures < COUNT_MAX;
	else if (now_ms - p->opened_ms >= BRIEF_MS)
		p->brief = 0;
	else
		p->brief += p->brief < COUNT_MAX;
	p->opened_ms = 0;
	if (p->failures > 1)
		doublings += p->failures - 1;
	if (p->brief > BRIEF_FREE)
		doublings += p->brief - BRIEF_FREE;
	for (; doublings > 0 && ms < p->most_ms; doublings--)
		ms *= 2;
	return ms < p->most_ms ? ms : p->most_ms;
}
