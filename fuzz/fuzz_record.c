/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_record.c - audit records, as a worker that turned against us could write them
 *
 * The checksum would stop nearly every change, so it is made good first: what a hostile writer would
 * do.  A record that is taken must come back the same when it is written again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "audit/record.h"
#include "audit/requestid.h"
#include "audit/segment.h"
#include "lib/bug.h"
#include "lib/sum.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
same_again(const struct record *r)
{
	char		bytes[RECORD_MAX];
	struct record	back;
	size_t		n, took;

	BUG_ON(record_encode(r, bytes, sizeof(bytes), &n) != 0);
	BUG_ON(record_decode(span_make(bytes, n), &back, &took) != 0 || took != n);
	BUG_ON(back.seq != r->seq || back.wall_ns != r->wall_ns || back.kind != r->kind);
	if (r->kind == RECORD_ONCE)
		BUG_ON(!span_eq(back.f.object, r->f.object) || back.f.latency_us != r->f.latency_us ||
		    !span_eq(back.f.outcome, r->f.outcome) || !span_eq(back.f.rule, r->f.rule));
}

/* What goes into a row without being taken apart must be what taking it apart would have given. */
static void
same_moved(const struct record_look *look, const struct record *r)
{
	char		moved[RECORD_MAX];
	struct record	row;
	size_t		n;

	BUG_ON(record_again(look, moved, &n) != 0);
	BUG_ON(n > RECORD_MAX || record_decode(span_make(moved, n), &row, &n) != 0);
	BUG_ON(record_join(look, look, moved, &n) != 0 || n > RECORD_MAX);
	BUG_ON(record_decode(span_make(moved, n), &row, &n) != 0);
	BUG_ON(!span_eq(row.f.object, r->f.object) || !span_eq(row.f.outcome, r->f.outcome) ||
	    row.f.latency_us != r->f.latency_us || row.seq != r->seq);
}

static void
try_record(struct span bytes)
{
	struct record		r;
	struct record_look	look;
	size_t			took;

	if (record_decode(bytes, &r, &took) != 0)
		return;
	same_again(&r);
	BUG_ON(record_check(bytes, &look) != 0);
	same_moved(&look, &r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char			name[SEGMENT_NAME_MAX], *copy;
	struct segment_id	id;
	uint64_t		request;
	uint32_t		bytes, crc;

	try_record(span_make(data, n));
	if (requestid_parse(span_make(data, n), &request) == 0) {
		char text[REQUESTID_CHARS + 1];
		uint64_t back;

		requestid_text(request, text);
		BUG_ON(requestid_parse(span_of(text), &back) != 0 || back != request);
	}
	if (n < sizeof(name)) {
		memcpy(name, data, n);
		name[n] = '\0';
		if (segment_id_parse(name, &id) == 0) {
			char back[SEGMENT_NAME_MAX];

			segment_name(id.boot, id.slot, id.incarnation, id.number, back);
			BUG_ON(strcmp(back, name) != 0);
		}
	}
	if (n < sizeof(struct record_head) || n > RECORD_MAX || (copy = malloc(n)) == NULL)
		return 0;
	memcpy(copy, data, n);
	bytes = (uint32_t)n & ~7u;
	memcpy(copy, &bytes, 4);
	crc = crc32c(span_make(copy + 8, bytes - 8));
	memcpy(copy + 4, &crc, 4);
	try_record(span_make(copy, n));
	free(copy);
	return 0;
}
