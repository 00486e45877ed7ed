/* SPDX-License-Identifier: Apache-2.0
 *
 * words.c - from a program's template and a call's values to its arguments
 *
 * Process: spawner, which makes the argument vector; runner, to know beforehand what is refused.
 * Owns:    nothing.
 * Trusts:  the snapshot as far as snap_at() vouches for it.
 */
#include <stdio.h>

#include "policy/words.h"

struct expansion {
	const struct snap		*s;
	const struct rec_tool		*t;
	const struct slot_values	*values;
	word_fn				*fn;
	void				*arg;
	char				*why;
	size_t				 why_bytes;
	size_t				 count, bytes;
};

static const struct rec_part *
part_at(const struct snap *s, const struct rec_word *w, uint32_t i)
{
	return SNAP_AT(s, PART, (uint64_t)w->part_first + i);
}

static int
say(struct expansion *x, const struct word *word)
{
	if (++x->count > WORDS_MAX || word->text.n > WORDS_BYTES - x->bytes) {
		snprintf(x->why, x->why_bytes, "the arguments are too many or too long");
		return E_RANGE;
	}
	x->bytes += word->text.n;
	return x->fn(word, x->arg);
}

/* The value of a slot, the i-th of an array. */
static struct span
value_of(const struct expansion *x, const struct rec_slot *slot, const struct slot_value *first, size_t i)
{
	return first != NULL ? first[i].text : snap_text(x->s, slot->fallback);
}

/* T15: an option is the operator's word, not the client's. */
static int
check_dash(struct expansion *x, const struct rec_word *w, const struct rec_slot *slot, struct span value)
{
	struct span	name = snap_text(x->s, slot->name);

	if (value.n == 0 || value.p[0] != '-' || (slot->flags & SLOT_FLAG_DASH) != 0 ||
	    (w->flags & WORD_FLAG_AFTER_DASHES) != 0)
		return 0;
	snprintf(x->why, x->why_bytes, "argument \"%.*s\" must not begin with \"-\"", name.n > 64 ? 64 : (int)name.n,
	    name.p == NULL ? "" : name.p);
	return E_RANGE;
}

static int
spread(struct expansion *x, const struct rec_word *w)
{
	const struct rec_part	*p = part_at(x->s, w, 0);
	const struct rec_slot	*slot = p == NULL || p->slot == 0 ? NULL : slots_at(x->s, x->t, p->slot - 1);
	const struct slot_value	*first;
	size_t			 n;
	int			 r;

	if (slot == NULL)
		return E_FORMAT;
	n = slots_find(slot, p->slot - 1, x->values, &first);
	for (size_t i = 0; i < n; i++) {
		struct span	v = value_of(x, slot, first, i);
		struct word	one = { .text = v, .values = { { 0, v.n } }, .value_count = 1 };

		if ((r = check_dash(x, w, slot, v)) != 0 || (r = say(x, &one)) != 0)
			return r;
	}
	return 0;
}

/* One word of its parts.  A slot without a value is empty.  `out` may be NULL; its text is to's, later. */
static int
assemble(struct expansion *x, const struct rec_word *w, struct buf *to, struct word *out)
{
	const struct slot_value	*first;
	const struct rec_part	*p;
	const struct rec_slot	*slot;
	struct span		 text;
	size_t			 before = to->used;
	int			 r;

	for (uint32_t i = 0; i < w->part_count; i++) {
		if ((p = part_at(x->s, w, i)) == NULL)
			return E_FORMAT;
		if (p->slot == 0) {
			text = snap_text(x->s, p->text);
		} else {
			if ((slot = slots_at(x->s, x->t, p->slot - 1)) == NULL)
				return E_FORMAT;
			text = SPAN_NONE;
			if (slots_find(slot, p->slot - 1, x->values, &first) > 0)
				text = value_of(x, slot, first, 0);
			if (x->fn != NULL && to->used == before && (r = check_dash(x, w, slot, text)) != 0)
				return r;
			if (out != NULL && out->value_count == WORD_VALUES_MAX)
				return E_FORMAT;
			if (out != NULL) {
				out->values[out->value_count].at = to->used - before;
				out->values[out->value_count++].bytes = text.n;
			}
		}
		if ((r = buf_put(to, text)) != 0)
			return r;
	}
	return 0;
}

/* Does a group come?  When all its slots have values and all its switches are on.  0 or E_FORMAT. */
static int
group_look(const struct expansion *x, uint32_t group, bool *comes)
{
	const struct slot_value	*first;
	const struct rec_word	*w;
	const struct rec_part	*p;
	const struct rec_slot	*slot;

	*comes = true;
	for (uint32_t i = 0; i < x->t->word_count; i++) {
		if ((w = SNAP_AT(x->s, WORD, (uint64_t)x->t->word_first + i)) == NULL)
			return E_FORMAT;
		for (uint32_t k = 0; w->group == group && k < w->part_count; k++) {
			if ((p = part_at(x->s, w, k)) == NULL)
				return E_FORMAT;
			if (p->slot == 0)
				continue;
			if ((slot = slots_at(x->s, x->t, p->slot - 1)) == NULL)
				return E_FORMAT;
			if (slots_find(slot, p->slot - 1, x->values, &first) == 0 ||
			    ((w->flags & WORD_FLAG_SWITCH) != 0 && !span_is(value_of(x, slot, first, 0), "true")))
				*comes = false;
		}
	}
	return 0;
}

int
words_expand(const struct snap *s, const struct rec_tool *t, const struct slot_values *values, word_fn *fn,
    void *arg, char *why, size_t why_bytes)
{
	struct expansion	 x = { s, t, values, fn, arg, why, why_bytes, 0, 0 };
	const struct rec_word	*w;
	struct word		 word;
	struct buf		 one;
	uint32_t		 group = 0;
	bool			 comes = true;
	int			 r = 0;

	snprintf(why, why_bytes, "malformed");
	if (t->word_count > WORDS_MAX)
		return E_FORMAT;
	buf_init(&one, WORDS_BYTES);
	for (uint32_t i = 0; r == 0 && i < t->word_count; i++) {
		if ((w = SNAP_AT(s, WORD, (uint64_t)t->word_first + i)) == NULL) {
			r = E_FORMAT;
			break;
		}
		if (w->group != group) {
			group = w->group;
			comes = true;
			if (group != 0 && (r = group_look(&x, group, &comes)) != 0)
				break;
		}
		if (!comes || (w->flags & WORD_FLAG_SWITCH) != 0)
			continue;
		if ((w->flags & WORD_FLAG_SPREAD) != 0) {
			r = spread(&x, w);
			continue;
		}
		buf_clear(&one);
		word.value_count = 0;
		if ((r = assemble(&x, w, &one, &word)) == 0) {
			word.text = buf_rest(&one);
			r = say(&x, &word);
		}
	}
	buf_fini(&one);
	return r;
}

int
words_input(const struct snap *s, const struct rec_tool *t, const struct slot_values *values, struct buf *to)
{
	struct expansion	 x = { .s = s, .t = t, .values = values };
	const struct rec_word	*w;

	if (t->input == 0)
		return 0;
	if ((w = SNAP_AT(s, WORD, (uint64_t)t->input - 1)) == NULL)
		return E_FORMAT;
	return assemble(&x, w, to, NULL);
}
