/* SPDX-License-Identifier: Apache-2.0
 *
 * hearing.h - one request whose answer is heard message by message, while it comes
 */
#ifndef TESTS_HARNESS_HEARING_H
#define TESTS_HARNESS_HEARING_H

#include "tests/harness/mcp.h"

struct hearing {
	struct client	 conn;		/* its own */
	int		 status;	/* 0: no head yet */
	bool		 stream;	/* the answer is an event stream */
	bool		 end;		/* all of it came, in order */
	bool		 chunked;
	char		*text;		/* of the body, not told yet */
	size_t		 used, left;	/* bytes of text; bytes of the body to come */
	char		 id[128];	/* of the last event that had one, or "" */
	unsigned	 ids, primed;	/* events with an id; of these, the ones without data */
	int		 retry_ms;	/* what it said last, or 0 */
};

/* Sends it, in the era of this client, on a connection of its own; id is raw.  Nothing is read yet.
 * Without a method it is the GET of its session. */
void		hearing_begin(struct hearing *h, const struct mcp *m, const char *id, const char *method,
		    const char *params);
/* True when the answer has begun, within ms. */
bool		hearing_begins(struct hearing *h, int ms);
/* The GET by which its client comes back for what follows this event; more: further header lines. */
void		hearing_resume(struct hearing *h, const struct mcp *m, const char *id, const char *more);
/* The next message, the caller's; NULL: none within ms, or the end.  Of HTTP+SSE the first is a string: where its
 * messages go. */
json_object	*hearing_next(struct hearing *h, int ms);
/* True when the answer ends, in order, within ms, without another message. */
bool		hearing_ends(struct hearing *h, int ms);
/* Closes the connection, whatever is still to come. */
void		hearing_fini(struct hearing *h);

#endif
