/* SPDX-License-Identifier: Apache-2.0
 *
 * documents.h - an HTTP server of a few documents (tests/servers/documents.c), behind TLS or not
 */
#ifndef TESTS_HARNESS_DOCUMENTS_H
#define TESTS_HARNESS_DOCUMENTS_H

#include "tests/harness/front.h"
#include "tests/harness/testca.h"

struct documents {
	pid_t		pid;
	unsigned	port;		/* without TLS */
	struct front	front;		/* with it */
	char		folder[64];
};

/* Knows nothing yet.  With TLS its certificate is of this authority, for these names; ca NULL: none. */
void	documents_start(struct documents *d, const struct testca *ca, const char *names);
void	documents_stop(struct documents *d);
/* What "/a/b" is from now on: a line of words as documents.c has them, and what goes out; words NULL: 404. */
void	documents_say(struct documents *d, const char *target, const char *words, const char *text);
/* How often this stands in its log. */
size_t	documents_saw(const struct documents *d, const char *text);
void	documents_forget(struct documents *d);

#endif
