/* SPDX-License-Identifier: Apache-2.0
 *
 * sse.h - event-stream framing: a writer, and an incremental reader (mcp-wire 3.6, WHATWG HTML 9.2)
 */
#ifndef HTTP_SSE_H
#define HTTP_SSE_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/span.h"

/* One message in the stream is SSE_BEFORE, its JSON in any number of pieces, SSE_AFTER. */
#define SSE_BEFORE	"event: message\ndata: "
#define SSE_AFTER	"\n\n"

/* A whole message event.  Raw CR and LF, which JSON knows between tokens only, become blanks.
 * 0, E_TOOBIG or E_NOMEM. */
must_check int	sse_put_message(struct buf *to, struct span json);

struct sse_event {
	struct span	type;		/* "message" when the stream named none */
	struct span	data;		/* lines joined with LF */
	struct span	id;		/* the last id the stream set; .n is 0 when there is none */
};

/* Spans are borrowed for the call.  Not 0 ends the reading with that error. */
typedef int sse_event_fn(const struct sse_event *e, void *arg);

struct sse_reader {
	struct buf	 line, data, type, id;
	struct buf	 last;		/* id of the last event that was whole */
	size_t		 event_max;
	sse_event_fn	*fn;
	void		*arg;
	uint64_t	 retry_ms;	/* the last `retry`, 0 when there was none */
	uint8_t		 bom;		/* bytes of a byte order mark seen, or done */
	bool		 after_cr, has_data;
};

/* event_max bounds one event: a line, and the data of all its lines. */
void		sse_reader_init(struct sse_reader *r, size_t event_max, sse_event_fn *fn, void *arg);
void		sse_reader_fini(struct sse_reader *r);
/* The id to resume after, borrowed until the next feed; events with empty data count.  .n is 0 when there
 * is none. */
struct span	sse_reader_last_id(const struct sse_reader *r);
/* Bytes of memory that it holds; little between events, whatever their size. */
size_t		sse_reader_room(const struct sse_reader *r);
/* 0, E_TOOBIG, E_NOMEM, or what fn answered.  An event whose data is empty is not delivered; its id
 * counts.  An event that the stream's end cuts off is none. */
must_check int	sse_reader_feed(struct sse_reader *r, struct span bytes);

#endif
