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
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "lib/assign.h"
#include "lib/log.h"
#include "lib/near.h"
#include "policy/compiler/expand.h"

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

/* Whose value names something. */
struct user {
	struct job	*j;
	unsigned	 id;
};

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

/* What is wrong has been said; the rest of the value is looked at all the same. */
static int
name_put(struct span name, bool parameter, struct buf *to, void *arg)
{
	const struct user	*u = arg;

	return buf_put(to, parameter ? parameter_value(u->j, u->id, name) :
	    variable_value(u->j, u->id, name));
}

static void
expand_into(struct job *j, unsigned id, struct buf *to)
{
	struct user	u = { j, id };

	switch (assign_expand(j->settings[id].raw, to, name_put, &u)) {
	case 0:
		break;
	case E_FORMAT:
		setting_error(j, id, "$ without a name; write $$ for a dollar sign");
		break;
	default:
		setting_error(j, id, "longer than %d bytes when expanded", VALUE_MAX);
		break;
	}
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
