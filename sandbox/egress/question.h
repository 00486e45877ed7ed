/* SPDX-License-Identifier: Apache-2.0
 *
 * question.h - what a tool asks its name server, and what it is answered (RFC 1035)
 */
#ifndef SANDBOX_EGRESS_QUESTION_H
#define SANDBOX_EGRESS_QUESTION_H

#include <stdint.h>

#include "lib/addr.h"

#define QUESTION_NAME_MAX	255	/* on the wire, its lengths counted (RFC 1035, 2.3.4) */
#define QUESTION_TYPE_A		1
#define QUESTION_ANSWER_MAX	(12 + QUESTION_NAME_MAX + 4 + 16)

enum question_rcode {
	RCODE_OK = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
};

struct question {
	uint16_t	type;
	char		name[QUESTION_NAME_MAX];	/* labels with dots between; not yet looked at */
	size_t		name_bytes;
	size_t		bytes;		/* of head and question, in the message */
};

/* 0; E_CLOSED: no answer at all (an answer itself, or less than a head); E_FORMAT or E_VERSION: to be answered
 * with FORMERR or NOTIMP.  A label that holds a dot is E_FORMAT: two readers would see two names. */
must_check int	question_parse(struct span message, struct question *out);

/* The answer to this message, with one address when `a` is not NULL.  q is NULL where the question could not be
 * read.  Never longer than the message and 16 bytes.  Answers how many of `to` it took. */
size_t		question_answer(struct span message, const struct question *q, enum question_rcode rcode,
		    const struct addr *a, uint32_t ttl_s, uint8_t to[QUESTION_ANSWER_MAX]);

#endif
