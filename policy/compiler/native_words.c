/* SPDX-License-Identifier: Apache-2.0
 *
 * native_words.c - the template of a program's arguments: args and stdin to WORD and PART
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  the operator's words.
 *
 * A word is literal text with {slot} in it; {{ and }} are braces.  A list among the words is a group, which
 * comes when all its slots have values.  ${VAR} has no meaning here: what a program is told stands in one place.
 */
#include <stdio.h>

#include "lib/near.h"
#include "policy/compiler/native.h"
#include "policy/compiler/typed.h"
#include "policy/words.h"

#define TEMPLATE_WORDS	256
#define TEMPLATE_PARTS	WORD_VALUES_MAX	/* of one word */

struct reading {
	struct native	*t;
	uint32_t	 group;		/* 0: none */
	uint32_t	 groups;	/* so far */
	bool		 dashes;	/* behind a literal "--" */
	bool		 input;		/* this is stdin's */
};

/* --- one word --------------------------------------------------------------------------------- */

static const char *
slot_name(size_t i, const void *arg)
{
	const struct native	*t = arg;

	return t->slots[i].name.p;
}

static void
put_literal(struct native *t, struct rec_word *w, struct span text)
{
	struct rec_part	p = { .text = put_text(t->m->b, text) };

	if (text.n == 0)
		return;
	put_record(t->m->b, SECTION_PART, &p);
	w->part_count++;
	digest_text(&t->m->digest, text);
}

/* The first of a word: what check_dash() of policy/words.c would say at each call. */
static void
check_default(const struct reading *r, const struct native_slot *slot)
{
	const struct conf_node	*n = slot->fallback;

	if (r->input || r->dashes || (slot->rec.flags & SLOT_FLAG_DASH) != 0 || n == NULL || n->text.n == 0 ||
	    n->text.p[0] != '-')
		return;
	job_error(r->t->j, r->t->s, n, "%.*s would begin an argument with \"-\": the slot needs \"dash\", or the word "
	    "\"--\" before it", SHOWN(n->text));
}

static void
put_slot(struct reading *r, const struct conf_node *n, struct rec_word *w, struct span name)
{
	struct native		*t = r->t;
	struct native_slot	*slot = native_slot_find(t, name);
	struct rec_part		 p = { 0 };
	const char		*near;

	if (slot == NULL) {
		near = near_find(name, slot_name, t, t->slot_count);
		if (near != NULL)
			job_error(t->j, t->s, n, "no slot \"%.*s\"; did you mean \"%s\"?", SHOWN(name), near);
		else
			job_error(t->j, t->s, n, "no slot \"%.*s\"; {{ and }} are braces", SHOWN(name));
		return;
	}
	if (w->part_count == 0)
		check_default(r, slot);
	slot->rec.flags |= r->input ? SLOT_FLAG_INPUT : SLOT_FLAG_ARGS;
	slot->outside |= r->group == 0 && !r->input;
	p.slot = (uint32_t)(slot - t->slots) + 1;
	put_record(t->m->b, SECTION_PART, &p);
	w->part_count++;
	digest_number(&t->m->digest, p.slot);
}

/* Literal text up to a single brace, with doubled ones made single; `at` moves behind it. */
static struct span
literal(struct native *t, struct span word, size_t *at)
{
	char	*to = job_alloc(t->j, word.n + 1);
	size_t	 n = 0;

	while (*at < word.n) {
		char	c = word.p[*at];

		if (c == '{' || c == '}') {
			if (*at + 1 == word.n || word.p[*at + 1] != c)
				break;
			(*at)++;
		}
		to[n++] = c;
		(*at)++;
	}
	return span_make(to, n);
}

static void
read_parts(struct reading *r, const struct conf_node *n, struct rec_word *w)
{
	struct native	*t = r->t;
	struct span	 word = n->text;
	const char	*close;
	size_t		 at = 0;

	while (at < word.n) {
		put_literal(t, w, literal(t, word, &at));
		if (at == word.n)
			break;
		close = word.p[at] == '}' ? NULL : memchr(word.p + at, '}', word.n - at);
		if (close == NULL) {
			job_error(t->j, t->s, n, "a %c without its other half; write %c%c for the brace itself",
			    word.p[at], word.p[at], word.p[at]);
			return;
		}
		put_slot(r, n, w, span_make(word.p + at + 1, (size_t)(close - word.p) - at - 1));
		at = (size_t)(close - word.p) + 1;
	}
}

/* The slot that is all of the word, or NULL. */
static const struct native_slot *
whole_slot(struct native *t, struct span word)
{
	if (word.n < 3 || word.p[0] != '{' || memchr(word.p, '}', word.n) != word.p + word.n - 1)
		return NULL;
	return native_slot_find(t, span_part(word, 1, word.n - 2));
}

static void
check_arrays(struct reading *r, const struct conf_node *n, const struct rec_word *w)
{
	struct native		*t = r->t;
	const struct rec_part	*p;

	if ((w->flags & WORD_FLAG_SPREAD) != 0)
		return;
	for (uint32_t i = 0; i < w->part_count; i++) {
		p = build_at(t->m->b, SECTION_PART, (uint64_t)w->part_first + i);
		if (p->slot != 0 && (t->slots[p->slot - 1].rec.flags & SLOT_FLAG_ARRAY) != 0)
			job_error(t->j, t->s, n, "\"%.*s\" is an array: it must be the whole word, not in stdin",
			    SHOWN(t->slots[p->slot - 1].name));
		if (p->slot != 0 && r->input && t->slots[p->slot - 1].rec.type == SLOT_PATH)
			job_error(t->j, t->s, n, "\"%.*s\" is a path, and what stdin names cannot be looked at",
			    SHOWN(t->slots[p->slot - 1].name));
	}
}

/* Its index; the word is part of the tool's arguments unless it is stdin's. */
static uint32_t
read_word(struct reading *r, const struct conf_node *n)
{
	struct native			*t = r->t;
	const struct native_slot	*whole = whole_slot(t, n->text);
	struct rec_word			 w = { .group = r->group };

	w.part_first = (uint32_t)build_count(t->m->b, SECTION_PART);
	if (r->dashes)
		w.flags |= WORD_FLAG_AFTER_DASHES;
	if (whole != NULL && (whole->rec.flags & SLOT_FLAG_ARRAY) != 0 && !r->input)
		w.flags |= WORD_FLAG_SPREAD;
	else if (whole != NULL && whole->rec.type == SLOT_BOOLEAN && r->group != 0)
		w.flags |= WORD_FLAG_SWITCH;
	read_parts(r, n, &w);
	if (w.part_count > TEMPLATE_PARTS)
		job_error(t->j, t->s, n, "more than %d parts", TEMPLATE_PARTS);
	check_arrays(r, n, &w);
	if (span_is(n->text, "--"))
		r->dashes = true;
	digest_number(&t->m->digest, w.group);
	digest_number(&t->m->digest, w.flags);
	digest_number(&t->m->digest, w.part_count);
	return put_record(t->m->b, SECTION_WORD, &w);
}

/* --- all of them ------------------------------------------------------------------------------ */

static void
read_group(struct reading *r, const struct conf_node *list)
{
	struct native	*t = r->t;
	bool		 dashes = r->dashes;
	uint64_t	 parts = build_count(t->m->b, SECTION_PART);
	bool		 slots = false;

	r->group = ++r->groups;
	for (const struct conf_node *n = list->first; n != NULL; n = n->next)
		if (typed_is(t->j, t->s, n, JSON_STRING))
			(void)read_word(r, n);
	r->group = 0;
	r->dashes = dashes;
	for (const struct rec_part *p; (p = build_at(t->m->b, SECTION_PART, parts)) != NULL; parts++)
		slots |= p->slot != 0;
	if (!slots)
		job_error(t->j, t->s, list, "a group without a slot would always come; leave out the brackets");
}

void
native_words_read(struct native *t)
{
	struct reading		 r = { .t = t };
	const struct conf_node	*args = NULL, *input = NULL, *n;
	uint64_t		 count;

	t->rec.word_first = (uint32_t)build_count(t->m->b, SECTION_WORD);
	if (typed_list(t->j, t->s, t->node, "args", JSON_ARRAY, false, &args))
		for (n = args->first; n != NULL; n = n->next) {
			if (n->type == JSON_ARRAY)
				read_group(&r, n);
			else if (n->type == JSON_NUMBER)
				job_error(t->j, t->s, n, "want a string; write \"%.*s\"", SHOWN(n->text));
			else if (typed_is(t->j, t->s, n, JSON_STRING))
				(void)read_word(&r, n);
		}
	count = build_count(t->m->b, SECTION_WORD) - t->rec.word_first;
	if (count > TEMPLATE_WORDS)
		job_error(t->j, t->s, args, "more than %d words", TEMPLATE_WORDS);
	t->rec.word_count = (uint32_t)count;
	if (!typed_string(t->j, t->s, t->node, "stdin", &input))
		return;
	r = (struct reading){ .t = t, .input = true };
	t->rec.input = read_word(&r, input) + 1;
	digest_text(&t->m->digest, SPAN_LIT("stdin"));
}
