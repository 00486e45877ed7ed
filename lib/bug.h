/* SPDX-License-Identifier: Apache-2.0
 *
 * bug.h - our own invariants, checked in release builds too
 *
 * Only a mistake of ours may reach these: no byte of a client, tool, tenant or child.
 */
#ifndef LIB_BUG_H
#define LIB_BUG_H

_Noreturn void bug_abort(const char *file, int line, const char *what);

#define BUG_ON(cond) \
	do { if (__builtin_expect(!!(cond), 0)) bug_abort(__FILE__, __LINE__, #cond); } while (0)

#ifdef DEBUG_HOT
#define BUG_ON_HOT(cond) BUG_ON(cond)
#else
#define BUG_ON_HOT(cond) do { } while (0)
#endif

/* Objects that travel through a void * begin with one of these. */
#define MAGIC_CHECK(obj, want) BUG_ON((obj) == NULL || (obj)->magic != (want))

#endif
