/* SPDX-License-Identifier: Apache-2.0
 *
 * test_socks.c - SOCKS5, byte by byte
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "sandbox/egress/socks.h"

static struct socks_request	q;
static size_t			took;

#define GREET(bytes)	socks_greeting(SPAN_LIT(bytes), &took)
#define ASK(bytes)	socks_request(SPAN_LIT(bytes), &q, &took)

Test(socks, greets_those_who_go_without_credentials)
{
	cr_expect(eq(int, GREET("\5\1\0"), 0));
	cr_expect(eq(sz, took, 3));
	cr_expect(eq(int, GREET("\5\3\2\1\0more"), 0));
	cr_expect(eq(sz, took, 5));
	cr_expect(eq(int, GREET("\5\1\2"), E_DENIED));
	cr_expect(eq(int, GREET("\5\0"), E_DENIED));
	cr_expect(eq(int, GREET("\5\2\0"), E_AGAIN));
	cr_expect(eq(int, GREET("\5"), E_AGAIN));
	cr_expect(eq(int, GREET("\4\1\0"), E_FORMAT));
}

Test(socks, reads_names_and_addresses)
{
	char	text[ADDR_TEXT_MAX];

	cr_assert(eq(int, ASK("\5\1\0\3\20API.docs.example\1\xbb" "behind"), 0));
	cr_expect(eq(sz, took, 7 + 16));
	cr_expect(eq(str, q.host.name, "api.docs.example"));
	cr_expect(eq(int, q.port, 443));
	cr_assert(eq(int, ASK("\5\1\0\1\013\0\0\1\0\x50"), 0));
	addr_text(&q.host.address, q.port, text);
	cr_expect(eq(str, text, "11.0.0.1:80"));
	cr_assert(eq(int, ASK("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\xff\xff\177\0\0\1\0\x50"), 0));
	addr_text(&q.host.address, q.port, text);
	cr_expect(eq(str, text, "127.0.0.1:80"));
	/* An address in the place of a name is one. */
	cr_assert(eq(int, ASK("\5\1\0\3\5" "127.1\0\x50"), 0));
	cr_expect(q.host.is_address);
}

Test(socks, refuses_names_that_two_readers_could_read_differently)
{
	cr_expect(eq(int, ASK("\5\1\0\3\36" "evil.example\0.api.docs.example!" "\1\xbb"), E_DENIED));
	cr_expect(eq(int, q.reply, SOCKS_NOT_ALLOWED));
	cr_expect(eq(int, ASK("\5\1\0\3\21" "api.docs.example\0" "\1\xbb"), E_DENIED));
	cr_expect(eq(int, q.reply, SOCKS_NOT_ALLOWED));
	cr_expect(eq(int, ASK("\5\1\0\3\0\1\xbb"), E_DENIED));
	cr_expect(eq(int, ASK("\5\1\0\3\1a\0\0"), E_DENIED));		/* port 0 */
}

Test(socks, refuses_other_commands_and_kinds)
{
	cr_expect(eq(int, ASK("\5\2\0\1\013\0\0\1\0\x50"), E_DENIED));
	cr_expect(eq(int, q.reply, SOCKS_NO_COMMAND));
	cr_expect(eq(int, ASK("\5\3\0\1\013\0\0\1\0\x50"), E_DENIED));
	cr_expect(eq(int, ASK("\5\1\0\2\013\0\0\1\0\x50"), E_DENIED));
	cr_expect(eq(int, q.reply, SOCKS_NO_ADDRESS_TYPE));
	cr_expect(eq(int, ASK("\4\1\0\1\013\0\0\1\0\x50"), E_FORMAT));
	cr_expect(eq(int, ASK("\5\1\1\1\013\0\0\1\0\x50"), E_FORMAT));
	cr_expect(eq(int, ASK("\5\1\0\1\013\0\0\1\0"), E_AGAIN));
	cr_expect(eq(int, ASK("\5\1\0\3\20API"), E_AGAIN));
	cr_expect(eq(int, ASK("\5"), E_AGAIN));
}
