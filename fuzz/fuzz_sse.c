/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_sse.c - event streams: the events do not depend on how the stream is cut
 *
 * The first byte is the size of the pieces.
 */
#include <stdint.h>

#include "http/sse.h"
#include "lib/bug.h"
#include "lib/sum.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define EVENT_MAX	4096

struct outcome {
	uint64_t	events, sum, retry;
	int		verdict;
};

static int
on_event(const struct sse_event *e, void *arg)
{
	struct outcome	*o = arg;

	BUG_ON(e->data.n == 0 || e->data.n > EVENT_MAX || e->type.n == 0);
	o->events++;
	o->sum = sum64_more(o->sum, e->type);
	o->sum = sum64_more(o->sum, e->data);
	o->sum = sum64_more(o->sum, e->id);
	return 0;
}

static struct outcome
run(struct span bytes, size_t step)
{
	struct outcome		o = { 0 };
	struct sse_reader	r;

	sse_reader_init(&r, EVENT_MAX, on_event, &o);
	for (size_t at = 0; at < bytes.n && o.verdict == 0; at += step)
		o.verdict = sse_reader_feed(&r, span_part(bytes, at, step));
	o.retry = r.retry_ms;
	sse_reader_fini(&r);
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
	/* A line too long is noticed at another event when its pieces are. */
	BUG_ON(a.verdict != b.verdict);
	BUG_ON(a.verdict == 0 && (a.events != b.events || a.sum != b.sum || a.retry != b.retry));
	return 0;
}
