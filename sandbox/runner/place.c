/* SPDX-License-Identifier: Apache-2.0
 *
 * place.c - may a tool start now: folders that another one writes to, and max_instances
 *
 * Process: mcpgw-runner.  Owns: nothing.
 * Trusts:  the profile.  Two tools on one folder lose each other's writes (day-one 21), so a tool
 *          counts until the spawner said that its jail is gone, not until it was told to go.
 */
#include <stdio.h>

#include "sandbox/runner/instance_priv.h"
#include "sandbox/runner/native.h"
#include "sandbox/runner/place.h"
#include "sandbox/runner/tool.h"

/* Equal, or one below the other. */
static bool
paths_meet(const char *a, const char *b)
{
	size_t	n = strlen(a), m = strlen(b);

	while (n > 1 && a[n - 1] == '/')
		n--;
	while (m > 1 && b[m - 1] == '/')
		m--;
	if (n > m) {
		const char	*p = a;
		size_t		 k = n;

		a = b;
		b = p;
		n = m;
		m = k;
	}
	if (strncmp(a, b, n) != 0)
		return false;
	return n == m || b[n] == '/' || n == 1;
}

const char *
place_common_folder(const struct server *a, const struct server *b)
{
	for (size_t i = 0; i < a->writable_count; i++)
		for (size_t k = 0; k < b->writable_count; k++)
			if (paths_meet(a->writable[i], b->writable[k]))
				return a->writable[i];
	return NULL;
}

enum place
place_find(const struct server *s, uint64_t key, char *text, size_t text_bytes)
{
	enum place	found = PLACE_FREE;

	for (const struct tool *t = s->r->tools; t != NULL; t = t->next) {
		bool		 same_state = t->key == key && strcmp(t->server->name, s->name) == 0;
		const char	*folder = same_state ? NULL : place_common_folder(s, t->server);

		if (!same_state && folder == NULL)
			continue;
		/* Its calls wait for their clients, and go on when no other runs (share.c). */
		if (same_state && t->instance != NULL && instance_sleeps(t->instance))
			continue;
		if (same_state || t->instance == NULL || t->server->retired) {
			found = PLACE_WAIT_FOLDER;
			continue;
		}
		snprintf(text, text_bytes, "%s: another instance of %s writes to %.200s now; "
		    "\"isolation\": \"tenant\" makes all callers share one", s->name, t->server->name, folder);
		return PLACE_TAKEN;
	}
	/* A program is soon done. */
	if (natives_write_with(s))
		found = PLACE_WAIT_FOLDER;
	if (found == PLACE_FREE && s->r->tool_count >= s->max_instances)
		return PLACE_WAIT_SLOT;
	return found;
}

enum place
place_find_native(const struct server *s, char *text, size_t text_bytes)
{
	const char	*folder;

	for (const struct tool *t = s->r->tools; t != NULL; t = t->next) {
		if ((folder = place_common_folder(s, t->server)) == NULL)
			continue;
		if (t->instance == NULL || t->server->retired)
			return PLACE_WAIT_FOLDER;
		snprintf(text, text_bytes, "%s: an instance of %s writes to %.200s now", s->name, t->server->name,
		    folder);
		return PLACE_TAKEN;
	}
	if (natives_write_with(s))
		return PLACE_WAIT_FOLDER;
	return s->r->tool_count >= s->max_instances ? PLACE_WAIT_SLOT : PLACE_FREE;
}
