/* SPDX-License-Identifier: Apache-2.0
 *
 * requestid.c - request ids: unique over workers and restarts, without asking anybody
 *
 * Process: worker (gives them), mcpgw-audit and mcpgwctl (read them).  Owns: nothing.
 * Trusts:  the clock not to go back over a restart by more than the restart takes.
 */
#include "audit/requestid.h"

#define EPOCH_MS	UINT64_C(1735689600000)		/* 2025-01-01T00:00:00Z */
#define TICK_BITS	36
#define SLOT_BITS	8
#define COUNTER_BITS	16
#define COUNTER_LIMIT	(UINT32_C(1) << COUNTER_BITS)
#define TICK_MASK	((UINT64_C(1) << TICK_BITS) - 1)

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static uint64_t
tick_of(uint64_t wall_ms)
{
	return wall_ms < EPOCH_MS ? 0 : (wall_ms - EPOCH_MS) * 16 / 1000;
}

void
requestid_init(struct requestid *m, uint32_t slot, uint32_t incarnation, uint64_t wall_ms)
{
	*m = (struct requestid){ .tick = tick_of(wall_ms) + 1, .slot = (uint8_t)slot,
	    .counter = (incarnation & 15) * (COUNTER_LIMIT / 16) };
}

uint64_t
requestid_next(struct requestid *m, uint64_t wall_ms)
{
	uint64_t	now = tick_of(wall_ms);

	if (now > m->tick) {
		m->tick = now;
		m->counter = 0;
	} else if (m->counter == COUNTER_LIMIT) {
		m->tick++;
		m->counter = 0;
	}
	return (m->tick & TICK_MASK) << (SLOT_BITS + COUNTER_BITS) |
	    (uint64_t)m->slot << COUNTER_BITS | m->counter++;
}

void
requestid_text(uint64_t id, char *to)
{
	*to++ = 'r';
	*to++ = '-';
	for (int shift = 55; shift >= 0; shift -= 5)
		*to++ = digits[id >> shift & 31];
	*to = '\0';
}

static int
digit_value(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'O')
		c = '0';
	if (c == 'I' || c == 'L')
		c = '1';
	for (int i = 0; i < 32; i++)
		if (digits[i] == c)
			return i;
	return -1;
}

int
requestid_parse(struct span text, uint64_t *id)
{
	uint64_t	v = 0;

	if (text.n != REQUESTID_CHARS || (text.p[0] != 'r' && text.p[0] != 'R') || text.p[1] != '-')
		return E_FORMAT;
	for (size_t i = 2; i < text.n; i++) {
		int d = digit_value(text.p[i]);

		if (d == -1)
			return E_FORMAT;
		v = v << 5 | (uint64_t)d;
	}
	*id = v;
	return 0;
}

uint64_t
requestid_wall_ms(uint64_t id)
{
	return EPOCH_MS + (id >> (SLOT_BITS + COUNTER_BITS)) * 1000 / 16;
}
