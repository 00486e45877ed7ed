/* SPDX-License-Identifier: Apache-2.0
 *
 * quotatext.h - what may be used in a day or a month, as it is written
 */
#ifndef POLICY_QUOTATEXT_H
#define POLICY_QUOTATEXT_H

#include <stdbool.h>

#include "policy/records.h"

/* "calls=200000/month", "time=10h/day", "bytes=5GiB/month"; more than nothing of it. */
bool	quota_parse(struct span text, struct rec_quota *out);
/* What this one should have been, for people. */
const char *quota_wanted(struct span text);
/* Was one of the same kind and period there already?  seen: 0 before the first one. */
bool	quota_again(const struct rec_quota *q, unsigned *seen);
#define QUOTA_AGAIN	"there is one of this kind and period already; a limit has one of each"

#define QUOTA_TEXT	48
/* As it could have been written. */
const char *quota_text(const struct rec_quota *q, char to[QUOTA_TEXT]);

#endif
