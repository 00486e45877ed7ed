/* SPDX-License-Identifier: Apache-2.0
 *
 * names.c - the addresses that stand for names within one jail
 *
 * Process: mcpgw-egress.  Owns: the names.
 * Trusts:  no tool: how many names it asks for does not matter.
 */
#include <stdlib.h>

#include "lib/sum.h"
#include "sandbox/egress/names.h"

#define BLOCK		UINT32_C(0xc6120000)	/* 198.18.0.0 */
#define BLOCK_SIZE	UINT32_C(0x20000)

struct name {
	uint32_t	 place;		/* in the block */
	uint32_t	 users;
	uint64_t	 used;		/* clock */
	uint64_t	 sum;
	char		*text;
};

void
names_fini(struct names *n)
{
	for (uint32_t i = 0; i < n->count; i++)
		free(n->all[i].text);
	free(n->all);
	*n = (struct names){ 0 };
}

static void
place_to_addr(uint32_t place, struct addr *out)
{
	*out = (struct addr){ .family = AF_INET };
	for (int i = 0; i < 4; i++)
		out->bytes[i] = (uint8_t)((BLOCK + place) >> (8 * (3 - i)));
}

static uint32_t
addr_to_number(const struct addr *a)
{
	return (uint32_t)a->bytes[0] << 24 | (uint32_t)a->bytes[1] << 16 | (uint32_t)a->bytes[2] << 8 | a->bytes[3];
}

bool
names_is_ours(const struct addr *a)
{
	return a->family == AF_INET && (addr_to_number(a) & ~(BLOCK_SIZE - 1)) == BLOCK;
}

static struct name *
by_address(struct names *n, const struct addr *a)
{
	uint32_t	place = addr_to_number(a) & (BLOCK_SIZE - 1);

	if (!names_is_ours(a))
		return NULL;
	for (uint32_t i = 0; i < n->count; i++)
		if (n->all[i].place == place)
			return &n->all[i];
	return NULL;
}

/* The next address that nothing stands behind; there are many more than names. */
static uint32_t
place_next(struct names *n)
{
	struct addr	a;

	do {
		n->last = n->last % (BLOCK_SIZE - 2) + 1;
		place_to_addr(n->last, &a);
	} while (by_address(n, &a) != NULL);
	return n->last;
}

/* A place in the table: a new one, or that of the name which was not used for longest. */
static struct name *
room(struct names *n)
{
	struct name	*oldest = NULL;

	if (n->all == NULL && (n->all = calloc(NAMES_MAX, sizeof(*n->all))) == NULL)
		return NULL;
	if (n->count < NAMES_MAX)
		return &n->all[n->count];
	for (uint32_t i = 0; i < n->count; i++)
		if (n->all[i].users == 0 && (oldest == NULL || n->all[i].used < oldest->used))
			oldest = &n->all[i];
	return oldest;
}

int
names_give(struct names *n, const char *name, struct addr *out)
{
	uint64_t	 sum = sum64(span_of(name));
	struct name	*e;
	char		*copy;

	for (uint32_t i = 0; i < n->count; i++) {
		e = &n->all[i];
		if (e->sum == sum && strcmp(e->text, name) == 0) {
			e->used = ++n->clock;
			place_to_addr(e->place, out);
			return 0;
		}
	}
	if ((e = room(n)) == NULL)
		return n->all == NULL ? E_NOMEM : E_FULL;
	if ((copy = strdup(name)) == NULL)
		return E_NOMEM;
	free(e->text);
	*e = (struct name){ .place = place_next(n), .used = ++n->clock, .sum = sum, .text = copy };
	if (e == &n->all[n->count])
		n->count++;
	place_to_addr(e->place, out);
	return 0;
}

const char *
names_find(struct names *n, const struct addr *a)
{
	struct name	*e = by_address(n, a);

	return e == NULL ? NULL : e->text;
}

void
names_hold(struct names *n, const struct addr *a)
{
	struct name	*e = by_address(n, a);

	if (e != NULL) {
		e->users++;
		e->used = ++n->clock;
	}
}

void
names_release(struct names *n, const struct addr *a)
{
	struct name	*e = by_address(n, a);

	if (e != NULL && e->users > 0)
		e->users--;
}
