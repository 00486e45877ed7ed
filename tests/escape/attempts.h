/* SPDX-License-Identifier: Apache-2.0
 *
 * attempts.h - one function per attempt of attempts.def, and what they share
 */
#ifndef TESTS_ESCAPE_ATTEMPTS_H
#define TESTS_ESCAPE_ATTEMPTS_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/escape/escape.h"

/* 0 = it worked, LIMITED_AT = it worked up to a bound, else the errno it met. */
#define ATTEMPT(name, row, runtime, strict, off, layers, landlock, what) int try_##name(void);
#include "tests/escape/attempts.def"
#undef ATTEMPT

/* What there is to reach outside; told on the command line. */
struct outside {
	const char	*folder;	/* of the host: secret, data/, control.sock are in it */
	uint16_t	 port;		/* on 127.0.0.1, TCP and UDP; who listens echoes */
	const char	*address;	/* another one of the host, or "" */
};
extern struct outside	outside;

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

/* NAME in HOME, in a buffer of its own until the next. */
static inline const char *
at_home(const char *name)
{
	static char	path[256];
	const char	*home = getenv("HOME");

	snprintf(path, sizeof(path), "%s/%s", home != NULL ? home : "/home/tool", name);
	return path;
}

/* In its folder for such things. */
static inline const char *
at_tmp(const char *name)
{
	static char	path[256];
	const char	*tmp = getenv("TMPDIR");

	snprintf(path, sizeof(path), "%s/%s", tmp != NULL ? tmp : "/tmp", name);
	return path;
}

/* The same in the host's folder. */
static inline const char *
at_host(const char *name)
{
	static char	path[256];

	snprintf(path, sizeof(path), "%s/%s", outside.folder, name);
	return path;
}

#endif
