/* SPDX-License-Identifier: Apache-2.0
 *
 * lines.c - commands that the workers answer
 *
 * Process: mcpgwctl.
 * Owns:    the text of one answer at a time.
 * Trusts:  no text in a line: clients and tools chose some of them.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/lines.h"
#include "ctl/out.h"
#include "lib/fd.h"
#include "lib/num.h"

#define ANSWER_MAX	(8u << 20)

struct answer {
	lines_fn	*fn;
	void		*arg;
};

static void
take(uint16_t type, const union msg_any *body, int *fds, void *arg)
{
	struct answer		*a = arg;
	struct json_value	 object;
	struct span		 rest;
	const char		*lf;
	char			*text;
	size_t			 bytes;

	(void)body;
	if (type != MSG_TYPE_CTL_LINES || lseek(fds[0], 0, SEEK_SET) != 0 ||
	    fd_read_all(fds[0], ANSWER_MAX, &text, &bytes) != 0)
		return;
	for (rest = span_make(text, bytes); rest.n > 0 && (lf = memchr(rest.p, '\n', rest.n)) != NULL;
	    rest = span_part(rest, (size_t)(lf - rest.p) + 1, rest.n))
		if (json_parse(span_part(rest, 0, (size_t)(lf - rest.p)), false, &object, NULL) == 0 &&
		    object.type == JSON_OBJECT)
			a->fn(object, a->arg);
	free(text);
}

int
lines_each(struct ctl *ctl, uint32_t command, const char *argument, bool say, lines_fn *fn, void *arg)
{
	struct answer	answer = { fn, arg };
	struct ask	a;
	int		r;

	if ((r = ask_open(ctl, &a, say)) != 0)
		return r;
	ask_command(&a, command, argument);
	r = ask_wait(&a, take, &answer);
	ask_close(&a);
	return r;
}

const char *
lines_text(struct json_value object, const char *name, char *to, size_t room)
{
	struct json_value	v = json_get(object, name);
	struct arena		a;
	char			first[2048];
	struct span		s = SPAN_NONE;

	arena_init(&a, first, sizeof(first), 64 * 1024);
	if (v.type == JSON_STRING && json_string(v, &a, &s) != 0)
		s = SPAN_NONE;
	out_clean(s, to, room);
	arena_fini(&a);
	return to;
}

uint64_t
lines_u64(struct json_value object, const char *name)
{
	struct json_value	v = json_get(object, name);
	uint64_t		n;

	return v.type == JSON_NUMBER && num_u64(v.raw, &n) == 0 ? n : 0;
}
