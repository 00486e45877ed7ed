/* SPDX-License-Identifier: Apache-2.0
 *
 * quotatext.h - what may be used in a day or a month, as it is written
 */
#ifndef POLICY_QUOTATEXT_H
#define POLICY_QUOTATEXT_H

#include <stdbool.h>

#include "policy/records.h"

#define QUOTA_WANTED	"want calls=NUMBER/PERIOD, time=DURATION/PERIOD or bytes=SIZE/PERIOD, where PERIOD is day or " \
			"month, such as \"calls=200000/month\""

/* "calls=200000/month", "time=10h/day", "bytes=5GiB/month"; more than nothing of it. */
bool	quota_parse(struct span text, struct rec_quota *out);

#endif
