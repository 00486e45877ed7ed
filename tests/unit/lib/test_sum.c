/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sum.c - sums have the values their definitions give them
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "lib/sum.h"

/* RFC 3720 B.4. */
Test(sum, crc32c_has_the_published_values)
{
	char	bytes[32];

	cr_expect(eq(u32, crc32c(SPAN_LIT("123456789")), 0xe3069283u));
	memset(bytes, 0, sizeof(bytes));
	cr_expect(eq(u32, crc32c(span_make(bytes, 32)), 0x8a9136aau));
	memset(bytes, 0xff, sizeof(bytes));
	cr_expect(eq(u32, crc32c(span_make(bytes, 32)), 0x62a8ab43u));
	for (int i = 0; i < 32; i++)
		bytes[i] = (char)i;
	cr_expect(eq(u32, crc32c(span_make(bytes, 32)), 0x46dd794eu));
}

Test(sum, crc32c_is_the_same_with_and_without_the_instruction)
{
	char	bytes[300];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 37 + i / 7);
	for (size_t at = 0; at < 9; at++)
		for (size_t n = 0; n + at <= sizeof(bytes); n++)
			cr_expect(eq(u32, crc32c(span_make(bytes + at, n)),
			    crc32c_portable(span_make(bytes + at, n))), "%zu bytes from %zu", n, at);
}

/* The reference vectors of the SipHash paper: key 00..0f, text 00, 01, ... */
Test(sum, hash64_is_siphash_2_4)
{
	static const struct {
		size_t		n;
		uint64_t	want;
	} rows[] = {
		{ 0, UINT64_C(0x726fdb47dd0e0e31) }, { 1, UINT64_C(0x74f839c593dc67fd) },
		{ 2, UINT64_C(0x0d6c8009d9a94f5a) }, { 3, UINT64_C(0x85676696d7fb7e2d) },
		{ 4, UINT64_C(0xcf2794e0277187b7) }, { 5, UINT64_C(0x18765564cd99a68d) },
		{ 6, UINT64_C(0xcbc9466e58fee3ce) }, { 7, UINT64_C(0xab0200f58b01d137) }, { 8, UINT64_C(0x93f5f5799a932462) },
		{ 15, UINT64_C(0xa129ca6149be45e5) },
	};
	const struct sum_key	key = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
	char			text[16];

	for (int i = 0; i < 16; i++)
		text[i] = (char)i;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(eq(u64, hash64(&key, span_make(text, rows[i].n)), rows[i].want),
		    "%zu bytes", rows[i].n);
}

/* Two releases share memory during an upgrade, and snapshots carry it. */
Test(sum, sum64_stays_what_it_is)
{
	static const uint64_t	want[] = {
		UINT64_C(0x48218226ff3cd4bf), UINT64_C(0x32c4d7c6ff43b28b), UINT64_C(0x3e87f8530a6a4aef),
		UINT64_C(0xf6afd2f64e8f0555), UINT64_C(0x8da429cab0994815), UINT64_C(0xa82a4bae8d32e75a),
		UINT64_C(0xf2a599ea9e870291), UINT64_C(0x6bfebec6cc72c9d0), UINT64_C(0x2b6f7bc1da2b73e3),
		UINT64_C(0xbadd4f58c22993bc), UINT64_C(0xe9a90c650bf48515), UINT64_C(0x8586c24a8e0f12a0),
		UINT64_C(0xe570a032c8f0f58d), UINT64_C(0xc2ca784be946dac0), UINT64_C(0x44e7120e5e941d58),
		UINT64_C(0x5f4c6266c92bfa85), UINT64_C(0xf71e481ced077330), UINT64_C(0x44c0865024a9e167),
	};
	char			bytes[sizeof(want) / sizeof(want[0])];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 37 + 129);
	for (size_t n = 0; n < sizeof(bytes); n++)
		cr_expect(eq(u64, sum64(span_make(bytes, n)), want[n]), "%zu bytes", n);
}

Test(sum, sum64_sees_every_bit_and_the_length)
{
	char		bytes[40] = { 0 };
	uint64_t	before = sum64(span_make(bytes, sizeof(bytes)));

	for (size_t i = 0; i < sizeof(bytes) * 8; i++) {
		bytes[i / 8] ^= (char)(1 << i % 8);
		cr_expect(ne(u64, sum64(span_make(bytes, sizeof(bytes))), before), "bit %zu", i);
		bytes[i / 8] ^= (char)(1 << i % 8);
	}
	for (size_t n = 0; n < sizeof(bytes); n++)
		cr_expect(ne(u64, sum64(span_make(bytes, n)), before), "%zu bytes", n);
}
