/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_http_head.c - heads in both roles: whatever comes, however it is cut, the verdict is one
 *
 * The first byte chooses the role and where the input is cut in two.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/head.h"
#include "lib/bug.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_inside(const struct http_head *h, struct span s)
{
	if (s.p != NULL)
		BUG_ON(s.p < h->bytes || s.p + s.n > h->bytes + h->head_bytes);
}

static void
check_whole(const struct http_head *h, size_t n)
{
	unsigned	times;

	BUG_ON(h->head_bytes > n || h->head_bytes > HTTP_HEAD_BYTES_MAX || h->count > HTTP_HEAD_FIELDS_MAX);
	BUG_ON(h->chunked && h->has_length);
	for (size_t i = 0; i < h->count; i++) {
		check_inside(h, http_field_name(h, i));
		check_inside(h, http_field_value(h, i));
		BUG_ON(!http_is_token(http_field_name(h, i)) || !http_is_value(http_field_value(h, i)));
	}
	if (h->role == HTTP_REQUEST) {
		check_inside(h, http_head_method(h));
		check_inside(h, http_head_path(h));
		check_inside(h, http_head_query(h));
		BUG_ON(h->minor == 1 && http_head_count(h, HTTP_HOST) != 1);
	}
	BUG_ON(http_head_find(h, "accept", &times).p != http_head_get(h, HTTP_ACCEPT).p);
	BUG_ON(times != http_head_count(h, HTTP_ACCEPT));
	(void)http_head_lists(h, HTTP_ACCEPT, "text/event-stream");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct http_head	whole, cut;
	size_t			at;
	char			*part, *all;
	int			want, got;

	if (n == 0)
		return 0;
	at = data[0] >> 1;
	n--;
	at = n == 0 ? 0 : at % n;
	all = malloc(n + 1);
	part = malloc(at + 1);
	BUG_ON(all == NULL || part == NULL);
	memcpy(all, data + 1, n);
	memcpy(part, data + 1, at);

	http_head_init(&whole, data[0] & 1 ? HTTP_RESPONSE : HTTP_REQUEST);
	want = http_head_parse(&whole, all, n);
	if (want == 0)
		check_whole(&whole, n);
	http_head_init(&cut, data[0] & 1 ? HTTP_RESPONSE : HTTP_REQUEST);
	if ((got = http_head_parse(&cut, part, at)) == E_AGAIN)
		got = http_head_parse(&cut, all, n);
	BUG_ON(got != want);
	if (want == 0)
		BUG_ON(cut.head_bytes != whole.head_bytes || cut.count != whole.count || cut.length != whole.length);
	free(part);
	free(all);
	return 0;
}
