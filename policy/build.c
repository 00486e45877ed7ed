/* SPDX-License-Identifier: Apache-2.0
 *
 * build.c - writes a snapshot: records and text in, a sealed memfd out
 *
 * Process: mcpgw-compile, mcpgw-store (the dump).
 * Owns:    the growing sections; the memfd until build_seal() gives it away.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/sum.h"
#include "policy/build.h"
#include "policy/tenants.h"

struct section {
	char		*records;
	uint64_t	 count, room;
};

struct build {
	struct snap_head	 head;
	struct section		 sections[SECTION_LIMIT];
	struct stext		*interned;	/* open table of texts; bytes == 0 is free */
	size_t			 slots, texts;
};

static const uint32_t record_bytes[SECTION_LIMIT] = {
#define SECTION(name, record, kinds, doc) [SECTION_##name] = sizeof(record),
#include "tables/sections.def"
#undef SECTION
};

int
build_new(enum snap_kind kind, const char *consumer, struct build **out)
{
	struct build	*b;

	*out = NULL;
	if (strlen(consumer) >= sizeof(b->head.consumer))
		return E_TOOBIG;
	if ((b = calloc(1, sizeof(*b))) == NULL)
		return E_NOMEM;
	memcpy(b->head.magic, SNAP_MAGIC, sizeof(b->head.magic));
	b->head.format = SNAP_FORMAT;
	b->head.kind = kind;
	snprintf(b->head.consumer, sizeof(b->head.consumer), "%s", consumer);
	*out = b;
	return 0;
}

void
build_free(struct build **bp)
{
	struct build	*b = *bp;

	*bp = NULL;
	if (b == NULL)
		return;
	for (unsigned i = 0; i < SECTION_LIMIT; i++)
		free(b->sections[i].records);
	free(b->interned);
	free(b);
}

static int
section_reserve(struct build *b, enum snap_section id, uint64_t n)
{
	struct section	*s = &b->sections[id];
	uint64_t	 room = s->room == 0 ? 64 : s->room;
	char		*more;

	while (room < s->count + n)
		room *= 2;
	if (room == s->room)
		return 0;
	if (room > SNAP_MAX_BYTES / record_bytes[id])
		return E_FULL;
	if ((more = realloc(s->records, (size_t)room * record_bytes[id])) == NULL)
		return E_NOMEM;
	s->records = more;
	s->room = room;
	return 0;
}

static struct stext *
slot_of(struct build *b, struct span s)
{
	const char	*text = b->sections[SECTION_TEXT].records;
	size_t		 i = sum64(s) & (b->slots - 1);

	for (;; i = (i + 1) & (b->slots - 1)) {
		struct stext *t = &b->interned[i];

		if (t->bytes == 0 || span_eq(span_make(text + t->at, t->bytes), s))
			return t;
	}
}

static int
table_grow(struct build *b)
{
	struct stext	*old = b->interned;
	size_t		 old_slots = b->slots;

	if (b->texts * 2 < b->slots)
		return 0;
	b->slots = old_slots == 0 ? 256 : old_slots * 2;
	if ((b->interned = calloc(b->slots, sizeof(*b->interned))) == NULL) {
		b->interned = old;
		b->slots = old_slots;
		return E_NOMEM;
	}
	for (size_t i = 0; i < old_slots; i++)
		if (old[i].bytes > 0)
			*slot_of(b, span_make(b->sections[SECTION_TEXT].records + old[i].at,
			    old[i].bytes)) = old[i];
	free(old);
	return 0;
}

int
build_text(struct build *b, struct span s, struct stext *out)
{
	struct section	*text = &b->sections[SECTION_TEXT];
	struct stext	*slot;
	int		 r;

	*out = (struct stext){ 0, 0 };
	if (s.n == 0)
		return 0;
	if (s.n > UINT32_MAX - 1 - text->count)
		return E_FULL;
	if ((r = table_grow(b)) != 0)
		return r;
	if ((slot = slot_of(b, s))->bytes == 0) {
		if ((r = section_reserve(b, SECTION_TEXT, s.n + 1)) != 0)
			return r;
		memcpy(text->records + text->count, s.p, s.n);
		text->records[text->count + s.n] = '\0';
		*slot = (struct stext){ (uint32_t)text->count, (uint32_t)s.n };
		text->count += s.n + 1;
		b->texts++;
	}
	*out = *slot;
	return 0;
}

int
build_add(struct build *b, enum snap_section id, const void *record, uint32_t *index)
{
	struct section	*s = &b->sections[id];
	int		 r;

	BUG_ON(id >= SECTION_LIMIT || id == SECTION_TEXT);
	if (s->count == UINT32_MAX)
		return E_FULL;
	if ((r = section_reserve(b, id, 1)) != 0)
		return r;
	memcpy(s->records + s->count * record_bytes[id], record, record_bytes[id]);
	if (index != NULL)
		*index = (uint32_t)s->count;
	s->count++;
	return 0;
}

uint64_t
build_count(const struct build *b, enum snap_section id)
{
	return b->sections[id].count;
}

void *
build_at(struct build *b, enum snap_section id, uint64_t i)
{
	struct section	*s = &b->sections[id];

	return i < s->count ? s->records + i * record_bytes[id] : NULL;
}

static uint64_t
aligned(uint64_t n)
{
	return (n + 7) & ~UINT64_C(7);
}

int
build_seal(struct build *b, uint64_t generation, int *fd, uint64_t *length)
{
	struct snap_head	*head;
	uint64_t		 at, bytes;
	uint32_t		 used = 0;
	char			*whole;
	int			 r;

	*fd = -1;
	if (b->head.kind == SNAP_POLICY && (r = build_tenants(b)) != 0)
		return r;
	for (unsigned i = 0; i < SECTION_LIMIT; i++)
		used += b->sections[i].count > 0;
	at = bytes = sizeof(*head) + used * sizeof(struct snap_section_head);
	for (unsigned i = 0; i < SECTION_LIMIT; i++)
		bytes += aligned(b->sections[i].count * record_bytes[i]);
	if (bytes > SNAP_MAX_BYTES)
		return E_FULL;
	if ((whole = calloc(1, bytes)) == NULL)
		return E_NOMEM;

	used = 0;
	for (unsigned i = 0; i < SECTION_LIMIT; i++) {
		const struct section	*s = &b->sections[i];
		struct snap_section_head h = { i, record_bytes[i], at, s->count };

		if (s->count == 0)
			continue;
		memcpy(whole + sizeof(*head) + used++ * sizeof(h), &h, sizeof(h));
		memcpy(whole + at, s->records, s->count * record_bytes[i]);
		at += aligned(s->count * record_bytes[i]);
	}
	head = (struct snap_head *)(void *)whole;
	*head = b->head;
	head->sections = used;
	head->length = bytes;
	head->generation = generation;
	head->content_hash = sum64(span_make(whole + sizeof(*head), bytes - sizeof(*head)));
	head->sum = sum64_more(sum64(span_make(head, sizeof(*head))),
	    span_make(whole + sizeof(*head), bytes - sizeof(*head)));

	r = fd_memfd_sealed("mcpgw-snapshot", span_make(whole, bytes), fd);
	explicit_bzero(whole, bytes);	/* it may hold secrets */
	free(whole);
	if (r == 0)
		*length = bytes;
	return r;
}
