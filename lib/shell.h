/* SPDX-License-Identifier: Apache-2.0
 *
 * shell.h - text as one word of a command that somebody copies
 */
#ifndef LIB_SHELL_H
#define LIB_SHELL_H

#include <stdbool.h>

#include "lib/span.h"

/* The word within single quotes (POSIX.1, Shell 2.2.2), whatever it holds; of control characters, which a terminal
 * could take for commands of its own, each is a question mark.  False: there is no room, and `to` is empty. */
bool		shell_quote(struct span word, char *to, size_t room);

#endif
