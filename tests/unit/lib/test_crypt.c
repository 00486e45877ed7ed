/* SPDX-License-Identifier: Apache-2.0
 *
 * test_crypt.c - known answers, and everything that must not open
 */
#include <criterion/criterion.h>

#include "lib/crypt.h"
#include "lib/num.h"

Test(crypt, digests_known_texts)
{
	static const struct { const char *text, *hex; } rows[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	};
	struct crypt_digest	d;
	char			hex[2 * CRYPT_SHA256_BYTES + 1];

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 2; i++) {
			cr_assert(crypt_sha256(span_of(rows[i].text), &d) == 0);
			num_hex(d.bytes, sizeof(d.bytes), hex);
			cr_expect_str_eq(hex, rows[i].hex);
		}
	}
	cr_expect(crypt_sha256(SPAN_NONE, &d) == 0);
}

/* Test case 14 of the GCM specification: zero key, nonce and one zero block. */
Test(crypt, seals_as_the_standard_says)
{
	static const uint8_t	zero[CRYPT_KEY_BYTES];
	uint8_t			out[16], tag[CRYPT_TAG_BYTES], back[16];
	char			hex[33];

	cr_assert(crypt_seal(zero, zero, SPAN_NONE, span_make(zero, 16), out, tag) == 0);
	num_hex(out, 16, hex);
	cr_expect_str_eq(hex, "cea7403d4d606b6e074ec5d3baf39d18");
	num_hex(tag, 16, hex);
	cr_expect_str_eq(hex, "d0d1c8a799996bf0265b98b5d48ab919");
	cr_expect(crypt_open(zero, zero, SPAN_NONE, span_make(out, 16), tag, back) == 0);
	cr_expect(memcmp(back, zero, 16) == 0);
}

Test(crypt, opens_nothing_that_was_changed)
{
	uint8_t		key[CRYPT_KEY_BYTES], nonce[CRYPT_NONCE_BYTES], tag[CRYPT_TAG_BYTES], out[5], back[5];
	struct span	ad = SPAN_LIT("for this");

	cr_assert(crypt_random(key, sizeof(key)) == 0 && crypt_random(nonce, sizeof(nonce)) == 0);
	cr_assert(crypt_seal(key, nonce, ad, SPAN_LIT("hello"), out, tag) == 0);
	cr_assert(crypt_open(key, nonce, ad, span_make(out, 5), tag, back) == 0 && memcmp(back, "hello", 5) == 0);
	cr_expect(crypt_open(key, nonce, SPAN_LIT("for that"), span_make(out, 5), tag, back) == E_DENIED);
	cr_expect(memcmp(back, "\0\0\0\0", 5) == 0, "nothing of the text is left");
	cr_expect(crypt_open(key, nonce, SPAN_NONE, span_make(out, 5), tag, back) == E_DENIED);
	cr_expect(crypt_open(key, nonce, ad, span_make(out, 4), tag, back) == E_DENIED);
	out[0] ^= 1;
	cr_expect(crypt_open(key, nonce, ad, span_make(out, 5), tag, back) == E_DENIED);
	out[0] ^= 1;
	tag[15] ^= 0x80;
	cr_expect(crypt_open(key, nonce, ad, span_make(out, 5), tag, back) == E_DENIED);
	tag[15] ^= 0x80;
	key[0] ^= 1;
	cr_expect(crypt_open(key, nonce, ad, span_make(out, 5), tag, back) == E_DENIED);
	key[0] ^= 1;
	cr_expect(crypt_open(key, nonce, ad, span_make(out, 5), tag, back) == 0, "and the context is fit for more");
}

Test(crypt, seals_an_empty_text)
{
	uint8_t	key[CRYPT_KEY_BYTES] = { 1 }, nonce[CRYPT_NONCE_BYTES] = { 2 }, tag[CRYPT_TAG_BYTES], out[1];

	cr_assert(crypt_seal(key, nonce, SPAN_LIT("x"), SPAN_NONE, out, tag) == 0);
	cr_expect(crypt_open(key, nonce, SPAN_LIT("x"), SPAN_NONE, tag, out) == 0);
	cr_expect(crypt_open(key, nonce, SPAN_LIT("y"), SPAN_NONE, tag, out) == E_DENIED);
}

Test(crypt, compares_whole_contents)
{
	cr_expect(crypt_equal("abc", "abc", 3) && !crypt_equal("abc", "abd", 3) && !crypt_equal("abc", "bbc", 3));
	cr_expect(crypt_equal("abc", "xyz", 0));
}
