/* SPDX-License-Identifier: Apache-2.0
 *
 * exposition.c - a strict reader of Prometheus' text format (0.0.4) that shares no line with its writer
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/exposition.h"

#define FAMILIES_MAX	512
#define SERIES_MAX	4096
#define NAME_MAX_	128
#define LINE_MAX_	1024

/* One metric with its HELP and TYPE, and what was read of it. */
struct family {
	char	name[NAME_MAX_], type[16];
	bool	helped, typed, sampled;
	/* Histograms: */
	double	last_le, last_count, count;
	bool	has_le, has_inf, has_sum, has_count;
};

struct reader {
	struct family	families[FAMILIES_MAX];
	size_t		family_count;
	char		*series[SERIES_MAX];
	size_t		series_count;
	struct family	*open;		/* the one whose lines these are */
	unsigned	line;
	char		*why;
	size_t		room;
};

static bool __attribute__((format(printf, 2, 3)))
wrong(struct reader *r, const char *fmt, ...)
{
	int	n = snprintf(r->why, r->room, "line %u: ", r->line);
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(r->why + n, r->room - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

static bool
ends_with(const char *s, const char *end)
{
	size_t	n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static size_t
name_length(const char *s)
{
	size_t	n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == ':')
		n++;
	return isdigit((unsigned char)s[0]) ? 0 : n;
}

/* Words that promtool does not want: abbreviated units, and units that are not base units. */
static bool
name_is_good(struct reader *r, const char *name)
{
	static const char *const units[] = { "_ms", "_s", "_sec", "_us", "_ns", "_milliseconds", "_microseconds",
		"_minutes", "_hours", "_days", "_kb", "_kib", "_mb", "_mib", "_kilobytes", "_megabytes", "_bits",
		"_percent", "_pct", "_b" };
	static const char *const types[] = { "_counter", "_gauge", "_histogram", "_summary" };

	for (const char *c = name; *c != '\0'; c++)
		if (isupper((unsigned char)*c) || *c == ':')
			return wrong(r, "%s: lower case and underscores alone", name);
	if (strncmp(name, "mcpgw_", 6) != 0 || strstr(name, "__") != NULL)
		return wrong(r, "%s: not a name of ours", name);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (ends_with(name, units[i]))
			return wrong(r, "%s: not a base unit", name);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (ends_with(name, types[i]))
			return wrong(r, "%s: its type is not its name's to say", name);
	return true;
}

static bool
histogram_is_whole(struct reader *r, const struct family *f)
{
	if (strcmp(f->type, "histogram") != 0)
		return true;
	if (!f->has_inf || !f->has_sum || !f->has_count)
		return wrong(r, "%s: +Inf, _sum or _count is missing", f->name);
	return f->count == f->last_count || wrong(r, "%s: _count is not the +Inf bucket's", f->name);
}

static bool
family_close(struct reader *r)
{
	struct family	*f = r->open;

	r->open = NULL;
	if (f == NULL)
		return true;
	if (!f->helped || !f->typed || !f->sampled)
		return wrong(r, "%s: HELP, TYPE or samples are missing", f->name);
	return histogram_is_whole(r, f);
}

/* The family of this name becomes the open one; it comes once, all lines together. */
static bool
family_open(struct reader *r, const char *name)
{
	if (r->open != NULL && strcmp(r->open->name, name) == 0)
		return true;
	if (!family_close(r))
		return false;
	for (size_t i = 0; i < r->family_count; i++)
		if (strcmp(r->families[i].name, name) == 0)
			return wrong(r, "%s comes again", name);
	if (r->family_count == FAMILIES_MAX || !name_is_good(r, name))
		return r->family_count < FAMILIES_MAX ? false : wrong(r, "too many");
	r->open = &r->families[r->family_count++];
	snprintf(r->open->name, sizeof(r->open->name), "%s", name);
	return true;
}

/* "# HELP name text" or "# TYPE name type". */
static bool
comment(struct reader *r, const char *line)
{
	char		 name[NAME_MAX_];
	const char	*rest = line + 7;
	size_t		 n = name_length(rest);
	bool		 help = strncmp(line, "# HELP ", 7) == 0;

	if (!help && strncmp(line, "# TYPE ", 7) != 0)
		return wrong(r, "a comment: %s", line);
	if (n == 0 || n >= sizeof(name) || rest[n] != ' ' || rest[n + 1] == '\0')
		return wrong(r, "no name, or nothing behind it: %s", line);
	snprintf(name, sizeof(name), "%.*s", (int)n, rest);
	rest += n + 1;
	if (!family_open(r, name))
		return false;
	if (r->open->sampled || (help ? r->open->helped : r->open->typed) || (!help && !r->open->helped))
		return wrong(r, "%s: HELP, then TYPE, then samples, each once", name);
	if (help) {
		for (const char *c = rest; *c != '\0'; c++)
			if (*c == '\\' && c[1] != '\\' && c[1] != 'n')
				return wrong(r, "%s: a backslash in its help", name);
		r->open->helped = true;
		return true;
	}
	if (strcmp(rest, "counter") != 0 && strcmp(rest, "gauge") != 0 && strcmp(rest, "histogram") != 0)
		return wrong(r, "%s: type %s", name, rest);
	if ((strcmp(rest, "counter") == 0) != ends_with(name, "_total"))
		return wrong(r, "%s: counters end in _total, nothing else does", name);
	snprintf(r->open->type, sizeof(r->open->type), "%s", rest);
	r->open->typed = true;
	return true;
}

/* {name="value",...}; *to is behind it.  The value of `le`, if there is one. */
static bool
labels(struct reader *r, const char **to, char le[64])
{
	const char	*c = *to + 1;
	size_t		 n, v;

	le[0] = '\0';
	for (;;) {
		if ((n = name_length(c)) == 0 || strncmp(c + n, "=\"", 2) != 0 || memchr(c, ':', n) != NULL)
			return wrong(r, "a label: %s", c);
		for (v = n + 2; c[v] != '"'; v++)
			if (c[v] == '\0' || (c[v] == '\\' && strchr("\\\"n", c[++v]) == NULL))
				return wrong(r, "a label's value: %s", c);
		if (n == 2 && strncmp(c, "le", 2) == 0)
			snprintf(le, 64, "%.*s", (int)(v - n - 2), c + n + 2);
		c += v + 1;
		if (*c == '}')
			break;
		if (*c++ != ',')
			return wrong(r, "labels: %s", *to);
	}
	*to = c + 1;
	return true;
}

static bool
histogram_sample(struct reader *r, const char *what, const char *le, double value)
{
	struct family	*f = r->open;
	double		 bound;
	char		*end;

	if (strcmp(what, "_sum") == 0) {
		f->has_sum = true;
		return true;
	}
	if (strcmp(what, "_count") == 0) {
		f->has_count = true;
		f->count = value;
		return true;
	}
	if (strcmp(what, "_bucket") != 0 || le[0] == '\0' || f->has_inf)
		return wrong(r, "%s%s: no bucket, sum or count, or one behind +Inf", f->name, what);
	f->has_inf = strcmp(le, "+Inf") == 0;
	bound = f->has_inf ? 0 : strtod(le, &end);
	if (!f->has_inf && (*end != '\0' || (f->has_le && bound <= f->last_le)))
		return wrong(r, "%s: le=%s does not follow", f->name, le);
	if (f->has_le && value < f->last_count)
		return wrong(r, "%s: le=%s has less than the one before", f->name, le);
	f->has_le = true;
	f->last_le = bound;
	f->last_count = value;
	return true;
}

static bool
sample(struct reader *r, const char *line)
{
	const char	*c = line, *base;
	char		 le[64] = "", *end;
	size_t		 n = name_length(line);
	double		 value;

	if (r->open == NULL || n == 0)
		return wrong(r, "no metric's: %s", line);
	base = r->open->name;
	if (strncmp(line, base, strlen(base)) != 0 || strlen(base) > n)
		return wrong(r, "not of %s: %s", base, line);
	c += n;
	if (*c == '{' && !labels(r, &c, le))
		return false;
	if (*c != ' ')
		return wrong(r, "no value: %s", line);
	for (size_t i = 0; i < r->series_count; i++)
		if (strlen(r->series[i]) == (size_t)(c - line) && strncmp(r->series[i], line, (size_t)(c - line)) == 0)
			return wrong(r, "comes twice: %s", line);
	if (r->series_count == SERIES_MAX)
		return wrong(r, "too many series");
	r->series[r->series_count++] = strndup(line, (size_t)(c - line));
	value = strtod(c + 1, &end);
	if (end == c + 1 || *end != '\0' || c[1] == ' ')
		return wrong(r, "a value: %s", line);
	if (strcmp(r->open->type, "gauge") != 0 && value < 0)
		return wrong(r, "counts down: %s", line);
	r->open->sampled = true;
	if (strcmp(r->open->type, "histogram") == 0) {
		char	what[NAME_MAX_];

		snprintf(what, sizeof(what), "%.*s", (int)(n - strlen(base)), line + strlen(base));
		return histogram_sample(r, what, le, value);
	}
	return (n == strlen(base) && le[0] == '\0') || wrong(r, "not of %s: %s", base, line);
}

static bool
all_lines(struct reader *r, const char *text)
{
	const char	*end;
	char		 line[LINE_MAX_];

	for (; *text != '\0'; text = end + 1) {
		r->line++;
		if ((end = strchr(text, '\n')) == NULL || (size_t)(end - text) >= sizeof(line))
			return wrong(r, "not ended, or too long");
		snprintf(line, sizeof(line), "%.*s", (int)(end - text), text);
		if (line[0] == '\0' || line[0] == ' ' || strchr(line, '\r') != NULL)
			return wrong(r, "empty, or a blank where none may be");
		if (!(line[0] == '#' ? comment(r, line) : sample(r, line)))
			return false;
	}
	return r->family_count > 0 ? family_close(r) : wrong(r, "nothing");
}

bool
exposition_ok(const char *text, char *why, size_t room)
{
	struct reader	*r = calloc(1, sizeof(*r));
	bool		 ok;

	r->why = why;
	r->room = room;
	why[0] = '\0';
	ok = all_lines(r, text);
	for (size_t i = 0; i < r->series_count; i++)
		free(r->series[i]);
	free(r);
	return ok;
}

double
exposition_value(const char *text, const char *series)
{
	size_t	n = strlen(series);

	for (const char *at = text; at != NULL; at = strchr(at, '\n')) {
		at += at != text;
		if (strncmp(at, series, n) == 0 && at[n] == ' ')
			return strtod(at + n + 1, NULL);
	}
	return -1;
}
