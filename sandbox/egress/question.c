/* SPDX-License-Identifier: Apache-2.0
 *
 * question.c - what a tool asks its name server, and what it is answered (RFC 1035)
 *
 * Process: mcpgw-egress.  Owns: nothing.
 * Trusts:  nobody.  What follows the question (EDNS) is not looked at, and answered as one who does not know it.
 */
#include "sandbox/egress/question.h"

#define HEAD		12
#define CLASS_IN	1
#define FLAG_ANSWER	0x80	/* of the third byte */
#define OPCODE		0x78
#define FLAG_RECURSE	0x01
#define FLAG_OWN	0x04	/* we are the authority */
#define FLAG_CAN	0x80	/* of the fourth: recursion is available */

static unsigned
u16_at(struct span s, size_t at)
{
	return (unsigned)(uint8_t)s.p[at] << 8 | (uint8_t)s.p[at + 1];
}

static int
name_parse(struct span m, struct question *q)
{
	size_t	at = HEAD, bytes;

	for (;;) {
		if (at >= m.n)
			return E_FORMAT;
		bytes = (uint8_t)m.p[at++];
		if (bytes == 0)
			break;
		/* Over 63 it is a pointer, which has nothing to point to here. */
		if (bytes > 63 || bytes > m.n - at || q->name_bytes + bytes + 1 > sizeof(q->name))
			return E_FORMAT;
		if (q->name_bytes > 0)
			q->name[q->name_bytes++] = '.';
		if (memchr(m.p + at, '.', bytes) != NULL)
			return E_FORMAT;
		memcpy(q->name + q->name_bytes, m.p + at, bytes);
		q->name_bytes += bytes;
		at += bytes;
	}
	if (at - HEAD > QUESTION_NAME_MAX)	/* two more than with dots */
		return E_FORMAT;
	q->bytes = at;
	return 0;
}

int
question_parse(struct span m, struct question *out)
{
	int	r;

	*out = (struct question){ 0 };
	if (m.n < HEAD || ((uint8_t)m.p[2] & FLAG_ANSWER) != 0)
		return E_CLOSED;
	if (((uint8_t)m.p[2] & OPCODE) != 0)
		return E_VERSION;
	if (u16_at(m, 4) != 1)
		return E_FORMAT;
	if ((r = name_parse(m, out)) != 0)
		return r;
	if (m.n - out->bytes < 4)
		return E_FORMAT;
	out->type = (uint16_t)u16_at(m, out->bytes);
	if (u16_at(m, out->bytes + 2) != CLASS_IN)
		return E_VERSION;
	out->bytes += 4;
	return 0;
}

static uint8_t *
put_u16(uint8_t *to, unsigned v)
{
	*to++ = (uint8_t)(v >> 8);
	*to++ = (uint8_t)v;
	return to;
}

size_t
question_answer(struct span m, const struct question *q, enum question_rcode rcode, const struct addr *a,
    uint32_t ttl_s, uint8_t to[QUESTION_ANSWER_MAX])
{
	uint8_t	*p = to;

	memcpy(p, m.p, 2);
	p += 2;
	*p++ = (uint8_t)(FLAG_ANSWER | FLAG_OWN | ((uint8_t)m.p[2] & (OPCODE | FLAG_RECURSE)));
	*p++ = (uint8_t)(FLAG_CAN | rcode);
	p = put_u16(p, q != NULL);
	p = put_u16(p, a != NULL);
	p = put_u16(p, 0);
	p = put_u16(p, 0);
	if (q == NULL)
		return HEAD;
	memcpy(p, m.p + HEAD, q->bytes - HEAD);
	p += q->bytes - HEAD;
	if (a == NULL)
		return (size_t)(p - to);
	p = put_u16(p, 0xc000 | HEAD);
	p = put_u16(p, QUESTION_TYPE_A);
	p = put_u16(p, CLASS_IN);
	p = put_u16(p, ttl_s >> 16);
	p = put_u16(p, ttl_s & 0xffff);
	p = put_u16(p, 4);
	memcpy(p, a->bytes, 4);
	return (size_t)(p + 4 - to);
}
