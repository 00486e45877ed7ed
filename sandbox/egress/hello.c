/* SPDX-License-Identifier: Apache-2.0
 *
 * hello.c - the name that the first bytes of TLS ask for (RFC 8446 4.1.2, RFC 6066 3)
 *
 * Process: mcpgw-egress.  Owns: nothing.
 * Trusts:  nobody.  A hello may come in any number of records, each in any number of pieces; what a server could
 *          read in another way than we do is HELLO_BAD.
 */
#include <stdbool.h>

#include "lib/err.h"
#include "sandbox/egress/hello.h"

#define RECORD_HEAD		5
#define RECORD_BYTES		(16 * 1024)
#define RECORD_FIRST		20	/* types of records: from here */
#define RECORD_HANDSHAKE	22
#define RECORD_LAST		24	/* to here */
#define RECORDS_MAX		64	/* each look begins at the first one */
#define MESSAGE_HEAD		4
#define MESSAGE_CLIENT_HELLO	1
#define MAJOR			3	/* of SSL 3 and of every TLS */
#define EXTENSION_NAME		0
#define NAME_HOST		0

static unsigned
u16_at(struct span s, size_t at)
{
	return (unsigned)(uint8_t)s.p[at] << 8 | (uint8_t)s.p[at + 1];
}

/* A vector with its length in front, of `head` bytes, off the front of *from. */
static bool
take_vector(struct span *from, size_t head, struct span *out)
{
	size_t	bytes;

	if (from->n < head)
		return false;
	bytes = head == 1 ? (uint8_t)from->p[0] : u16_at(*from, 0);
	if (from->n - head < bytes)
		return false;
	*out = span_part(*from, head, bytes);
	*from = span_part(*from, head + bytes, from->n);
	return true;
}

/* Exactly one name, and it is a host's. */
static bool
read_names(struct span list, struct hello *h)
{
	struct span	names, name;

	if (!take_vector(&list, 2, &names) || list.n > 0 || names.n == 0 || names.p[0] != NAME_HOST)
		return false;
	names = span_part(names, 1, names.n);
	if (!take_vector(&names, 2, &name) || names.n > 0 || name.n == 0 || name.n > HELLO_NAME_MAX)
		return false;
	memcpy(h->name, name.p, name.n);
	h->name_bytes = name.n;
	return true;
}

static enum hello_kind
read_extensions(struct span rest, struct hello *h)
{
	struct span	all, one;
	unsigned	type;
	bool		named = false;

	if (rest.n == 0)
		return HELLO_NO_NAME;
	if (!take_vector(&rest, 2, &all) || rest.n > 0)
		return HELLO_BAD;
	while (all.n > 0) {
		if (all.n < 2)
			return HELLO_BAD;
		type = u16_at(all, 0);
		all = span_part(all, 2, all.n);
		if (!take_vector(&all, 2, &one))
			return HELLO_BAD;
		if (type != EXTENSION_NAME)
			continue;
		if (named || !read_names(one, h))
			return HELLO_BAD;
		named = true;
	}
	return named ? HELLO_NAME : HELLO_NO_NAME;
}

/* What is behind the head of the message. */
static enum hello_kind
read_hello(struct span m, struct hello *h)
{
	struct span	skipped;

	/* Version and random bytes. */
	if (m.n < 2 + 32 || (uint8_t)m.p[0] != MAJOR)
		return HELLO_BAD;
	m = span_part(m, 2 + 32, m.n);
	if (!take_vector(&m, 1, &skipped) || skipped.n > 32 ||		/* session */
	    !take_vector(&m, 2, &skipped) || skipped.n < 2 ||		/* ciphers */
	    !take_vector(&m, 1, &skipped) || skipped.n < 1)		/* compression */
		return HELLO_BAD;
	return read_extensions(m, h);
}

static enum hello_kind
more(struct hello *h, size_t need)
{
	h->need = need;
	return need > HELLO_BYTES_MAX ? HELLO_BAD : HELLO_MORE;
}

/* The records from the front on, put together. */
static enum hello_kind
read_records(struct span in, struct hello *h)
{
	char		message[MESSAGE_HEAD + HELLO_MAX];
	size_t		used = 0, want = MESSAGE_HEAD, at = 0, bytes;

	for (unsigned records = 0; used < want; records++) {
		if (in.n - at < RECORD_HEAD)
			return more(h, at + RECORD_HEAD);
		bytes = u16_at(in, at + 3);
		if ((uint8_t)in.p[at] != RECORD_HANDSHAKE || (uint8_t)in.p[at + 1] != MAJOR || bytes == 0 ||
		    bytes > RECORD_BYTES || bytes > sizeof(message) - used || records == RECORDS_MAX)
			return HELLO_BAD;
		if (in.n - at - RECORD_HEAD < bytes)
			return more(h, at + RECORD_HEAD + bytes);
		memcpy(message + used, in.p + at + RECORD_HEAD, bytes);
		used += bytes;
		at += RECORD_HEAD + bytes;
		if (used < MESSAGE_HEAD)
			continue;
		want = MESSAGE_HEAD + ((size_t)(uint8_t)message[1] << 16 | u16_at(span_make(message, used), 2));
		/* Nothing comes behind a hello before its answer. */
		if (message[0] != MESSAGE_CLIENT_HELLO || want > sizeof(message) || used > want)
			return HELLO_BAD;
	}
	return read_hello(span_make(message + MESSAGE_HEAD, want - MESSAGE_HEAD), h);
}

/* SSL 2's hello, in which a client could still offer TLS: 0x80 and length, 1, the version. */
static enum hello_kind
read_old(struct span in, struct hello *h)
{
	static const uint8_t	want[] = { 0x80, 0, MESSAGE_CLIENT_HELLO, MAJOR };
	static const uint8_t	mask[] = { 0x80, 0, 0xff, 0xff };

	for (size_t i = 0; i < sizeof(want); i++) {
		if (i == in.n)
			return more(h, i + 1);
		if (((uint8_t)in.p[i] & mask[i]) != want[i])
			return HELLO_PLAIN;
	}
	return HELLO_BAD;
}

void
hello_look(struct span in, struct hello *out)
{
	out->name_bytes = 0;
	out->need = 0;
	if (in.n == 0)
		out->kind = more(out, 1);
	else if ((uint8_t)in.p[0] < RECORD_FIRST || (uint8_t)in.p[0] > RECORD_LAST)
		out->kind = read_old(in, out);
	/* There are servers that pass over a warning, and over what the first record says its version is, and then
	 * read a hello. */
	else if ((uint8_t)in.p[0] != RECORD_HANDSHAKE)
		out->kind = HELLO_BAD;
	else
		out->kind = read_records(in, out);
}
