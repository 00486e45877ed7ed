/* SPDX-License-Identifier: Apache-2.0
 *
 * test_b64.c - the vectors of RFC 4648, and every spelling that is refused
 */
#include <criterion/criterion.h>

#include "lib/b64.h"

Test(b64, pads_to_four_characters)
{
	static const struct { const char *bytes, *text; } rows[] = {
		{ "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "\xfb\xff\xbf", "+/+/" },
	};
	char	text[5] = "";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		b64_four(rows[i].bytes, strlen(rows[i].bytes), text);
		cr_expect_str_eq(text, rows[i].text);
		cr_expect(B64_CHARS(strlen(rows[i].bytes)) == 4);
	}
}

Test(b64, writes_and_reads_base64url)
{
	static const struct { const char *bytes, *text; } rows[] = {
		{ "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg" },
		{ "\xfb\xff\xbf", "-_-_" },
	};
	char	text[16];
	uint8_t	back[16];
	size_t	n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t	bytes = strlen(rows[i].bytes);

		b64url_encode(rows[i].bytes, bytes, text);
		cr_expect_str_eq(text, rows[i].text);
		cr_expect(strlen(text) == B64URL_CHARS(bytes));
		cr_expect(b64url_decode(span_of(text), back, bytes, &n) == 0 && n == bytes, "row %zu", i);
		cr_expect(memcmp(back, rows[i].bytes, n) == 0, "row %zu", i);
		cr_expect(bytes == 0 || b64url_decode(span_of(text), back, bytes - 1, &n) == E_TOOBIG);
	}
}

Test(b64, refuses_other_spellings_of_base64url)
{
	static const char *const texts[] = { "Z", "Zm9vY", "Zg==", "Zh", "Zm9", "Z+8", "Z/8", "Zm 8", "Zm8\n" };
	uint8_t	back[16];
	size_t	n;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect(b64url_decode(span_of(texts[i]), back, sizeof(back), &n) == E_FORMAT, "%s", texts[i]);
	cr_expect(b64url_decode(span_make("Z\0", 2), back, sizeof(back), &n) == E_FORMAT);
}

Test(b64, reads_padded_texts_of_one_spelling)
{
	static const struct { const char *bytes, *text; } good[] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "\xfb\xff\xbf", "+/+/" },
	};
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "====", "=", "-_-_", "Zg==Zg==",
		"Z=g=", "Zm 8", "Zm8\n" };
	uint8_t	back[16];
	size_t	n;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		size_t	bytes = strlen(good[i].bytes);

		cr_expect(b64_decode(span_of(good[i].text), back, bytes, &n) == 0 && n == bytes, "row %zu", i);
		cr_expect(memcmp(back, good[i].bytes, n) == 0, "row %zu", i);
		cr_expect(bytes == 0 || b64_decode(span_of(good[i].text), back, bytes - 1, &n) == E_TOOBIG);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect(b64_decode(span_of(bad[i]), back, sizeof(back), &n) == E_FORMAT, "%s", bad[i]);
}
