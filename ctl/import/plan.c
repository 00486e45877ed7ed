/* SPDX-License-Identifier: Apache-2.0
 *
 * plan.c - what is to be written, as people and programs read it
 *
 * Process: mcpgwctl.  Owns: nothing.
 * Trusts:  no text: of files of others all is shown as out_clean() has it.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/import/plan.h"
#include "ctl/out.h"
#include "lib/buf.h"
#include "lib/json.h"

#define WIDTH	80
#define COLUMNS	5
#define GAP	2
#define TEXT	1024

enum column { SERVER, RUNS, SEES, NET, TOOLS };

static const char *const titles[COLUMNS] = { "SERVER", "RUNS", "SEES", "NET", "TOOLS" };

struct row {
	const struct import_server	*s;
	const char			*cell[COLUMNS];
};

size_t
plan_changes(const struct import *im)
{
	size_t	n = 0;

	for (size_t i = 0; i < im->count; i++)
		n += server_stays(&im->servers[i]) && im->servers[i].fate != IMPORT_SAME;
	return n;
}

size_t
plan_tools(const struct import *im)
{
	size_t	n = 0;

	for (size_t i = 0; i < im->count; i++)
		n += server_runs(&im->servers[i]) ? im->servers[i].tools.n : 0;
	return n;
}

/* ---- cells ----------------------------------------------------------------------------------------- */

static const char *
clean(struct import *im, const char *text)
{
	char	to[TEXT];

	return import_fmt(im, "%s", out_clean(span_of(text), to, sizeof(to)));
}

static const char *
sees(struct import *im, const struct import_server *s)
{
	size_t	n = s->read.n + s->write.n;

	if (s->url != NULL)
		return "-";
	if (n == 0)
		return s->keeps_state ? "its own folder" : "-";
	if (n > 1)
		return import_fmt(im, "%s and %zu more",
		    path_short(im, s->write.n > 0 ? s->write.at[0] : s->read.at[0]), n - 1);
	if (s->write.n > 0)
		return import_fmt(im, "%s read-write", path_short(im, s->write.at[0]));
	return import_fmt(im, "%s read-only", path_short(im, s->read.at[0]));
}

static const char *
net(struct import *im, const struct import_server *s)
{
	if (s->url != NULL)
		return "-";
	if (s->net.n > 0)
		return import_fmt(im, "%zu host%s", s->net.n, s->net.n == 1 ? "" : "s");
	return s->net_word != NULL ? s->net_word : "none";
}

static void
fill(struct import *im, const struct import_server *s, struct row *r)
{
	r->s = s;
	r->cell[SERVER] = s->name;
	r->cell[RUNS] = clean(im, s->runs != NULL ? s->runs : s->command != NULL ? s->command : "-");
	r->cell[SEES] = clean(im, sees(im, s));
	r->cell[NET] = clean(im, net(im, s));
	r->cell[TOOLS] = s->off ? "off" : import_fmt(im, "%zu", s->tools.n);
}

/* ---- layout ---------------------------------------------------------------------------------------- */

/* Characters, as a terminal counts most of them. */
static size_t
width_of(const char *text)
{
	size_t	n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static size_t
bytes_of(const char *text, size_t characters)
{
	size_t	i = 0;

	while (text[i] != '\0' && (characters > 0 || ((unsigned char)text[i] & 0xc0) == 0x80)) {
		characters -= ((unsigned char)text[i] & 0xc0) != 0x80;
		i++;
	}
	return i;
}

/* What does not fit is cut in the middle. */
static const char *
cut(struct import *im, const char *text, size_t room)
{
	size_t	n = width_of(text), left;

	if (n <= room || room < 5)
		return text;
	left = (room - 2) / 2;
	return import_fmt(im, "%.*s..%s", (int)bytes_of(text, left), text,
	    text + bytes_of(text, n - (room - 2 - left)));
}

/* Words from this column on, over as many lines as they need; the cursor stands there already.  A word that is longer
 * than such a line is broken. */
static void
print_wrapped(const char *text, size_t from)
{
	size_t	at = from;

	while (*text != '\0') {
		size_t	n = strcspn(text, " "), w;

		w = width_of(text) - width_of(text + n);
		if (w > WIDTH - from) {
			w = WIDTH - from;
			n = bytes_of(text, w);
		}
		if (at > from && at + 1 + w > WIDTH) {
			printf("\n%*s", (int)from, "");
			at = from;
		} else if (at > from) {
			putchar(' ');
			at++;
		}
		printf("%.*s", (int)n, text);
		at += w;
		text += n + strspn(text + n, " ");
	}
	putchar('\n');
}

void
plan_words(struct import *im, const char *text)
{
	print_wrapped(clean(im, text), 0);
}

static void
widths(const struct row *rows, size_t n, size_t w[COLUMNS])
{
	size_t	total = GAP;

	/* Reasons run over the columns behind RUNS. */
	for (unsigned c = 0; c < COLUMNS; c++) {
		w[c] = strlen(titles[c]);
		for (size_t i = 0; i < n; i++)
			if ((c <= RUNS || server_stays(rows[i].s)) && width_of(rows[i].cell[c]) > w[c])
				w[c] = width_of(rows[i].cell[c]);
	}
	for (unsigned c = 0; c < COLUMNS; c++)
		total += w[c] + (c > 0 ? GAP : 0);
	/* The widest of these gives way. */
	while (total > WIDTH && (w[RUNS] > 12 || w[SEES] > 12 || w[SERVER] > 12)) {
		unsigned c = w[RUNS] >= w[SEES] ? RUNS : SEES;

		if (w[c] <= 12)
			c = SERVER;
		w[c]--;
		total--;
	}
}

/* A cell, and the gap behind it. */
static void
put_cell(struct import *im, const char *text, size_t w)
{
	text = cut(im, text, w);
	printf("%s%*s", text, (int)(w - width_of(text)) + GAP, "");
}

static void
print_row(struct import *im, const struct row *r, const size_t w[COLUMNS])
{
	const struct import_server	*s = r->s;
	size_t				 from = GAP + w[SERVER] + GAP + w[RUNS] + GAP;

	printf("%*s", GAP, "");
	put_cell(im, r->cell[SERVER], w[SERVER]);
	put_cell(im, r->cell[RUNS], w[RUNS]);
	if (s->fate == IMPORT_LEFT_OUT || s->fate == IMPORT_TAKEN) {
		print_wrapped(clean(im, import_fmt(im, "left out: %s", s->why)), from);
		return;
	}
	put_cell(im, r->cell[SEES], w[SEES]);
	put_cell(im, r->cell[NET], w[NET]);
	printf("%s\n", r->cell[TOOLS]);
}

static void
print_notes(struct import *im, const struct import_server *s)
{
	if (s->off)
		print_wrapped(clean(im, import_fmt(im, "%s: written, but off: %s.", s->name, s->why)), 0);
	for (size_t i = 0; i < s->notes.n; i++)
		print_wrapped(clean(im, import_fmt(im, "%s: %s", s->name, s->notes.at[i])), 0);
}

void
plan_print(struct import *im)
{
	struct row	rows[IMPORT_SERVERS_MAX];
	size_t		w[COLUMNS], n = 0, same = 0;

	for (size_t i = 0; i < im->count; i++)
		if (im->servers[i].fate == IMPORT_SAME)
			same++;
		else
			fill(im, &im->servers[i], &rows[n++]);
	if (n > 0) {
		widths(rows, n, w);
		printf("%*s", GAP, "");
		for (unsigned c = 0; c < TOOLS; c++)
			put_cell(im, titles[c], w[c]);
		printf("%s\n", titles[TOOLS]);
	}
	for (size_t i = 0; i < n; i++)
		print_row(im, &rows[i], w);
	for (size_t i = 0; i < n; i++)
		if (server_stays(rows[i].s))
			print_notes(im, rows[i].s);
	if (same > 0)
		printf(same == 1 ? "%zu server is as it was written already.\n" :
		    "%zu servers are as they were written already.\n", same);
}

/* ---- for programs ---------------------------------------------------------------------------------- */

static void
json_words(const char *name, const struct words *w)
{
	struct buf	b;
	int		r;

	buf_init(&b, 4u * 1024 * 1024);
	r = buf_put_str(&b, "[");
	for (size_t i = 0; i < w->n && r == 0; i++)
		if ((r = buf_put_str(&b, i == 0 ? "" : ",")) == 0)
			r = json_put_string(&b, span_of(w->at[i]));
	if (r == 0 && buf_put_str(&b, "]") == 0)
		out_json_raw(name, buf_rest(&b));
	buf_fini(&b);
}

void
plan_json(struct import *im)
{
	static const char *const	fates[] = { "new", "same", "changed", "taken", "left out" };

	for (size_t i = 0; i < im->count; i++) {
		const struct import_server *s = &im->servers[i];

		out_json_begin();
		out_json_text("server", span_of(s->name));
		out_json_text("fate", span_of(fates[s->fate]));
		out_json_bool("enabled", server_runs(s));
		if (s->why != NULL)
			out_json_text("why", span_of(s->why));
		if (s->runs != NULL)
			out_json_text("runs", span_of(s->runs));
		if (s->command != NULL)
			out_json_text("command", span_of(s->command));
		json_words("args", &s->args);
		if (s->url != NULL)
			out_json_text("url", span_of(s->url));
		json_words("read", &s->read);
		json_words("write", &s->write);
		json_words("net", &s->net);
		json_words("tools", &s->tools);
		json_words("notes", &s->notes);
		out_json_end();
	}
}
