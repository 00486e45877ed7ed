/* SPDX-License-Identifier: Apache-2.0
 *
 * test_hello.c - the name that the first bytes of TLS ask for
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/egress/hello.h"
#include "tls.h"

static struct hello	h;
static uint8_t		bytes[2048];

static enum hello_kind
look(size_t n)
{
	/* A copy of the exact size, so that a sanitizer sees a read over its end. */
	uint8_t	*exact = malloc(n + 1);

	memcpy(exact, bytes, n);
	hello_look(span_make(exact, n), &h);
	free(exact);
	return h.kind;
}

static enum hello_kind
look_at(const char *text, size_t n)
{
	memcpy(bytes, text, n);
	return look(n);
}
#define LOOK_AT(text)	look_at(text, sizeof(text) - 1)

static enum hello_kind
look_names(const char *extension, size_t n)
{
	return look(tls_hello_raw(extension, n, 1, 1000, bytes));
}
#define LOOK_NAMES(text) look_names(text, sizeof(text) - 1)

Test(hello, finds_the_name_in_any_pieces)
{
	static const size_t	pieces[] = { 1000, 200, 40, 7, 4, 3 };
	size_t			n;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		n = tls_hello("Api.docs.example", pieces[i], bytes);
		for (size_t have = 0; have < n; have++)
			cr_assert(look(have) == HELLO_MORE && h.need > have && h.need <= n, "%zu of %zu, pieces of %zu", have, n,
			    pieces[i]);
		cr_assert(eq(int, look(n), HELLO_NAME), "pieces of %zu", pieces[i]);
		cr_expect(span_is(span_make(h.name, h.name_bytes), "Api.docs.example"));
		/* What follows, early data, changes nothing. */
		cr_expect(eq(int, look(n + 100), HELLO_NAME));
	}
}

Test(hello, sees_that_there_is_no_name)
{
	cr_expect(eq(int, look(tls_hello(NULL, 1000, bytes)), HELLO_NO_NAME));
}

Test(hello, refuses_several_names_and_strange_ones)
{
	cr_expect(eq(int, LOOK_NAMES("\0\4\0\0\1a"), HELLO_NAME));
	cr_expect(eq(int, LOOK_NAMES("\0\10\0\0\1a\0\0\1b"), HELLO_BAD));
	cr_expect(eq(int, LOOK_NAMES("\0\4\1\0\1a"), HELLO_BAD));	/* of another kind */
	cr_expect(eq(int, LOOK_NAMES("\0\3\0\0\0"), HELLO_BAD));	/* empty */
	cr_expect(eq(int, LOOK_NAMES("\0\0"), HELLO_BAD));
	cr_expect(eq(int, LOOK_NAMES(""), HELLO_BAD));
	cr_expect(eq(int, LOOK_NAMES("\0\4\0\0\2a"), HELLO_BAD));
	cr_expect(eq(int, LOOK_NAMES("\0\5\0\0\1ab"), HELLO_BAD));
	cr_expect(eq(int, LOOK_NAMES("\0\4\0\0\1ab"), HELLO_BAD));
	/* A second extension of the kind: which one a server takes is its own. */
	cr_expect(eq(int, look(tls_hello_raw("\0\4\0\0\1a", 6, 2, 1000, bytes)), HELLO_BAD));
}

Test(hello, refuses_what_is_not_as_long_as_it_says)
{
	size_t	n = tls_hello("a.example", 1000, bytes);

	for (size_t at = 5; at < n; at++) {
		uint8_t was = bytes[at];

		bytes[at] ^= 0xff;
		look(n);	/* stays within its bytes */
		bytes[at] = was;
	}
	bytes[8]--;		/* the message ends before its record */
	cr_expect(eq(int, look(n), HELLO_BAD));
	bytes[8]++;
	bytes[5] = 2;		/* no ClientHello */
	cr_expect(eq(int, look(n), HELLO_BAD));
	bytes[5] = 1;
	bytes[6] = 1;		/* longer than any */
	cr_expect(eq(int, look(n), HELLO_BAD));
	bytes[6] = 0;
	bytes[3] = bytes[4] = 0;
	cr_expect(eq(int, look(n), HELLO_BAD));
	/* Each byte in a record of its own is nobody's way but that of one who hides. */
	n = tls_hello("a.example", 1, bytes);
	cr_expect(eq(int, look(n), HELLO_BAD));
}

Test(hello, tells_other_protocols_from_tls)
{
	cr_expect(eq(int, LOOK_AT(""), HELLO_MORE));
	cr_expect(eq(int, LOOK_AT("G"), HELLO_PLAIN));
	cr_expect(eq(int, LOOK_AT("\x16"), HELLO_MORE));
	cr_expect(eq(int, LOOK_AT("\x16\x03\x01"), HELLO_MORE));
	cr_expect(eq(int, LOOK_AT("\0\0\0\x08"), HELLO_PLAIN));
	/* SSL 2's hello, which some servers of TLS still take. */
	cr_expect(eq(int, LOOK_AT("\x80"), HELLO_MORE));
	cr_expect(eq(sz, h.need, 2));	/* no more, as it may wait for an answer */
	cr_expect(eq(int, LOOK_AT("\x80\x2e\7"), HELLO_PLAIN));
	cr_expect(eq(int, LOOK_AT("\x80\x2e\1"), HELLO_MORE));
	cr_expect(eq(int, LOOK_AT("\x80\x2e\1\3\1"), HELLO_BAD));
	cr_expect(eq(int, LOOK_AT("\xc3\xa4\xc3\xb6"), HELLO_PLAIN));
	cr_expect(eq(int, LOOK_AT("\x13\3\1\0\1\1"), HELLO_PLAIN));
	cr_expect(eq(int, LOOK_AT("\x19\3\1\0\1\1"), HELLO_PLAIN));
}

/* A server that passes over a warning, or over a record's version, would read the hello behind it. */
Test(hello, refuses_every_other_beginning_with_a_record)
{
	static const char	others[] = "\x14\x15\x17\x18";
	static const char	versions[][2] = { "\0\0", "\2\1", "\4\0", "\xf\0", "\xff\xff" };
	size_t			n = tls_hello("b.example", 1000, bytes);

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		memcpy(bytes + 1, versions[i], 2);
		cr_expect(eq(int, look(n), HELLO_BAD), "version %zu", i);
	}
	for (const char *c = others; *c != '\0'; c++)
		cr_expect(eq(int, look_at(c, 1), HELLO_BAD), "type %d", *c);
	cr_expect(eq(int, LOOK_AT("\x15\3\1\0\2\1\x5a"), HELLO_BAD));
	cr_expect(eq(int, LOOK_AT("\x16\3\1\0\1\1\x15\3\1\0\1"), HELLO_BAD));	/* between two pieces */
}
