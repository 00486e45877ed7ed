/* SPDX-License-Identifier: Apache-2.0
 *
 * suspect.c - is there something in a tool's text that somebody should look at first?
 *
 * Process: worker, mcpgwctl.  Owns: the set of names.
 * Trusts:  that a value was proven; not its size.  Hashes of names are keyed: servers choose them.
 */
#include <stdlib.h>

#include "lib/crypt.h"
#include "lib/fold.h"
#include "lib/sum.h"
#include "mcp/suspect.h"

#define NAMES_MAX	65536
#define PATTERN_MAX	512

struct range {
	uint32_t	 first, last;
	const char	*what;
};

struct row {
	const char	*text, *what;
};

static const struct range hidden[] = {
#define HIDDEN(first, last, what) { first, last, what },
#define PHRASE(words, what)
#define MARK(text, what)
#include "tables/suspects.def"
#undef HIDDEN
#undef PHRASE
#undef MARK
};

static const struct row phrases[] = {
#define HIDDEN(first, last, what)
#define PHRASE(words, what) { words, what },
#define MARK(text, what)
#include "tables/suspects.def"
#undef HIDDEN
#undef PHRASE
#undef MARK
};

static const struct row marks[] = {
#define HIDDEN(first, last, what)
#define PHRASE(words, what)
#define MARK(text, what) { text, what },
#include "tables/suspects.def"
#undef HIDDEN
#undef PHRASE
#undef MARK
};

#define COUNT(rows)	(sizeof(rows) / sizeof((rows)[0]))

static void
find(struct suspect *out, const char *what, struct span text, size_t at)
{
	size_t	from = at > SUSPECT_WORDS / 4 ? at - SUSPECT_WORDS / 4 : 0;
	size_t	n = span_part(text, from, SUSPECT_WORDS - 1).n;

	out->what = what;
	memcpy(out->words, text.p + from, n);
	out->words[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (out->words[i] == '\0')
			out->words[i] = '?';
}

/* --- what is not seen ------------------------------------------------------------------------- */

/* Joiners belong to emoji, and to letters from Arabic to Sinhala. */
static bool
may_join(uint32_t code, uint32_t before)
{
	return (code == 0x200c || code == 0x200d) && ((before >= 0x600 && before < 0xe00) ||
	    (before >= 0x2190 && before < 0x2c00) || before == 0xfe0f || (before >= 0x1f000 && before < 0x20000));
}

bool
suspect_hides(uint32_t code)
{
	for (size_t i = 0; i < COUNT(hidden) && code >= hidden[i].first; i++)
		if (code <= hidden[i].last)
			return true;
	return false;
}

static bool
find_hidden(struct span text, struct suspect *out)
{
	uint32_t	code, before = 0;
	size_t		bytes;

	for (size_t at = 0; at < text.n; at += bytes, before = code) {
		bytes = fold_next(span_part(text, at, text.n), &code);
		if (code >= 0x20 && code < 0x7f)
			continue;
		for (size_t i = 0; i < COUNT(hidden) && code >= hidden[i].first; i++)
			if (code <= hidden[i].last && !may_join(code, before)) {
				find(out, hidden[i].what, text, at);
				return true;
			}
	}
	return false;
}

/* --- phrases ---------------------------------------------------------------------------------- */

/* A pattern as what it is compared with: folded, once. */
static const char *
folded(const struct row *row, char to[PATTERN_MAX])
{
	if (to[0] == '\0') {
		struct span	s = fold_text(span_of(row->text), to, NULL);

		to[s.n] = '\0';
	}
	return to;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80) != 0;
}

/* The next word behind *at, without apostrophes; false: there is none. */
static bool
next_word(struct span text, size_t *at, char word[32], size_t *bytes)
{
	while (*at < text.n && !is_letter(text.p[*at]))
		++*at;
	*bytes = 0;
	for (; *at < text.n && (is_letter(text.p[*at]) || text.p[*at] == '\''); ++*at)
		if (text.p[*at] != '\'' && *bytes < 31)
			word[(*bytes)++] = text.p[*at];
	return *bytes > 0;
}

/* One of "a,b,c", up to a blank. */
static bool
is_one_of(const char *pattern, struct span word)
{
	const char	*end;

	for (;; pattern = end + 1) {
		for (end = pattern; *end != '\0' && *end != ' ' && *end != ','; end++)
			;
		if (span_eq(span_make(pattern, (size_t)(end - pattern)), word))
			return true;
		if (*end != ',')
			return false;
	}
}

/* Does what follows `at` go on as the pattern does?  As deep as a pattern has parts. */
static bool
goes_on(const char *pattern, struct span text, size_t at)
{
	unsigned	between = 0;
	const char	*rest;
	char		word[32];
	size_t		bytes;

	if (*pattern == '~') {
		between = (unsigned)(pattern[1] == 'o' ? 0 : pattern[1] == 'l' ? 1 : pattern[1] - '0');
		pattern += 3;
	}
	rest = strchr(pattern, ' ');
	for (unsigned i = 0; i <= between && next_word(text, &at, word, &bytes); i++)
		if (is_one_of(pattern, span_make(word, bytes)) && (rest == NULL || goes_on(rest + 1, text, at)))
			return true;
	return false;
}

/* *where: in the folded text. */
static const char *
find_phrase(struct span text, size_t *where)
{
	static char	all[COUNT(phrases)][PATTERN_MAX];
	char		word[32];
	size_t		at = 0, bytes;

	while (next_word(text, &at, word, &bytes))
		for (size_t i = 0; i < COUNT(phrases); i++) {
			const char	*p = folded(&phrases[i], all[i]);
			const char	*rest = strchr(p, ' ');

			if (is_one_of(p, span_make(word, bytes)) && (rest == NULL || goes_on(rest + 1, text, at))) {
				*where = at - bytes;
				return phrases[i].what;
			}
		}
	return NULL;
}

static const char *
find_mark(struct span text, size_t *where)
{
	static char	all[COUNT(marks)][PATTERN_MAX];

	for (size_t i = 0; i < COUNT(marks); i++) {
		const char	*p = folded(&marks[i], all[i]);
		const char	*hit = memmem(text.p, text.n, p, strlen(p));

		if (hit != NULL) {
			*where = (size_t)(hit - text.p);
			return marks[i].what;
		}
	}
	return NULL;
}

/* --- names of others' tools ------------------------------------------------------------------- */

struct suspect_names {
	struct sum_key	 key;
	struct arena	 text;
	struct span	*slot;		/* open table */
	size_t		 room, count;
};

bool
suspect_is_distinct(struct span tool)
{
	bool	distinct = false;

	for (size_t i = 0; i < tool.n; i++) {
		char	c = tool.p[i];

		if (!is_letter((char)(c | 0x20)) && c != '_' && c != '-' && c != '.')
			return false;
		distinct |= i > 0 && !(c >= 'a' && c <= 'z');
	}
	return distinct && tool.n >= SUSPECT_NAME_MIN;
}

int
suspect_names_new(struct suspect_names **out)
{
	struct suspect_names	*n;

	*out = NULL;
	if ((n = calloc(1, sizeof(*n))) == NULL)
		return E_NOMEM;
	arena_init(&n->text, NULL, 0, NAMES_MAX * 64);
	if (crypt_random(&n->key, sizeof(n->key)) != 0) {
		suspect_names_free(&n);
		return E_NOMEM;
	}
	*out = n;
	return 0;
}

void
suspect_names_free(struct suspect_names **n)
{
	if (*n != NULL) {
		arena_fini(&(*n)->text);
		free((*n)->slot);
		free(*n);
	}
	*n = NULL;
}

static struct span *
slot_of(const struct suspect_names *n, struct span name)
{
	size_t	i = (size_t)hash64(&n->key, name) & (n->room - 1);

	while (n->slot[i].n > 0 && !span_eq(n->slot[i], name))
		i = (i + 1) & (n->room - 1);
	return &n->slot[i];
}

static int
names_grow(struct suspect_names *n)
{
	struct span	*old = n->slot;
	size_t		 room = n->room;

	if ((n->slot = calloc(room == 0 ? 256 : 2 * room, sizeof(*n->slot))) == NULL) {
		n->slot = old;
		return E_NOMEM;
	}
	n->room = room == 0 ? 256 : 2 * room;
	for (size_t i = 0; i < room; i++)
		if (old[i].n > 0)
			*slot_of(n, old[i]) = old[i];
	free(old);
	return 0;
}

int
suspect_names_add(struct suspect_names *n, struct span tool)
{
	struct span	*slot, copy;
	int		 r;

	/* More than that is a catalogue of every word there is. */
	if (!suspect_is_distinct(tool) || n->count >= NAMES_MAX)
		return 0;
	if (2 * n->count >= n->room && (r = names_grow(n)) != 0)
		return r;
	slot = slot_of(n, tool);
	if (slot->n > 0)
		return 0;
	if ((copy = arena_dup(&n->text, tool)).p == NULL)
		return E_NOMEM;
	*slot = copy;
	n->count++;
	return 0;
}

/* Exactly as it is written there: who speaks to a model of a tool writes its name so. */
static bool
find_name(struct span text, const struct suspect_names *n, struct suspect *out)
{
	size_t	at, end;

	if (n == NULL || n->count == 0)
		return false;
	for (at = 0; at < text.n; at = end + 1) {
		for (end = at; end < text.n && (is_letter((char)(text.p[end] | 0x20)) || text.p[end] == '_' ||
		    text.p[end] == '-' || text.p[end] == '.'); end++)
			;
		while (end > at && text.p[end - 1] == '.')	/* of a sentence */
			end--;
		if (end - at >= SUSPECT_NAME_MIN && slot_of(n, span_part(text, at, end - at))->n > 0) {
			find(out, "names another server's tool", text, at);
			return true;
		}
		while (end < text.n && text.p[end] == '.')
			end++;
	}
	return false;
}

/* --- all of it -------------------------------------------------------------------------------- */

void
suspect_text(struct span text, const struct suspect_names *others, struct suspect *out)
{
	const char	*what;
	uint32_t	*from;
	struct span	 looks;
	size_t		 at;

	*out = (struct suspect){ .what = NULL };
	if (text.n == 0)
		return;
	if (text.n > SUSPECT_BYTES_MAX) {
		find(out, "has more text than anybody reads", text, 0);
		return;
	}
	if (find_hidden(text, out) || find_name(text, others, out))
		return;
	if ((from = malloc(text.n * (sizeof(*from) + 1))) == NULL) {
		find(out, "could not be looked at", text, 0);
		return;
	}
	looks = fold_text(text, (char *)(from + text.n), from);
	if ((what = find_mark(looks, &at)) != NULL || (what = find_phrase(looks, &at)) != NULL)
		find(out, what, text, from[at]);
	free(from);
}

static bool
look_at(struct json_value string, struct arena *a, const struct suspect_names *others, struct suspect *out)
{
	struct span	s;

	if (json_string(string, a, &s) != 0) {
		find(out, "could not be looked at", string.raw, 0);
		return true;
	}
	suspect_text(s, others, out);
	return out->what != NULL;
}

/* As deep as the scanner let it be: JSON_DEPTH_MAX. */
static bool
walk(struct json_value v, struct arena *a, const struct suspect_names *others, struct suspect *out)
{
	struct json_iter	it;
	struct json_value	value;
	struct span		key;

	if (v.type == JSON_STRING)
		return look_at(v, a, others, out);
	if (v.type != JSON_OBJECT && v.type != JSON_ARRAY)
		return false;
	for (json_iter_init(&it, v); json_iter_next(&it, &key, &value); )
		if ((v.type == JSON_OBJECT && look_at(json_key(key), a, others, out)) || walk(value, a, others, out))
			return true;
	return false;
}

void
suspect_value(struct json_value v, const struct suspect_names *others, struct suspect *out)
{
	struct arena	a;

	*out = (struct suspect){ .what = NULL };
	if (v.raw.n > SUSPECT_BYTES_MAX) {
		find(out, "has more text than anybody reads", v.raw, 0);
		return;
	}
	arena_init(&a, NULL, 0, 4 * v.raw.n + 4096);
	(void)!walk(v, &a, others, out);
	arena_fini(&a);
}
