/* SPDX-License-Identifier: Apache-2.0
 *
 * story.c - the logs of a run, from the texts that servers and mcpgwctl write
 */
#include <arpa/inet.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fault/fault.h"
#include "tests/harness/client.h"

void *
log_grow(void **all, size_t *n, size_t *room, size_t size)
{
	char	*at;

	if (*n == *room) {
		*room = *room == 0 ? 1024 : *room * 2;
		if ((*all = realloc(*all, *room * size)) == NULL)
			abort();
	}
	at = (char *)*all + (*n)++ * size;
	memset(at, 0, size);
	return at;
}

void
story_fini(struct story *s)
{
	free(s->asked.all);
	free(s->seen.all);
	free(s->recorded.all);
	free(s->windows.all);
	free(s->policies.all);
	*s = (struct story){ .asked = { NULL, 0, 0 } };
}

/* "t0" to "t7", "never"; TOOL_LIMIT: neither. */
static unsigned
tool_of(const char *name)
{
	if (strcmp(name, "never") == 0)
		return TOOL_NEVER;
	return name[0] == 't' && name[1] >= '0' && name[1] < '0' + TOOL_NEVER && name[2] == '\0' ?
	    (unsigned)(name[1] - '0') : TOOL_LIMIT;
}

bool
story_read_seen(struct story *s, const char *text, unsigned place)
{
	char		 tool[16];
	unsigned	 key;
	struct seen	*seen;

	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
		if (line[strcspn(line, "\n")] == '\0' || sscanf(line, "%u \"%15[^\"]\"", &key, tool) != 2 ||
		    tool_of(tool) == TOOL_LIMIT)
			return false;
		seen = log_more(&s->seen);
		*seen = (struct seen){ .key = key, .tool = (uint8_t)tool_of(tool), .place = (uint8_t)place };
	}
	return true;
}

static uint8_t
place_of(json_object *row)
{
	for (unsigned i = 0; i < PLACE_LIMIT; i++)
		if (strcmp(json_text_at(row, "tenant"), places[i].tenant) == 0 &&
		    strcmp(json_text_at(row, "server"), places[i].server) == 0)
			return (uint8_t)i;
	return PLACE_LIMIT;
}

static uint64_t
u64_at(json_object *row, const char *name)
{
	json_object	*o = json_at(row, name);

	return o == NULL ? 0 : (uint64_t)json_object_get_int64(o);
}

static void
read_record(json_object *row, struct recorded *r)
{
	const char	*mark = json_text_at(row, "mark");
	struct in_addr	client;

	*r = (struct recorded){ .number = u64_at(row, "number"), .seq = u64_at(row, "seq"),
	    .boot = strtoull(json_text_at(row, "boot"), NULL, 16), .generation = u64_at(row, "generation"),
	    .slot = (uint32_t)u64_at(row, "slot"), .incarnation = (uint32_t)u64_at(row, "incarnation"),
	    .place = PLACE_LIMIT, .tool = (uint8_t)tool_of(json_text_at(row, "object")) };
	r->gap = mark[0] != '\0' && strncmp(mark, "the clock ", strlen("the clock ")) != 0;
	if (strcmp(json_text_at(row, "kind"), "tool") == 0 && r->tool != TOOL_LIMIT)
		r->place = place_of(row);
	if (inet_pton(AF_INET, json_text_at(row, "client"), &client) == 1 && r->place != PLACE_LIMIT)
		r->key = key_make(ntohl(client.s_addr) & 0xffffff, r->tool);
	snprintf(r->decision, sizeof(r->decision), "%s", json_text_at(row, "decision"));
	snprintf(r->outcome, sizeof(r->outcome), "%s", json_text_at(row, "outcome"));
	snprintf(r->error, sizeof(r->error), "%s", json_text_at(row, "error"));
	snprintf(r->request, sizeof(r->request), "%s", json_text_at(row, "request_id"));
}

bool
story_read_audit(struct story *s, const char *text)
{
	json_tokener	*t = json_tokener_new();
	json_object	*row;
	size_t		 n;

	for (const char *line = text; *line != '\0'; line += n + (line[n] == '\n')) {
		n = strcspn(line, "\n");
		json_tokener_reset(t);
		if ((row = json_tokener_parse_ex(t, line, (int)n)) == NULL) {
			json_tokener_free(t);
			return false;
		}
		read_record(row, log_more(&s->recorded));
		json_object_put(row);
	}
	json_tokener_free(t);
	return true;
}
