/* SPDX-License-Identifier: Apache-2.0
 *
 * snap.c - map, verify, look up a snapshot
 *
 * Process: all but mcpgwctl.
 * Owns:    the mapping of each snapshot that is held.
 * Trusts:  the seals, for the content not to change under us.  The sum guards against accidents
 *          only; so every section is checked against the length at map, every record and text at use.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/sum.h"
#include "policy/records.h"

#define SECTIONS_MAX	64	/* more than this is no snapshot of ours, of any release */

struct section {
	const char	*records;	/* NULL: not in this snapshot */
	uint64_t	 count;
};

struct snap {
	unsigned		 held;
	const char		*base;
	size_t			 bytes;
	struct section		 sections[SECTION_LIMIT];
};

static const uint32_t record_bytes[SECTION_LIMIT] = {
#define SECTION(name, record, kinds, doc) [SECTION_##name] = sizeof(record),
#include "tables/sections.def"
#undef SECTION
};

static int
sections_check(struct snap *s, const struct snap_head *head)
{
	const uint64_t	table = sizeof(*head) + head->sections * sizeof(struct snap_section_head);

	if (head->sections > SECTIONS_MAX || table > s->bytes)
		return E_FORMAT;
	for (uint32_t i = 0; i < head->sections; i++) {
		struct snap_section_head h;

		memcpy(&h, s->base + sizeof(*head) + i * sizeof(h), sizeof(h));
		if (h.record_bytes == 0 || h.offset % 8 != 0 || h.offset < table || h.offset > s->bytes ||
		    h.count > (s->bytes - h.offset) / h.record_bytes)
			return E_FORMAT;
		if (h.id >= SECTION_LIMIT)
			continue;	/* of a later release: appending a section keeps the format */
		if (h.record_bytes != record_bytes[h.id])
			return E_VERSION;
		if (s->sections[h.id].records != NULL)
			return E_FORMAT;
		s->sections[h.id] = (struct section){ s->base + h.offset, h.count };
	}
	return 0;
}

static int
verify(struct snap *s)
{
	struct snap_head	head;
	uint64_t		sum;

	memcpy(&head, s->base, sizeof(head));
	if (memcmp(head.magic, SNAP_MAGIC, sizeof(head.magic)) != 0)
		return E_FORMAT;
	if (head.format != SNAP_FORMAT)
		return E_VERSION;
	if (head.length != s->bytes || head.kind == 0 || head.kind >= SNAP_KIND_LIMIT ||
	    head.spare != 0 || head.spare2 != 0 ||
	    memchr(head.consumer, '\0', sizeof(head.consumer)) == NULL)
		return E_FORMAT;
	sum = head.sum;
	head.sum = 0;
	if (sum64_more(sum64(span_make(&head, sizeof(head))),
	    span_make(s->base + sizeof(head), s->bytes - sizeof(head))) != sum)
		return E_FORMAT;
	return sections_check(s, &head);
}

int
snap_map(int fd, struct snap **out)
{
	struct snap	*s = NULL;
	struct stat	 st;
	void		*base;
	int		 r;

	*out = NULL;
	if (!fd_is_sealed(fd))
		return E_DENIED;
	if (fstat(fd, &st) == -1)
		return E_SYS;
	if (st.st_size < (off_t)sizeof(struct snap_head) || (uint64_t)st.st_size > SNAP_MAX_BYTES)
		return E_FORMAT;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return E_NOMEM;
	s->held = 1;
	s->bytes = (size_t)st.st_size;
	/* Private: shared read-only maps of a write-sealed memfd fail before kernel 6.7. */
	if ((base = mmap(NULL, s->bytes, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED) {
		free(s);
		return E_SYS;
	}
	s->base = base;
	if ((r = verify(s)) != 0) {
		snap_release(&s);
		return r;
	}
	*out = s;
	return 0;
}

int
snap_check(int fd, struct snap_head *head)
{
	struct snap	*s;
	int		 r;

	if ((r = snap_map(fd, &s)) != 0)
		return r;
	*head = *snap_head(s);
	snap_release(&s);
	return 0;
}

struct snap *
snap_hold(struct snap *s)
{
	s->held++;
	return s;
}

void
snap_release(struct snap **sp)
{
	struct snap	*s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	BUG_ON(s->held == 0);
	if (--s->held > 0)
		return;
	munmap((void *)(uintptr_t)s->base, s->bytes);
	free(s);
}

const struct snap_head *
snap_head(const struct snap *s)
{
	return (const struct snap_head *)(const void *)s->base;
}

const void *
snap_at(const struct snap *s, enum snap_section section, uint64_t i)
{
	if (section >= SECTION_LIMIT || i >= s->sections[section].count)
		return NULL;
	return s->sections[section].records + i * record_bytes[section];
}

uint64_t
snap_count(const struct snap *s, enum snap_section section)
{
	return section < SECTION_LIMIT ? s->sections[section].count : 0;
}

struct span
snap_text(const struct snap *s, struct stext t)
{
	const struct section	*text = &s->sections[SECTION_TEXT];

	if (text->records == NULL || t.at > text->count || t.bytes > text->count - t.at)
		return SPAN_NONE;
	return span_make(text->records + t.at, t.bytes);
}

const char *
snap_cstr(const struct snap *s, struct stext t)
{
	const struct section	*text = &s->sections[SECTION_TEXT];

	if (t.bytes == 0)
		return "";
	if (t.at >= text->count || t.bytes >= text->count - t.at)
		return NULL;
	if (memchr(text->records + t.at, '\0', (size_t)t.bytes + 1) != text->records + t.at + t.bytes)
		return NULL;
	return text->records + t.at;
}
