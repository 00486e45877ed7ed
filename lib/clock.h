/* SPDX-License-Identifier: Apache-2.0
 *
 * clock.h - the time, where no loop runs that knows it (lib/loop.h)
 */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds of the monotonic clock, for deadlines. */
static inline uint64_t
clock_mono_ms(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

#endif
