/* SPDX-License-Identifier: Apache-2.0
 *
 * errand_head.h - the heads of an errand, there and back
 */
#ifndef UPSTREAM_ERRAND_HEAD_H
#define UPSTREAM_ERRAND_HEAD_H

#include "lib/arena.h"
#include "upstream/errand.h"

#define ERRAND_OWN_FIELDS	5	/* at most, beside those of the request */

/* 0; E_TOOBIG: more than the arena has; the policy is not held yet. */
must_check int	errand_request_copy(struct arena *a, const struct errand_request *q, struct errand_request *out);
/* How many were set; secrets: the authorization goes along.  `to` has room for all. */
size_t		errand_fields(const struct errand_request *q, bool secrets, struct exchange_field *to);

/* One that says where else to look. */
bool		errand_is_redirect(unsigned status);
/* Nothing is decompressed. */
bool		errand_is_encoded(const struct http_head *h);
/* Status, type, ETag and age; texts go to the arena.  E_NOMEM. */
must_check int	errand_read_head(const struct http_head *h, struct arena *a, struct errand_answer *out);

#endif
