/* SPDX-License-Identifier: Apache-2.0
 *
 * lies.h - what tests/fault/preload.c tells the programs of a gateway: another time, no memory, a disk that fails
 *
 * Only root can: the library is named in a file of a mount namespace of the test's own.
 */
#ifndef TESTS_FAULT_LIES_H
#define TESTS_FAULT_LIES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lies {
	_Atomic int64_t	 wall_ns;	/* all programs' wall clock is that much ahead */
	char		 program[32];	/* who is lied to in what follows, as of its start: "mcpgw-worker" */
	_Atomic int	 write_errno;	/* its writes to files fail with this; 0: they do not */
	_Atomic uint64_t fail_at;	/* its n-th allocation fails, counted from its start or, with from_now, from then; 0: none */
	_Atomic bool	 from_now;	/* set by the test, taken by the process that counts */
	_Atomic uint32_t failed;	/* allocations that were */
	_Atomic uint64_t made;		/* most allocations of one process before it confined itself, and after */
};

/* From here on all programs that this process starts load the library.  Fails the test, or skips it where it may not. */
void	lies_begin(struct lies **out);

#endif
