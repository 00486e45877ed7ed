/* SPDX-License-Identifier: Apache-2.0
 *
 * expand.c - $other_name and ${ENV} in the values of mcpgw.conf
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  nobody: a value that names itself, over any number of steps, is an error.
 *
 * A name that begins with a small letter is a parameter, any other an environment variable; braces
 * are allowed around both; $$ is a dollar sign.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "lib/log.h"
#include "policy/compiler/expand.h"
#include "policy/compiler/near.h"

#define VALUE_MAX	(64 * 1024)

static void	expand(struct job *j, unsigned id);

void
setting_error(struct job *j, unsigned id, const char *fmt, ...)
{
	const struct setting	*s = &j->settings[id];
	char			 text[400];
	va_list			 ap;

	j->settings[id].wrong = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	job_note(j, NOTE_ERROR, s->file != NULL ? s->file : s->source, s->line, s->column,
	    param_row(id)->name, "%s", text);
}

static const char *
name_of(size_t i, const void *arg)
{
	(void)arg;
	return param_row((unsigned)i)->name;
}

static struct span
parameter_value(struct job *j, unsigned user, struct span name)
{
	const char	*near;
	int		 id = param_find(name);

	if (id == -1) {
		near = near_find(name, name_of, NULL, PARAM_ID_LIMIT);
		setting_error(j, user, "$%.*s: no such parameter%s%s%s", SHOWN(name),
		    near == NULL ? "" : "; did you mean $", near == NULL ? "" : near,
		    near == NULL ? "" : "?");
		return SPAN_NONE;
	}
	if (j->settings[id].state == EXPAND_RUNNING) {
		setting_error(j, user, "$%s needs itself%s%s", param_row((unsigned)id)->name,
		    (unsigned)id == user ? "" : ", by way of ",
		    (unsigned)id == user ? "" : param_row(user)->name);
		return SPAN_NONE;
	}
	expand(j, (unsigned)id);
	return j->settings[id].value;
}

static struct span
variable_value(struct job *j, unsigned user, struct span name)
{
	const char	*value = getenv(job_fmt(j, "%.*s", SPAN_FMT(name)));

	if (value == NULL)
		setting_error(j, user, "${%.*s}: not set in the environment", SHOWN(name));
	return span_of(value);
}

/* The name behind the dollar sign at s.p[at]; *end is the place behind all of it. */
static bool
name_at(struct span s, size_t at, struct span *name, size_t *end)
{
	const bool	braces = at + 1 < s.n && s.p[at + 1] == '{';
	size_t		from = at + (braces ? 2 : 1), to = from;

	while (to < s.n && (isalnum((unsigned char)s.p[to]) || s.p[to] == '_'))
		to++;
	*name = span_make(s.p + from, to - from);
	*end = to + (braces ? 1 : 0);
	return to > from && (!braces || (to < s.n && s.p[to] == '}'));
}

static void
expand_into(struct job *j, unsigned id, struct buf *to)
{
	struct span	raw = j->settings[id].raw, name, part;
	size_t		i = 0, end;
	const char	*dollar;

	while (i < raw.n) {
		dollar = memchr(raw.p + i, '$', raw.n - i);
		part = span_part(raw, i, dollar == NULL ? raw.n : (size_t)(dollar - raw.p) - i);
		i += part.n;
		if (buf_put(to, part) != 0)
			goto too_long;
		if (dollar == NULL)
			return;
		if (i + 1 < raw.n && raw.p[i + 1] == '$') {
			part = SPAN_LIT("$");
			i += 2;
		} else if (!name_at(raw, i, &name, &end)) {
			setting_error(j, id, "$ without a name; write $$ for a dollar sign");
			return;
		} else {
			part = islower((unsigned char)name.p[0]) ? parameter_value(j, id, name) :
			    variable_value(j, id, name);
			i = end;
		}
		if (buf_put(to, part) != 0)
			goto too_long;
	}
	return;
 too_long:
	setting_error(j, id, "longer than %d bytes when expanded", VALUE_MAX);
}

static void
expand(struct job *j, unsigned id)
{
	struct setting	*s = &j->settings[id];
	struct buf	 value;

	if (s->state != EXPAND_NOT_YET)
		return;
	s->state = EXPAND_RUNNING;
	buf_init(&value, VALUE_MAX);
	expand_into(j, id, &value);
	s->value = job_dup(j, buf_rest(&value));
	buf_fini(&value);
	s->state = EXPAND_DONE;
}

void
expand_all(struct job *j)
{
	for (unsigned i = 0; i < PARAM_ID_LIMIT; i++)
		expand(j, i);
}
