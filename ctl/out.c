/* SPDX-License-Identifier: Apache-2.0
 *
 * out.c - what mcpgwctl prints
 *
 * Process: mcpgwctl.  Owns: stdout and stderr.
 * Trusts:  no text: names and errors of servers are shown without what moves a terminal.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "ctl/out.h"
#include "lib/json.h"
#include "lib/log.h"

#define WIDTH		80
#define GAP		2
#define JSON_LINE_MAX	(1024 * 1024)

static bool
colour_on(int fd)
{
	const char	*no = getenv("NO_COLOR"), *term = getenv("TERM");

	return (no == NULL || no[0] == '\0') && isatty(fd) && (term == NULL || strcmp(term, "dumb") != 0);
}

/* U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069 */
static bool
turns_text(struct span one)
{
	const unsigned char	*c = (const unsigned char *)one.p;

	if (one.n == 2)
		return c[0] == 0xd8 && c[1] == 0x9c;
	return one.n == 3 && c[0] == 0xe2 && ((c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xaa &&
	    c[2] <= 0xae))) || (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
}

/* The character that s begins with, or one byte that is none or must not be shown; false then. */
static bool
char_take(struct span s, struct span *one)
{
	unsigned char	c = (unsigned char)s.p[0];
	size_t		bytes = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

	*one = span_part(s, 0, bytes);
	if (c >= 0x20 && c != 0x7f && one->n == bytes && (bytes == 1 || json_utf8_ok(*one)) &&
	    !(c == 0xc2 && (unsigned char)one->p[1] < 0xa0) && !turns_text(*one))
		return true;
	*one = span_part(s, 0, 1);
	return false;
}

const char *
out_clean(struct span s, char *to, size_t room)
{
	struct span	one;
	size_t		n = 0;
	bool		good;

	for (size_t i = 0; i < s.n; i += one.n) {
		good = char_take(span_part(s, i, s.n - i), &one);
		if (n + one.n >= room)
			break;
		if (good)
			memmove(to + n, one.p, one.n);
		else
			to[n] = '?';
		n += one.n;
	}
	to[n] = '\0';
	return to;
}

static void
print_clean(FILE *f, struct span s)
{
	struct span	one;

	for (size_t i = 0; i < s.n; i += one.n)
		if (char_take(span_part(s, i, s.n - i), &one))
			fwrite(one.p, 1, one.n, f);
		else
			fputc('?', f);
}

void
out_note(unsigned level, struct span line)
{
	const char	*on = "", *off = "";

	if (level <= LOG_LEVEL_WARNING && colour_on(STDERR_FILENO)) {
		on = level <= LOG_LEVEL_ERR ? "\033[31m" : "\033[33m";
		off = "\033[0m";
	}
	fputs(on, stderr);
	print_clean(stderr, line);
	fprintf(stderr, "%s\n", off);
}

void
out_error(const char *fmt, ...)
{
	char	line[1024];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	out_note(LOG_LEVEL_ERR, span_of(line));
}

int
out_end(int exit_code)
{
	if (fflush(stdout) == EOF || ferror(stdout)) {
		/* Who reads no more wants no more. */
		if (errno != EPIPE)
			out_error("what was to be printed is not all of it: %s", strerror(errno));
		return exit_code == 0 ? EX_IOERR : exit_code;
	}
	return exit_code;
}

/* --- tables ------------------------------------------------------------------------------------ */

struct out_table {
	const struct out_column	*columns;
	unsigned		 count;
	size_t			 cells, room;
	char			(*cell)[OUT_CELL];
};

struct out_table *
out_table_new(const struct out_column *columns, unsigned count)
{
	struct out_table	*t = calloc(1, sizeof(*t));

	if (t == NULL)
		fatal(EX_OSERR, "out of memory");
	t->columns = columns;
	t->count = count;
	return t;
}

void
out_cell(struct out_table *t, const char *fmt, ...)
{
	va_list	ap;
	char	*c;

	if (t->cells == t->room) {
		t->room = t->room * 2 + 64;
		if ((t->cell = realloc(t->cell, t->room * sizeof(*t->cell))) == NULL)
			fatal(EX_OSERR, "out of memory");
	}
	c = t->cell[t->cells++];
	va_start(ap, fmt);
	vsnprintf(c, OUT_CELL, fmt, ap);
	va_end(ap);
	out_clean(span_of(c), c, OUT_CELL);
}

void
out_cell_span(struct out_table *t, struct span s)
{
	out_cell(t, "%.*s", SPAN_FMT(s));
}

/* Characters, not bytes: continuation bytes of UTF-8 take no place. */
static size_t
cell_width(const char *s)
{
	size_t	n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* Cuts s to `width` characters, "aaa...zzz". */
static void
cell_cut(char *s, size_t width)
{
	size_t	n = strlen(s), head, tail;

	if (cell_width(s) <= width || width < 5)
		return;
	head = (width - 3) / 2;
	tail = width - 3 - head;
	while (head > 0 && ((unsigned char)s[head] & 0xc0) == 0x80)
		head--;
	while (tail > 0 && ((unsigned char)s[n - tail] & 0xc0) == 0x80)
		tail--;
	memmove(s + head + 3, s + n - tail, tail + 1);
	memcpy(s + head, "...", 3);
}

/* The widest column that may be cut gives way, one character at a time. */
static void
fit(const struct out_table *t, size_t *width)
{
	for (;;) {
		size_t	total = 0, most = 8;
		int	widest = -1;

		for (unsigned i = 0; i < t->count; i++) {
			total += width[i] + (i > 0 ? GAP : 0);
			if (!t->columns[i].whole && width[i] > most) {
				most = width[i];
				widest = (int)i;
			}
		}
		if (total <= WIDTH || widest == -1)
			return;
		width[widest]--;
	}
}

static void
print_row(const struct out_table *t, const size_t *width, const char *const *cells)
{
	for (unsigned i = 0; i < t->count; i++) {
		int pad = (int)(width[i] - cell_width(cells[i]));

		if (i > 0)
			printf("%*s", GAP, "");
		if (t->columns[i].right)
			printf("%*s%s", pad > 0 ? pad : 0, "", cells[i]);
		else if (i + 1 < t->count)
			printf("%s%*s", cells[i], pad > 0 ? pad : 0, "");
		else
			printf("%s", cells[i]);
	}
	printf("\n");
}

void
out_table_end(struct out_table **tp)
{
	struct out_table	*t = *tp;
	size_t			 width[OUT_COLUMNS_MAX];
	const char		*row[OUT_COLUMNS_MAX];

	*tp = NULL;
	for (unsigned i = 0; i < t->count; i++) {
		width[i] = strlen(t->columns[i].title);
		row[i] = t->columns[i].title;
	}
	for (size_t c = 0; c < t->cells; c++)
		if (cell_width(t->cell[c]) > width[c % t->count])
			width[c % t->count] = cell_width(t->cell[c]);
	fit(t, width);
	print_row(t, width, row);
	for (size_t c = 0; c + t->count <= t->cells; c += t->count) {
		for (unsigned i = 0; i < t->count; i++) {
			cell_cut(t->cell[c + i], width[i]);
			row[i] = t->cell[c + i];
		}
		print_row(t, width, row);
	}
	out_table_free(&t);
}

void
out_table_free(struct out_table **tp)
{
	struct out_table	*t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	free(t->cell);
	free(t);
}

/* --- JSON lines --------------------------------------------------------------------------------- */

static struct buf	json_line;

static void
json_check(int r)
{
	if (r != 0)
		fatal(EX_OSERR, "answer: %s", err_text(r));
}

void
out_json_begin(void)
{
	if (json_line.ceiling == 0)
		buf_init(&json_line, JSON_LINE_MAX);
	buf_clear(&json_line);
	json_check(buf_put_str(&json_line, "{"));
}

static void
json_name(const char *name)
{
	json_check(buf_put_fmt(&json_line, "%s\"%s\":", buf_rest(&json_line).n > 1 ? "," : "", name));
}

void
out_json_text(const char *name, struct span value)
{
	json_name(name);
	json_check(json_put_string(&json_line, value));
}

void
out_json_u64(const char *name, uint64_t value)
{
	json_name(name);
	json_check(buf_put_fmt(&json_line, "%" PRIu64, value));
}

void
out_json_bool(const char *name, bool value)
{
	json_name(name);
	json_check(buf_put_str(&json_line, value ? "true" : "false"));
}

void
out_json_raw(const char *name, struct span value)
{
	json_name(name);
	json_check(buf_put(&json_line, value));
}

void
out_json_words(const char *name, struct span words, const char *breaks)
{
	const char	*sep = "[";
	size_t		 n;

	json_name(name);
	while (words.n > 0) {
		for (n = 0; n < words.n && strchr(breaks, words.p[n]) == NULL; n++)
			;
		if (n > 0) {
			json_check(buf_put_str(&json_line, sep));
			json_check(json_put_string(&json_line, span_part(words, 0, n)));
			sep = ",";
		}
		words = span_part(words, n + (n < words.n), words.n);
	}
	json_check(buf_put_str(&json_line, *sep == '[' ? "[]" : "]"));
}

void
out_json_end(void)
{
	struct span	line;

	json_check(buf_put_str(&json_line, "}\n"));
	line = buf_rest(&json_line);
	fwrite(line.p, 1, line.n, stdout);
}

/* --- words for times and rates ------------------------------------------------------------------ */

uint64_t
out_now_ms(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

const char *
out_span_ms(uint64_t ms, char to[OUT_TIME])
{
	uint64_t	s = ms / 1000;

	if (s >= 86400)
		snprintf(to, OUT_TIME, "%" PRIu64 "d %" PRIu64 "h", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		snprintf(to, OUT_TIME, "%" PRIu64 "h %" PRIu64 "min", s / 3600, s / 60 % 60);
	else if (s >= 60)
		snprintf(to, OUT_TIME, "%" PRIu64 " min", s / 60);
	else
		snprintf(to, OUT_TIME, "%" PRIu64 " s", s);
	return to;
}

const char *
out_when_ms(uint64_t wall_ms, char to[OUT_TIME])
{
	time_t		t = (time_t)(wall_ms / 1000), now = (time_t)(out_now_ms() / 1000);
	struct tm	tm, today;

	if (wall_ms == 0) {
		strcpy(to, "-");
		return to;
	}
	localtime_r(&t, &tm);
	localtime_r(&now, &today);
	if (tm.tm_year == today.tm_year && tm.tm_yday == today.tm_yday)
		strftime(to, OUT_TIME, "today %H:%M", &tm);
	else
		strftime(to, OUT_TIME, "%Y-%m-%d", &tm);
	return to;
}

const char *
out_clock_ms(uint64_t wall_ms, char to[OUT_TIME])
{
	time_t		t = (time_t)(wall_ms / 1000);
	struct tm	tm;

	localtime_r(&t, &tm);
	strftime(to, OUT_TIME, "%H:%M", &tm);
	return to;
}

const char *
out_utc_ms(uint64_t wall_ms, char to[OUT_TIME])
{
	time_t		t = (time_t)(wall_ms / 1000);
	struct tm	tm;

	gmtime_r(&t, &tm);
	strftime(to, OUT_TIME, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return to;
}

uint64_t
out_parse_utc(struct span text)
{
	char		copy[OUT_TIME] = "";
	struct tm	tm = { 0 };
	time_t		t;

	if (text.n == 0 || text.n >= sizeof(copy))
		return 0;
	memcpy(copy, text.p, text.n);
	if (strptime(copy, "%Y-%m-%dT%H:%M:%SZ", &tm) == NULL || (t = timegm(&tm)) <= 0)
		return 0;
	return (uint64_t)t * 1000;
}

static bool
is_whole(double rate)
{
	const double	next = (double)(uint64_t)(rate + 0.5);

	return rate >= 0.999 && rate - next < next / 1e6 && next - rate < next / 1e6;
}

const char *
out_rate(uint64_t interval_ns, char *to, size_t room)
{
	static const struct {
		const char	*unit;
		double		 seconds;
	}	units[] = { { "s", 1 }, { "min", 60 }, { "h", 3600 }, { "d", 86400 } };
	const double	per_s = 1e9 / (double)(interval_ns == 0 ? 1 : interval_ns);
	const size_t	count = sizeof(units) / sizeof(units[0]);
	size_t		i = 0;

	while (i < count && !is_whole(per_s * units[i].seconds))
		i++;
	for (size_t k = 0; i == count && k < count; k++)
		if (per_s * units[k].seconds >= 1 || k + 1 == count) {
			snprintf(to, room, "%.1f/%s", per_s * units[k].seconds, units[k].unit);
			return to;
		}
	snprintf(to, room, "%.0f/%s", per_s * units[i].seconds, units[i].unit);
	return to;
}
