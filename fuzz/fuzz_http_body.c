/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_http_body.c - chunked bodies: the content and the end do not depend on how they are cut
 *
 * The first byte is the size of the pieces.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/body.h"
#include "lib/bug.h"
#include "lib/sum.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct outcome {
	int		verdict;
	uint32_t	sum;
	uint64_t	content;
	size_t		taken;
};

static struct outcome
run(struct span bytes, size_t step)
{
	static const char	text[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
	struct outcome		o = { 0 };
	struct http_head	h;
	struct http_body	b;
	struct span		piece, data;
	char			*got = malloc(bytes.n + 1);

	BUG_ON(got == NULL);
	http_head_init(&h, HTTP_REQUEST);
	BUG_ON(http_head_parse(&h, text, sizeof(text) - 1) != 0);
	http_body_init(&b, &h, false);
	while (o.verdict == 0 && o.taken < bytes.n) {
		piece = span_part(bytes, o.taken, step);
		o.taken += piece.n;
		do {
			o.verdict = http_body_feed(&b, &piece, &data);
			BUG_ON(o.content + data.n > bytes.n);
			memcpy(got + o.content, data.p, data.n);
			o.content += data.n;
		} while (o.verdict == 0 && piece.n > 0);
		o.taken -= piece.n;
	}
	BUG_ON(o.content != b.content_bytes);
	BUG_ON((http_body_close(&b) == 0) != (o.verdict == E_EOF));
	o.sum = crc32c(span_make(got, o.content));
	free(got);
	return o;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct outcome	a, b;
	struct span	bytes;

	if (n == 0)
		return 0;
	bytes = span_make(data + 1, n - 1);
	a = run(bytes, n);
	b = run(bytes, (size_t)data[0] + 1);
	BUG_ON(a.verdict != b.verdict || a.content != b.content || a.sum != b.sum);
	BUG_ON(a.verdict == E_EOF && a.taken != b.taken);
	return 0;
}
