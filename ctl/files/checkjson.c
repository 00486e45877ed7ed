/* SPDX-License-Identifier: Apache-2.0
 *
 * checkjson.c - `check` for programs: an object for each error and warning, and the sum
 *
 * Process: mcpgwctl.  Owns: the text, for one run.
 * Trusts:  no line of the compiler to be whole or UTF-8: it quotes files.
 */
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/files/checkjson.h"
#include "ctl/out.h"
#include "ctl/program.h"
#include "lib/fd.h"
#include "lib/num.h"

#define TEXT_MAX_BYTES	(64u * 1024 * 1024)

/* Takes "NUMBER:" off the front; 0: there is none. */
static uint64_t
number_take(struct span *rest)
{
	const char	*colon = rest->n == 0 ? NULL : memchr(rest->p, ':', rest->n);
	uint64_t	 n;

	if (colon == NULL || num_u64(span_part(*rest, 0, (size_t)(colon - rest->p)), &n) != 0)
		return 0;
	*rest = span_part(*rest, (size_t)(colon - rest->p) + 1, rest->n);
	return n;
}

/* "file:line:column: level: text", where line and column may be missing; false: it is the sum. */
static bool
note_print(struct span line)
{
	static const struct span	marks[] = { SPAN_LIT(": error: "), SPAN_LIT(": warning: ") };
	struct span			text = SPAN_NONE, place, file;
	uint64_t			row, column;
	size_t				level;
	const char			*at = NULL, *colon;

	for (level = 0; level < 2 && at == NULL; level++)
		at = memmem(line.p, line.n, marks[level].p, marks[level].n);
	if (at == NULL)
		return false;
	level--;
	place = span_part(line, 0, (size_t)(at - line.p));
	text = span_part(line, place.n + marks[level].n, line.n);
	colon = place.n == 0 ? NULL : memchr(place.p, ':', place.n);
	file = colon == NULL ? place : span_part(place, 0, (size_t)(colon - place.p));
	place = span_part(line, file.n + 1, (size_t)(at - line.p) + 1);
	row = number_take(&place);
	column = number_take(&place);
	out_json_begin();
	out_json_text("level", level == 0 ? SPAN_LIT("error") : SPAN_LIT("warning"));
	out_json_text("file", file);
	if (row > 0)
		out_json_u64("line", row);
	if (column > 0)
		out_json_u64("column", column);
	out_json_text("text", text);
	out_json_end();
	return true;
}

static void
say(char *text, size_t bytes, int code)
{
	struct span	rest = span_make(text, bytes), line, sum = SPAN_NONE;
	char		clean[4096];

	while (rest.n > 0) {
		line = span_take_line(&rest);
		out_clean(line, clean, sizeof(clean));
		if (line.n > 0 && !note_print(span_of(clean)))
			sum = line;
	}
	out_json_begin();
	out_json_bool("good", code == 0);
	out_json_text("says", span_of(out_clean(sum, clean, sizeof(clean))));
	out_json_end();
}

int
checkjson_run(char *const *argv)
{
	struct program_plan	 plan = { .control = -1, .out_err = true };
	char			*text = NULL;
	size_t			 bytes = 0;
	pid_t			 pid;
	int			 r = EX_OSERR;

	if (fd_memfd("check", &plan.out) != 0)
		return EX_OSERR;
	if (program_start("mcpgw-compile", argv, &plan, &pid) != 0) {
		r = EX_UNAVAILABLE;
	} else {
		r = program_wait(pid);
		if (lseek(plan.out, 0, SEEK_SET) == -1 || fd_read_all(plan.out, TEXT_MAX_BYTES, &text, &bytes) != 0)
			r = EX_IOERR;
		else
			say(text, bytes, r);
	}
	free(text);
	fd_close(&plan.out);
	return out_end(r);
}
