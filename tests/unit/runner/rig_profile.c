/* SPDX-License-Identifier: Apache-2.0
 *
 * rig_profile.c - the rig's profile: its servers as the compiler would write them
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "policy/build.h"
#include "rig_priv.h"

static struct stext
put_text(struct build *b, const char *text)
{
	struct stext	t;

	cr_assert(eq(int, build_text(b, span_of(text), &t), 0));
	return t;
}

static uint32_t
put_word(struct build *b, uint32_t slot, uint32_t group)
{
	struct rec_part	p = { .slot = slot + 1 };
	struct rec_word	w = { .part_count = 1, .group = group };
	uint32_t	index;

	cr_assert(eq(int, build_add(b, SECTION_PART, &p, &w.part_first), 0));
	cr_assert(eq(int, build_add(b, SECTION_WORD, &w, &index), 0));
	return index;
}

static void
put_native(struct build *b, const struct rig_server *s, struct rec_profile *rec)
{
	static const struct { const char *name; uint32_t slot_class, flags; } slots[] = {
		{ "what", SLOT_WORD, SLOT_FLAG_ARGS | SLOT_FLAG_REQUIRED }, { "arg", SLOT_LINE, SLOT_FLAG_ARGS },
		{ "text", SLOT_TEXT, SLOT_FLAG_INPUT },
	};
	struct rec_tool	t = { .ok_status = { 1 }, .slot_count = 3, .timeout_ms = s->timeout_ms,
			    .max_output = s->max_output ? s->max_output : 1 << 20 };

	t.slot_first = (uint32_t)build_count(b, SECTION_SLOT);
	for (size_t i = 0; i < 3; i++) {
		struct rec_slot	slot = { .name = put_text(b, slots[i].name), .slot_class = slots[i].slot_class,
		    .flags = slots[i].flags, .max_length = 1 << 20, .max_items = 1 };

		cr_assert(eq(int, build_add(b, SECTION_SLOT, &slot, NULL), 0));
	}
	t.word_first = put_word(b, 0, 0);
	(void)put_word(b, 1, 1);
	t.word_count = 2;
	t.input = put_word(b, 2, 0) + 1;
	t.name = put_text(b, "run");
	t.definition = put_text(b, "{\"name\":\"run\",\"inputSchema\":{\"type\":\"object\"}}");
	rec->flags |= SERVER_FLAG_NATIVE;
	rec->tool_count = 1;
	cr_assert(eq(int, build_add(b, SECTION_TOOL, &t, &rec->tool_first), 0));
}

int
rig_make_profile(struct rig *r)
{
	struct build	*b;
	uint64_t	 length;
	int		 fd;

	cr_assert(eq(int, build_new(SNAP_PROFILE, "default", &b), 0));
	for (int i = 0; r->servers[i].name != NULL; i++) {
		const struct rig_server	*s = &r->servers[i];
		struct rec_profile	 rec = { .hash = rig_hash(r, i), .era = s->era,
					    .runner_kib = (s->runner_mib ? s->runner_mib : 64) * 1024,
					    .isolation = s->isolation };
		struct rec_bind		 bind = { .flags = BIND_WRITABLE };
		struct rec_filter	 filter = { .listener = 1 };

		cr_assert(eq(int, build_text(b, span_of(s->name), &rec.server), 0));
		rec.start_timeout_ms = s->start_timeout_ms ? s->start_timeout_ms : 5000;
		rec.idle_ms = s->idle_ms ? s->idle_ms : 60000;
		rec.stop_ms = s->stop_ms ? s->stop_ms : 300;
		rec.max_instances = s->max_instances ? s->max_instances : 8;
		if (s->writable != NULL) {
			cr_assert(eq(int, build_text(b, span_of(s->writable), &bind.source), 0));
			cr_assert(eq(int, build_add(b, SECTION_BIND, &bind, &rec.bind_first), 0));
			rec.bind_count = 1;
		}
		if (s->watched) {
			cr_assert(eq(int, build_add(b, SECTION_FILTER, &filter, &rec.filter), 0));
			rec.filter++;
		}
		if (s->native)
			put_native(b, s, &rec);
		cr_assert(eq(int, build_add(b, SECTION_PROFILE, &rec, NULL), 0));
	}
	cr_assert(eq(int, build_seal(b, 7, &fd, &length), 0));
	build_free(&b);
	snap_release(&r->profile);
	cr_assert(eq(int, snap_map(fd, &r->profile), 0));
	return fd;
}
