/* SPDX-License-Identifier: Apache-2.0
 *
 * link.h - the stream between one worker and one tenant's runner (day-one 4 and 5)
 *
 * Both ends check every head before they believe it; a bad frame ends the link, never the process.
 * A worker is not trusted by the runner and the runner not by the worker: lengths are bounded, call
 * numbers looked up, credit enforced by the receiver.
 *
 * Worker to runner                          Runner to worker
 *   CALL    call=n  payload link_call+name    ANSWER  call=n a=bytes of the line, b=id span
 *   BODY    call=n  payload bytes             BODY    call=n payload bytes of the line
 *   CREDIT  call=n  a=bytes                   CREDIT  call=n a=bytes
 *   CANCEL  call=n                            NOTE    call=n a notification of this call
 *   REPLY   call=n  our answer to an ASK      ASK     call=n a request of the tool's, caused by this call
 *   SUBSCRIBE    link_subscription+URI        END     call=n a=enum link_end, payload: text for people
 *   UNSUBSCRIBE  link_subscription+URI        EVENT   link_event+URI: what a server says of no call
 *
 * A call begins with LINK_CREDIT_UP credit towards the runner and LINK_CREDIT_DOWN back.  The runner
 * grants more as a body is taken; the worker as its client takes the answer.  END closes the call in
 * both directions; its number may be used again.  After CANCEL the runner still sends END.
 *
 * NOTE, ASK and REPLY carry one JSON-RPC message without line feeds, in as many frames as it takes: all
 * but the last have LINK_FLAG_MORE, and no other frame of that type and call comes between.  They need
 * no credit but have ceilings.  A NOTE's progress token is the number that the runner wrote over the
 * client's; a note that withdraws a request (notifications/cancelled) names the ASK's id.  A REPLY has
 * the id of its ASK, byte for byte.  From an ASK until its REPLY the call's deadline waits, LINK_ASK_MS at
 * most.  When a call ends with requests unanswered, the runner answers them, as mcp-wire 14.8 says.
 *
 * EVENT, SUBSCRIBE and UNSUBSCRIBE are of no call (call = 0).  Every worker hears every event; of one
 * instance and one thing at most one in LINK_EVENT_QUIET_MS, but always the last.  A worker subscribes once
 * to what any of its clients want, and says so anew on each stream: with a stream its subscriptions end.
 * They are of the isolation key, whatever instance serves it and as often as one is started; none is started
 * for them, and none is kept from its idle_stop.  Nobody is told whether the server takes them.  What is over
 * LINK_URIS_MAX or LINK_URIS_BYTES of one key is passed over.
 */
#ifndef IPC_LINK_H
#define IPC_LINK_H

#include <stdint.h>

#include "lib/json.h"

#define LINK_REQUEST		16
#define LINK_PAYLOAD_MAX	(64 * 1024)
#define LINK_CREDIT_UP		(64 * 1024)
#define LINK_CREDIT_DOWN	(256 * 1024)
#define LINK_LINE_MAX		(16 * 1024 * 1024)
#define LINK_NOTE_MAX		(1024 * 1024)
#define LINK_ASK_MAX		(4 * 1024 * 1024)	/* also of a REPLY */
#define LINK_ASKS_MAX		16			/* of one call, unanswered */
#define LINK_ASK_MS		(600 * 1000)
#define LINK_EVENT_QUIET_MS	250
#define LINK_URI_MAX		(8 * 1024)
#define LINK_URIS_MAX		1024			/* subscriptions of one isolation key */
#define LINK_URIS_BYTES		(128 * 1024)

enum link_type {
	LINK_CALL = 1,
	LINK_BODY,
	LINK_CREDIT,
	LINK_CANCEL,
	LINK_ANSWER,
	LINK_NOTE,
	LINK_END,
	LINK_ASK,
	LINK_REPLY,
	LINK_EVENT,
	LINK_SUBSCRIBE,
	LINK_UNSUBSCRIBE,
	LINK_TYPE_LIMIT
};

struct link_head {
	uint32_t	bytes;		/* of the payload that follows */
	uint16_t	type;		/* enum link_type */
	uint16_t	flags;		/* enum link_flags */
	uint32_t	call;		/* the worker's number of the call */
	uint32_t	a;
	uint64_t	b;
};
_Static_assert(sizeof(struct link_head) == 24, "link head is 24 bytes");

enum link_flags {
	LINK_FLAG_LIST = 1,	/* CALL: background work (a list); never counts as use by a client */
	LINK_FLAG_MODERN = 2,	/* ANSWER: the instance speaks 2026-07-28 */
	LINK_FLAG_ERROR = 4,	/* ANSWER: has `error`, not `result` */
	LINK_FLAG_SENT = 8,	/* END: the call had reached the tool; it may have had effects */
	LINK_FLAG_MORE = 16,	/* NOTE, ASK, REPLY: the message goes on in the next one */
	/* ANSWER: the tool asked, while it worked on this call, for what its client did not declare */
	LINK_FLAG_LACKS_ROOTS = 32,
	LINK_FLAG_LACKS_SAMPLING = 64,
	LINK_FLAG_LACKS_SAMPLING_TOOLS = 128,
	LINK_FLAG_LACKS_FORM = 256,
	LINK_FLAG_LACKS_URL = 512,
};

enum link_end {
	LINK_END_OK = 0,		/* after the last BODY of the answer */
	LINK_END_UNAVAILABLE,		/* could not start, or waits after failures */
	LINK_END_DIED,			/* the tool went away with the call */
	LINK_END_DEADLINE,
	LINK_END_CANCELLED,
	LINK_END_TOO_BIG,		/* the answer line is over LINK_LINE_MAX or memory ran out */
	LINK_END_BABBLE,		/* what the tool wrote is not MCP */
	LINK_END_BUSY,			/* queues or max_instances are full */
	LINK_END_NO_JAIL,
	LINK_END_STALE,			/* nothing was done, ask again in a moment: this runner has not (or no
					 * longer) the profile named, or the tool was just ending */
	LINK_END_LIMIT
};

struct link_span {
	uint32_t	at, bytes;	/* into the body */
};

/* CALL's payload; the server's name follows.  The body (body_bytes, in BODY frames) is one JSON-RPC
 * request without line feed, ready for the tool but for two places: the runner writes an integer of
 * its own over `id`, and drops `modern_meta` (bytes with the comma that must go too) when the
 * instance is of a legacy revision. */
struct link_call {
	uint64_t		profile;	/* rec_profile.hash the decision was made with */
	uint64_t		instance;	/* isolation key: same key, same instance */
	uint32_t		deadline_ms;	/* from arrival, start of the tool included */
	uint32_t		body_bytes;
	struct link_span	id;
	struct link_span	modern_meta;	/* bytes == 0: none */
	uint32_t		name_bytes;
	uint32_t		capabilities;	/* enum mcp_capability bits of the client: a legacy tool is
						 * initialized with them, so they are part of what makes an
						 * instance, for its lists too */
	uint32_t		log_level;	/* enum mcp_level the client wants; 0: none said */
	uint32_t		spare;
	char			request[LINK_REQUEST];	/* its id as text with a NUL, for the operator; "":
						 * no client's */
};
_Static_assert(sizeof(struct link_call) == 72, "link call is 72 bytes");

enum link_event_kind {
	LINK_EVENT_TOOLS = 0,		/* this list changed */
	LINK_EVENT_PROMPTS,
	LINK_EVENT_RESOURCES,		/* and the templates */
	LINK_EVENT_UPDATED,		/* this resource did, or one below a URI that was subscribed to */
	LINK_EVENT_LIMIT
};

/* EVENT's payload; of UPDATED the URI follows. */
struct link_event {
	uint64_t	profile, instance;	/* as of a call */
	uint32_t	capabilities;		/* that the instance was initialized with */
	uint32_t	what;			/* enum link_event_kind */
};
_Static_assert(sizeof(struct link_event) == 24, "link event is 24 bytes");

/* SUBSCRIBE's and UNSUBSCRIBE's payload; the URI follows. */
struct link_subscription {
	uint64_t	profile, instance;
	uint32_t	capabilities;		/* says who asked; any instance of the key does */
	uint32_t	spare;
};
_Static_assert(sizeof(struct link_subscription) == 24, "link subscription is 24 bytes");

/* A URI as it travels here: text that can stand in a message without more than a few escapes. */
static inline bool
link_uri_ok(struct span uri)
{
	if (uri.n == 0 || uri.n > LINK_URI_MAX || !json_utf8_ok(uri))
		return false;
	for (size_t i = 0; i < uri.n; i++)
		if ((unsigned char)uri.p[i] < 0x20 || uri.p[i] == 0x7f)
			return false;
	return true;
}

/* ANSWER's b: where the id is in the line. */
#define LINK_ID_PACK(at, n)	((uint64_t)(at) << 32 | (uint32_t)(n))
#define LINK_ID_AT(b)		((uint32_t)((b) >> 32))
#define LINK_ID_BYTES(b)	((uint32_t)(b))

#endif
