/* SPDX-License-Identifier: Apache-2.0
 *
 * topic.h - what `help` knows beside commands
 */
#ifndef CTL_TOPIC_H
#define CTL_TOPIC_H

#include <stdbool.h>

/* Prints it; false: there is no such topic. */
bool	topic_print(const char *name);

#endif
