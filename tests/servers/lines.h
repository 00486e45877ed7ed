/* SPDX-License-Identifier: Apache-2.0
 *
 * lines.h - the loop of a fixture server: a line of stdin, a message
 */
#ifndef TESTS_SERVERS_LINES_H
#define TESTS_SERVERS_LINES_H

#include "lib/json.h"

/* The id as it is written.  What is printed is flushed behind each. */
typedef void lines_fn(struct span id, struct json_value method, struct json_value params);

/* Shows each request, and passes notifications over, until stdin ends; the exit code. */
int	lines_serve(lines_fn *on_request);

#endif
