/* SPDX-License-Identifier: Apache-2.0
 *
 * place.h - may a tool start now: folders that another one writes to, and max_instances
 */
#ifndef SANDBOX_RUNNER_PLACE_H
#define SANDBOX_RUNNER_PLACE_H

#include "sandbox/runner/server.h"

enum place {
	PLACE_FREE,
	PLACE_WAIT_FOLDER,	/* its folder is free when another tool has left */
	PLACE_WAIT_SLOT,	/* max_instances run */
	PLACE_TAKEN,		/* another instance writes to the same folder, and will go on */
};

/* For a new tool of this server and key.  With PLACE_TAKEN text says what to change. */
enum place	place_find(const struct server *s, uint64_t key, char *text, size_t text_bytes);
/* The same for a program of this server, which has no state folder. */
enum place	place_find_native(const struct server *s, char *text, size_t text_bytes);
/* A folder that both write to, or NULL. */
const char	*place_common_folder(const struct server *a, const struct server *b);

#endif
