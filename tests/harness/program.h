/* SPDX-License-Identifier: Apache-2.0
 *
 * program.h - a fixture program of the tests' own folder, which says its port first
 */
#ifndef TESTS_HARNESS_PROGRAM_H
#define TESTS_HARNESS_PROGRAM_H

#include <sys/types.h>

/* argv[0] is its name in the build's tests/; argv ends with NULL.  Answers its port, and its pid in *pid; what goes
 * wrong fails the test. */
unsigned	program_start(const char *const *argv, pid_t *pid);
void		program_stop(pid_t *pid);

/* A port of loopback for a program that has to be told one.  It is below those that the kernel gives to whoever names
 * none: of those, another test may get it between our look and the program's start. */
unsigned	port_free(void);

#endif
