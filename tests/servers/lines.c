/* SPDX-License-Identifier: Apache-2.0
 *
 * lines.c - the loop of a fixture server
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/servers/lines.h"

int
lines_serve(lines_fn *on_request)
{
	struct json_value	message;
	struct span		id;
	char			*line = NULL;
	size_t			 room = 0;
	ssize_t			 n;

	while ((n = getline(&line, &room, stdin)) > 0) {
		if (json_parse(span_make(line, (size_t)n - (line[n - 1] == '\n')), true, &message, NULL) != 0)
			return 65;
		id = json_get(message, "id").raw;
		if (id.n > 0)
			on_request(id, json_get(message, "method"), json_get(message, "params"));
		fflush(stdout);
	}
	free(line);
	return 0;
}
