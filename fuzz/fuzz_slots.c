/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_slots.c - slot values as a runner may send them: what passes is what a program may get
 *
 * The first byte chooses flags of the template; the rest is the values as they travel.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "policy/build.h"
#include "policy/words.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define KINDS	8			/* templates: after "--" or not, dash or not, in a group or not */

static struct snap	*snap;

static struct stext
text(struct build *b, const char *s)
{
	struct stext	t;

	BUG_ON(build_text(b, span_of(s), &t) != 0);
	return t;
}

static void
add(struct build *b, enum snap_section section, const void *record)
{
	BUG_ON(build_add(b, section, record, NULL) != 0);
}

/* One tool of each kind: a slot of each type, each a word of its own, the last an array. */
static void
snap_make(void)
{
	static const uint32_t	types[] = { SLOT_STRING, SLOT_STRING, SLOT_STRING, SLOT_STRING, SLOT_INTEGER, SLOT_NUMBER,
				    SLOT_BOOLEAN, SLOT_CHOICE, SLOT_JSON, SLOT_PATH };
	struct build		*b;
	uint64_t		 length;
	int			 fd;

	BUG_ON(build_new(SNAP_PROFILE, "default", &b) != 0);
	add(b, SECTION_CHOICE, &(struct rec_choice){ text(b, "one") });
	for (unsigned kind = 0; kind < KINDS; kind++) {
		struct rec_tool t = { .slot_first = (uint32_t)build_count(b, SECTION_SLOT),
		    .word_first = (uint32_t)build_count(b, SECTION_WORD) };

		for (uint32_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
			struct rec_slot	s = { .name = text(b, "slot"), .type = types[i], .slot_class = i & 3, .max_length = 4096,
			    .max_items = 1, .flags = SLOT_FLAG_ARGS, .choice_count = 1, .min = -100, .max = 100 };
			struct rec_word	w = { .part_first = (uint32_t)build_count(b, SECTION_PART), .part_count = 1,
			    .group = kind & 4 ? i + 1 : 0, .flags = kind & 1 ? WORD_FLAG_AFTER_DASHES : 0 };

			if (types[i] == SLOT_PATH) {
				s.flags |= SLOT_FLAG_ARRAY;
				s.max_items = 5;
				w.flags |= WORD_FLAG_SPREAD;
			}
			if (kind & 2)
				s.flags |= SLOT_FLAG_DASH;
			add(b, SECTION_SLOT, &s);
			add(b, SECTION_PART, &(struct rec_part){ .slot = i + 1 });
			add(b, SECTION_WORD, &w);
			t.slot_count++;
			t.word_count++;
		}
		add(b, SECTION_TOOL, &t);
	}
	BUG_ON(build_seal(b, 1, &fd, &length) != 0 || snap_map(fd, &snap) != 0);
	build_free(&b);
	fd_close(&fd);
}

static int
check_word(const struct word *w, void *arg)
{
	unsigned	kind = *(unsigned *)arg;
	struct span	word = w->text;

	BUG_ON(word.n > 0 && memchr(word.p, '\0', word.n) != NULL);
	BUG_ON((kind & 3) == 0 && word.n > 0 && word.p[0] == '-');
	return 0;
}

static void
check_path(struct span p)
{
	BUG_ON(p.n > 0 && p.p[0] == '/');
	BUG_ON(span_is(p, "..") || span_starts(p, SPAN_LIT("../")));
	BUG_ON(p.n > 0 && memmem(p.p, p.n, "/../", 4) != NULL);
	BUG_ON(p.n >= 3 && memcmp(p.p + p.n - 3, "/..", 3) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct slot_values	 values, again;
	unsigned			 kind;
	const struct rec_tool		*t;
	char				 why[200];
	struct buf			 wire;

	if (snap == NULL)
		snap_make();
	if (n == 0)
		return 0;
	kind = data[0] % KINDS;
	t = SNAP_AT(snap, TOOL, kind);
	if (slots_decode(span_make(data + 1, n - 1), &values) != 0)
		return 0;
	if (slots_check(snap, t, &values, SLOT_FLAG_ARGS, why, sizeof(why)) != 0) {
		BUG_ON(why[0] == '\0');
		return 0;
	}
	for (size_t i = 0; i < values.count; i++)
		if (slots_at(snap, t, values.v[i].slot)->type == SLOT_PATH)
			check_path(values.v[i].text);
	if (words_expand(snap, t, &values, check_word, &kind, why, sizeof(why)) != 0)
		BUG_ON(why[0] == '\0' || (kind & 3) != 0);
	buf_init(&wire, SLOTS_WIRE_MAX);
	BUG_ON(slots_encode(snap, t, &values, &wire) != 0 || !span_eq(buf_rest(&wire), span_make(data + 1, n - 1)));
	BUG_ON(slots_decode(buf_rest(&wire), &again) != 0 || again.count != values.count);
	buf_fini(&wire);
	return 0;
}
