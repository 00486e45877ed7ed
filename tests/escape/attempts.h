/* SPDX-License-Identifier: Apache-2.0
 *
 * attempts.h - one function per attempt of attempts.def, and what they share
 */
#ifndef TESTS_ESCAPE_ATTEMPTS_H
#define TESTS_ESCAPE_ATTEMPTS_H

#include <errno.h>
#include <fcntl.h>

#include "tests/escape/escape.h"

/* 0 = it worked, LIMITED_AT = it worked up to a bound, else the errno it met. */
#define ATTEMPT(name, row, runtime, strict, off, what) int try_##name(void);
#include "tests/escape/attempts.def"
#undef ATTEMPT

static inline int
came_to(long r)
{
	return r == -1 ? errno : 0;
}

static inline int
opened(const char *path, int flags)
{
	return came_to(open(path, flags | O_CLOEXEC, 0600));
}

#endif
