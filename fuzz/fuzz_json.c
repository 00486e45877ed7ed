/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_json.c - the scanner in chunks against itself whole, the walker over what it took
 *
 * The first byte chooses flags and where the text is cut; the rest is the text.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/json.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define CHECK(cond)	do { if (!(cond)) abort(); } while (0)

static const struct json_want wants[] = {
	{ JSON_ROOT, 0, "id" },
	{ JSON_ROOT, JSON_WANT_UNIQUE_MEMBERS, "params" },
	{ 1, 0, "name" },
	{ 1, JSON_WANT_UNIQUE_DEEP, "_meta" },
	{ 3, 0, "io.modelcontextprotocol/protocolVersion" },
};
#define WANTS	(sizeof(wants) / sizeof(wants[0]))

static int
scan(struct json_scan *s, struct span text, uint32_t cuts)
{
	size_t	step;
	int	r = 0;

	for (size_t at = 0; at < text.n && r == 0; at += step) {
		cuts = cuts * 1664525u + 1013904223u;
		step = cuts == 0 ? text.n : 1 + (cuts >> 24) % 17;
		r = json_scan_feed(s, span_part(text, at, step));
	}
	return r != 0 ? r : json_scan_end(s);
}

/* A string is decoded, written again, and decoded to the same. */
static void
check_string(struct json_value v)
{
	struct arena		a;
	struct buf		b;
	struct span		first, second;
	struct json_value	again;

	arena_init(&a, NULL, 0, 1 << 20);
	buf_init(&b, 8 << 20);
	CHECK(json_string(v, &a, &first) == 0 && json_utf8_ok(first));
	CHECK(json_put_string(&b, first) == 0);
	if (memchr(first.p, '\0', first.n) == NULL) {
		CHECK(json_parse(buf_rest(&b), true, &again, NULL) == 0);
		CHECK(json_string(again, &a, &second) == 0 && span_eq(first, second));
	}
	buf_fini(&b);
	arena_fini(&a);
}

static void
walk(struct json_value v, int depth)
{
	struct json_iter	it;
	struct json_value	value, proven;
	struct span		key;

	CHECK(depth <= JSON_DEPTH_MAX && v.type != JSON_NONE && v.raw.n > 0);
	if (v.type == JSON_STRING)
		check_string(v);
	json_iter_init(&it, v);
	while (json_iter_next(&it, &key, &value)) {
		if (v.type == JSON_OBJECT)
			check_string(json_key(key));
		if (depth < 3) {
			CHECK(json_parse(value.raw, false, &proven, NULL) == 0);
			CHECK(proven.type == value.type && span_eq(proven.raw, value.raw));
		}
		walk(value, depth + 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct json_scan	*whole, *cut;
	struct json_value	 v;
	struct span		 text;
	int			 r, parsed;

	if (n == 0)
		return 0;
	text = span_make(data + 1, n - 1);
	CHECK(json_scan_new(wants, WANTS, data[0] & 3, &whole) == 0);
	CHECK(json_scan_new(wants, WANTS, data[0] & 3, &cut) == 0);
	r = json_scan_feed(whole, text);
	if (r == 0)
		r = json_scan_end(whole);
	CHECK(scan(cut, text, data[0]) == r);
	CHECK(json_scan_at(cut) == json_scan_at(whole) && json_scan_top(cut) == json_scan_top(whole));
	CHECK(json_scan_at(whole) <= text.n);
	for (size_t i = 0; i < WANTS; i++) {
		const struct json_slot	*x = &json_scan_slots(whole)[i], *y = &json_scan_slots(cut)[i];

		CHECK(x->at == y->at && x->bytes == y->bytes && x->type == y->type && x->seen == y->seen);
		CHECK(json_scan_strangers(whole, (int)i) == json_scan_strangers(cut, (int)i));
		if (r == 0 && x->seen > 0) {
			CHECK(json_parse(span_part(text, x->at, x->bytes), false, &v, NULL) == 0);
			CHECK(v.type == x->type && v.raw.n == x->bytes);
		}
	}
	parsed = json_parse(text, false, &v, NULL);
	CHECK((data[0] & 3) != 0 || (parsed == 0) == (r == 0) || r == E_JSON_DUPLICATE);
	if (parsed == 0) {
		walk(v, 1);
		if (r == 0 && json_scan_slots(whole)[1].seen == 1 && v.type == JSON_OBJECT)
			CHECK(json_get(v, "params").raw.p == text.p + json_scan_slots(whole)[1].at);
	}
	json_scan_free(&whole);
	json_scan_free(&cut);
	return 0;
}
