/* SPDX-License-Identifier: Apache-2.0
 *
 * eventid.h - the id of an event: which worker keeps its stream, which stream, and where in it
 *
 * A client gives it back in Last-Event-ID.  The stream's number is 128 random bits, so nobody has an id that he
 * was not given.
 */
#ifndef WORKER_STREAMS_EVENTID_H
#define WORKER_STREAMS_EVENTID_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

#define EVENTID_CHARS	80

struct eventid {
	bool		alone;			/* of the stream of a session, not of one of its requests */
	uint32_t	slot, incarnation;	/* of the worker */
	uint64_t	stream[2];
	uint64_t	at;			/* counts the events of a stream from 1 */
};

/* Visible ASCII, without a NUL; in `to`. */
struct span	eventid_write(const struct eventid *id, char to[EVENTID_CHARS]);
/* 0, or E_FORMAT: nothing that eventid_write() writes. */
must_check int	eventid_parse(struct span text, struct eventid *out);

#endif
