/* SPDX-License-Identifier: Apache-2.0
 *
 * sse.c - event-stream framing: a writer, and an incremental reader
 *
 * Process: worker.  Owns: the reader's buffers.
 * Trusts:  nobody; one event is bounded, and what is not understood is skipped, as the standard says.
 */
#include "http/sse.h"

#define BOM_DONE	3
#define ID_MAX		1024
#define TYPE_MAX	128
#define KEEP_MAX	(64 * 1024)	/* of a buffer, from one event to the next */

int
sse_put_message(struct buf *to, struct span json)
{
	char	*p;
	int	 r;

	if ((r = buf_reserve(to, sizeof(SSE_BEFORE) + json.n + sizeof(SSE_AFTER), &p)) != 0)
		return r;
	if ((r = buf_put_str(to, SSE_BEFORE)) != 0 || (r = buf_reserve(to, json.n, &p)) != 0)
		return r;
	for (size_t i = 0; i < json.n; i++)
		p[i] = json.p[i] == '\n' || json.p[i] == '\r' ? ' ' : json.p[i];
	buf_commit(to, json.n);
	return buf_put_str(to, SSE_AFTER);
}

void
sse_reader_init(struct sse_reader *r, size_t event_max, sse_event_fn *fn, void *arg)
{
	*r = (struct sse_reader){ .event_max = event_max, .fn = fn, .arg = arg };
	buf_init(&r->line, event_max);
	buf_init(&r->data, event_max);
	buf_init(&r->type, TYPE_MAX);
	buf_init(&r->id, ID_MAX);
	buf_init(&r->last, ID_MAX);
}

void
sse_reader_fini(struct sse_reader *r)
{
	buf_fini(&r->line);
	buf_fini(&r->data);
	buf_fini(&r->type);
	buf_fini(&r->id);
	buf_fini(&r->last);
}

/* A stream may live for days after its one large event. */
static void
forget(struct buf *b)
{
	if (b->room > KEEP_MAX)
		buf_fini(b);
	else
		buf_clear(b);
}

size_t
sse_reader_room(const struct sse_reader *r)
{
	return r->line.room + r->data.room;
}

static int
event_end(struct sse_reader *r)
{
	struct sse_event	e;
	int			 answer = 0;

	if (!span_eq(buf_rest(&r->id), buf_rest(&r->last))) {
		buf_clear(&r->last);
		if ((answer = buf_put(&r->last, buf_rest(&r->id))) != 0)
			return answer;
	}
	e.data = buf_rest(&r->data);
	if (e.data.n > 0) {
		e.type = buf_rest(&r->type);
		if (e.type.n == 0)
			e.type = SPAN_LIT("message");
		e.id = buf_rest(&r->id);
		answer = r->fn(&e, r->arg);
	}
	forget(&r->data);
	buf_clear(&r->type);
	r->has_data = false;
	return answer;
}

struct span
sse_reader_last_id(const struct sse_reader *r)
{
	return buf_rest(&r->last);
}

static void
retry_set(struct sse_reader *r, struct span value)
{
	uint64_t	v = 0;

	if (value.n == 0 || value.n > 15)
		return;
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return;
		v = v * 10 + (uint64_t)(value.p[i] - '0');
	}
	r->retry_ms = v;
}

static int
line_end(struct sse_reader *r, struct span line)
{
	const char	*colon;
	struct span	 name = line, value = SPAN_LIT("");
	int		 err;

	if (line.n == 0)
		return event_end(r);
	if ((colon = memchr(line.p, ':', line.n)) != NULL) {
		name = span_part(line, 0, (size_t)(colon - line.p));
		value = span_part(line, name.n + 1, line.n);
		if (value.n > 0 && value.p[0] == ' ')
			value = span_part(value, 1, value.n);
	}
	if (span_is(name, "data")) {
		if (r->has_data && (err = buf_put(&r->data, SPAN_LIT("\n"))) != 0)
			return err;
		r->has_data = true;
		return buf_put(&r->data, value);
	}
	if (span_is(name, "event")) {
		buf_clear(&r->type);
		return buf_put(&r->type, value);
	}
	if (span_is(name, "id") && memchr(value.p, '\0', value.n) == NULL) {
		buf_clear(&r->id);
		return buf_put(&r->id, value);
	}
	if (span_is(name, "retry"))
		retry_set(r, value);
	return 0;		/* comments and unknown fields */
}

/* A byte order mark at the very beginning; half of one is text like any other. */
static int
skip_bom(struct sse_reader *r, struct span *in)
{
	static const char	bom[BOM_DONE] = "\xef\xbb\xbf";
	size_t			half;

	while (r->bom < BOM_DONE && in->n > 0) {
		if (in->p[0] != bom[r->bom]) {
			half = r->bom;
			r->bom = BOM_DONE;
			return buf_put(&r->line, span_make(bom, half));
		}
		r->bom++;
		*in = span_part(*in, 1, in->n);
	}
	return 0;
}

int
sse_reader_feed(struct sse_reader *r, struct span in)
{
	struct span	line;
	size_t		n;
	int		err;

	if ((err = skip_bom(r, &in)) != 0)
		return err;
	while (in.n > 0) {
		if (r->after_cr && in.p[0] == '\n')
			in = span_part(in, 1, in.n);
		r->after_cr = false;
		for (n = 0; n < in.n && in.p[n] != '\n' && in.p[n] != '\r'; n++)
			;
		line = span_part(in, 0, n);
		if (n == in.n)
			return buf_put(&r->line, line);
		r->after_cr = in.p[n] == '\r';
		in = span_part(in, n + 1, in.n);
		if (r->line.used > 0) {
			if ((err = buf_put(&r->line, line)) != 0)
				return err;
			line = buf_rest(&r->line);
		} else if (line.n > r->event_max)
			return E_TOOBIG;
		err = line_end(r, line);
		forget(&r->line);
		if (err != 0)
			return err;
	}
	return 0;
}
