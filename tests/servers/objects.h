/* SPDX-License-Identifier: Apache-2.0
 *
 * objects.h - objects-server: between its transports (objects.c) and its rich things (objects_rich.c)
 */
#ifndef TESTS_SERVERS_OBJECTS_H
#define TESTS_SERVERS_OBJECTS_H

#include <stdio.h>

#include "lib/json.h"

/* What stands behind the id of an answer, closing brace and line feed included; false: it is not a rich thing's. */
bool	rich_answer(FILE *out, const char *name, bool modern, struct json_value method, struct json_value params);

#endif
