/* SPDX-License-Identifier: Apache-2.0
 *
 * conffile.c - edits of mcpgw.conf that keep comments, order and everything else as it was
 *
 * Process: mcpgwctl.  Owns: nothing.
 * Trusts:  the operator's text to be meant; where its settings begin and end is lib/assign.h's to say.
 */
#include "ctl/files/conffile.h"
#include "lib/assign.h"

#define ARENA_MAX	(4u << 20)
#define SETTINGS_MAX	64	/* of one name */

/* Lines, counted from 1. */
struct range {
	uint32_t	first, last;
};

/* Every setting of this name, in order of the text.  E_TOOBIG when there are more than anybody writes. */
static int
find_all(struct span text, struct span name, struct range found[SETTINGS_MAX], size_t *count)
{
	struct assign_reader	reader;
	struct assign		a;
	struct arena		arena;
	int			r;

	*count = 0;
	arena_init(&arena, NULL, 0, ARENA_MAX);
	assign_init(&reader, text, &arena);
	while ((r = assign_next(&reader, &a)) == 0) {
		if (a.kind != ASSIGN_SETTING || !span_eq(a.name, name))
			continue;
		if (*count == SETTINGS_MAX) {
			r = E_TOOBIG;
			break;
		}
		found[(*count)++] = (struct range){ a.line, a.last_line };
	}
	arena_fini(&arena);
	return r == E_EOF ? 0 : r;
}

static int
put_setting(struct buf *to, struct span name, struct span value)
{
	int	r;

	if ((r = buf_put(to, name)) != 0 || (r = buf_put(to, SPAN_LIT(" ="))) != 0)
		return r;
	if (value.n > 0 && ((r = buf_put(to, SPAN_LIT(" "))) != 0 || (r = buf_put(to, value)) != 0))
		return r;
	return buf_put(to, SPAN_LIT("\n"));
}

/* Its line feed included; the last line of a text may lack it. */
static struct span
line_take(struct span *rest)
{
	const char	*lf = memchr(rest->p, '\n', rest->n);
	struct span	 one = span_part(*rest, 0, lf == NULL ? rest->n : (size_t)(lf - rest->p) + 1);

	*rest = span_part(*rest, one.n, rest->n);
	return one;
}

/* Of no setting, as lib/assign.c has it; a blank line too. */
static bool
is_comment(struct span line)
{
	line = span_trim(line);
	return line.n == 0 || line.p[0] == '#' || line.p[0] == '\r' || line.p[0] == '\n';
}

int
conffile_set(struct span text, struct span name, struct span value, struct buf *to, bool *changed)
{
	struct range	found[SETTINGS_MAX];
	struct span	rest = text, one = SPAN_NONE;
	size_t		count, at = 0;
	uint32_t	line = 0;
	int		r;

	*changed = false;
	if ((r = find_all(text, name, found, &count)) != 0)
		return r;
	while (rest.n > 0) {
		one = line_take(&rest);
		line++;
		if (at == count || line < found[at].first) {
			if ((r = buf_put(to, one)) != 0)
				return r;
			continue;
		}
		*changed = true;
		/* Among the lines of a value comments may stand. */
		if (line != found[at].first && is_comment(one) && (r = buf_put(to, one)) != 0)
			return r;
		if (line == found[at].first && at + 1 == count && value.p != NULL &&
		    (r = put_setting(to, name, value)) != 0)
			return r;
		if (line == found[at].last)
			at++;
	}
	if (count > 0 || value.p == NULL)
		return 0;
	*changed = true;
	if (one.n > 0 && one.p[one.n - 1] != '\n' && (r = buf_put(to, SPAN_LIT("\n"))) != 0)
		return r;
	return put_setting(to, name, value);
}
