/* SPDX-License-Identifier: Apache-2.0
 *
 * seghead.h - name and head of a spool segment
 *
 * Inline, so that the master can make segments (lib/segfile.h) without linking the audit:
 *
 *	char name[SEGMENT_NAME_MAX];
 *	struct segment_head head;
 *
 *	segment_name(boot, slot, incarnation, number, name);
 *	segment_head_init(&head, boot, slot, incarnation, number);
 *	r = segfile_make(spool_dir_fd, name, SEGMENT_BYTES, span_make(&head, sizeof(head)), &fd);
 */
#ifndef AUDIT_SEGHEAD_H
#define AUDIT_SEGHEAD_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SEGMENT_SLOT_ADMIN	1000	/* no worker's: of records that have no segment, about operators */
#define SEGMENT_BYTES		(4 * 1024 * 1024)
#define SEGMENT_MAGIC		"MCPGWAUD"
#define SEGMENT_FORMAT		1
#define SEGMENT_NAME_MAX	64	/* with its NUL */

struct segment_head {
	char		magic[8];
	uint32_t	format;
	uint32_t	bytes;		/* of the whole segment */
	uint64_t	boot;
	uint32_t	slot, incarnation, number;
	uint32_t	spare[7];
};
_Static_assert(sizeof(struct segment_head) == 64, "segment head is 64 bytes");

/* BOOT-SLOT-INCARNATION-N; `to` has SEGMENT_NAME_MAX bytes.  boot in hexadecimal. */
static inline void
segment_name(uint64_t boot, uint32_t slot, uint32_t incarnation, uint32_t number, char *to)
{
	snprintf(to, SEGMENT_NAME_MAX, "%016llx-%u-%u-%u", (unsigned long long)boot, slot, incarnation,
	    number);
}

static inline void
segment_head_init(struct segment_head *h, uint64_t boot, uint32_t slot, uint32_t incarnation,
    uint32_t number)
{
	*h = (struct segment_head){ .format = SEGMENT_FORMAT, .bytes = SEGMENT_BYTES, .boot = boot,
	    .slot = slot, .incarnation = incarnation, .number = number };
	memcpy(h->magic, SEGMENT_MAGIC, sizeof(h->magic));
}

#endif
