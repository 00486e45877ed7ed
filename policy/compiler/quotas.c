/* SPDX-License-Identifier: Apache-2.0
 *
 * quotas.c - QUOTA: what may be used in a day or a month
 *
 * Process: mcpgw-compile.  Owns: nothing.
 */
#include "policy/compiler/quotas.h"
#include "policy/compiler/values.h"

void
quota_put(struct job *j, struct rec_limit *l, const struct rec_quota *q)
{
	struct rec_quota	rec = *q;
	uint32_t		index;

	rec.warn = (uint32_t)job_number(j, PARAM_ID_quota_warn);
	(void)zone_parse(job_value(j, PARAM_ID_quota_zone), &rec.zone_s);	/* what is wrong was said */
	index = put_record(j->policy, SECTION_QUOTA, &rec);
	if (l->quota_count++ == 0)
		l->quota_first = index;
}
