/* SPDX-License-Identifier: Apache-2.0
 *
 * eventid.c - the id of an event
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  nothing in an id; what it names is looked up.
 */
#include <stdio.h>
#include <string.h>

#include "worker/streams/eventid.h"

struct span
eventid_write(const struct eventid *id, char to[EVENTID_CHARS])
{
	int	n = snprintf(to, EVENTID_CHARS, "%c-%x-%x-%016llx%016llx-%llx", id->alone ? 's' : 'r', id->slot,
		    id->incarnation, (unsigned long long)id->stream[0], (unsigned long long)id->stream[1],
		    (unsigned long long)id->at);

	return span_make(to, (size_t)n);
}

int
eventid_parse(struct span text, struct eventid *out)
{
	char			copy[EVENTID_CHARS], again[EVENTID_CHARS];
	unsigned long long	high, low, at;
	unsigned		slot, incarnation;

	if (text.n == 0 || text.n >= sizeof(copy))
		return E_FORMAT;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (sscanf(copy + 1, "-%8x-%8x-%16llx%16llx-%16llx", &slot, &incarnation, &high, &low, &at) != 5)
		return E_FORMAT;
	*out = (struct eventid){ copy[0] == 's', slot, incarnation, { high, low }, at };
	/* sscanf(3) reads more than is written: signs, blanks, capitals. */
	return span_eq(eventid_write(out, again), text) ? 0 : E_FORMAT;
}
