/* SPDX-License-Identifier: Apache-2.0
 *
 * ownnet.h - what makes a network of a test's own, once a process is in it
 */
#ifndef TESTS_HARNESS_OWNNET_H
#define TESTS_HARNESS_OWNNET_H

#include <stdbool.h>

/* Into a file of /proc, say. */
bool	ownnet_write_line(const char *path, const char *line);
/* Addresses that are reached on lo, as if they were elsewhere (source: an address of this machine), or as this
 * machine's own (NULL). */
bool	ownnet_route(const char *prefix, unsigned char bits, const char *source);

#endif
