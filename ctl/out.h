/* SPDX-License-Identifier: Apache-2.0
 *
 * out.h - what mcpgwctl prints: tables for people, JSON lines for programs, errors to stderr
 *
 * Colour only on a terminal and without NO_COLOR.  Tables fit 80 columns; what does not fit is cut in
 * the middle.
 */
#ifndef CTL_OUT_H
#define CTL_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

#define OUT_COLUMNS_MAX	10
#define OUT_CELL	256

/* "file:line: text" to stderr; errors red, warnings yellow on a terminal.  level: enum log_level. */
void	out_note(unsigned level, struct span line);
void	out_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Flushes stdout; the exit code, or EX_IOERR when something could not be written. */
int	out_end(int exit_code);

/* A text of others, as a terminal may have it: UTF-8 passes, but a '?' stands for each byte of control characters
 * (U+0080 to U+009F too), of those that turn text round, and of what is no UTF-8.  Cut to `room` with its NUL, at a
 * character; to, which may be s.p. */
const char *out_clean(struct span s, char *to, size_t room);

/* --- tables ------------------------------------------------------------------------------------ */

struct out_column {
	const char	*title;
	bool		 right;		/* numbers */
	bool		 whole;		/* never cut: ids, names that are typed again */
};

struct out_table;
/* Columns are borrowed.  Exits when memory ends. */
struct out_table *out_table_new(const struct out_column *columns, unsigned count);
/* The next cell of the current row, row by row; copied, as out_clean() has it. */
void	out_cell(struct out_table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void	out_cell_span(struct out_table *t, struct span s);
/* Prints all rows under their titles, and frees. */
void	out_table_end(struct out_table **t);
/* Without printing. */
void	out_table_free(struct out_table **t);

/* --- JSON lines --------------------------------------------------------------------------------- */

void	out_json_begin(void);
void	out_json_text(const char *name, struct span value);
void	out_json_u64(const char *name, uint64_t value);
void	out_json_bool(const char *name, bool value);
/* An array of the words of a text, which any of `breaks` divides. */
void	out_json_words(const char *name, struct span words, const char *breaks);
/* Text that is JSON already. */
void	out_json_raw(const char *name, struct span value);
void	out_json_end(void);

/* --- words for times and rates ------------------------------------------------------------------ */

#define OUT_TIME	32
/* "3d 4h", "12 min", "8 s". */
const char *out_span_ms(uint64_t ms, char to[OUT_TIME]);
/* Wall clock: "today 10:02", "2026-05-02"; "-" for 0.  UTC is never shown: people read a local clock. */
const char *out_when_ms(uint64_t wall_ms, char to[OUT_TIME]);
/* The same day's "10:42". */
const char *out_clock_ms(uint64_t wall_ms, char to[OUT_TIME]);
/* "2026-11-20T10:31:07Z", for programs; and back, 0 when it is none. */
const char *out_utc_ms(uint64_t wall_ms, char to[OUT_TIME]);
uint64_t out_parse_utc(struct span text);
uint64_t out_now_ms(void);
/* "50/s", "100/min", "0.5/d" of what comes every interval: the smallest unit of which it is a whole number, as it was
 * written; else that leaves one or more. */
const char *out_rate(uint64_t interval_ns, char *to, size_t room);

#endif
