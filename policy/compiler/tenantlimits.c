/* SPDX-License-Identifier: Apache-2.0
 *
 * tenantlimits.c - TENANT_LIMIT: what parameters say of a tenant as a whole, and of all of them together
 *
 * Process: mcpgw-compile.  Owns: nothing.
 */
#include "policy/build.h"
#include "policy/compiler/quotas.h"
#include "policy/compiler/rules.h"
#include "policy/compiler/values.h"

#define NO_AGENT	UINT32_MAX

struct kind {
	enum limit_of	 of;
	enum param_id	 rate, burst, max_concurrent;
	const char	*path;
};

static void
rate_take(const struct job *j, const struct kind *k, struct rec_limit *l)
{
	uint64_t	number, burst = job_number(j, k->burst);

	if (job_value(j, k->rate).n == 0 || !rate_parse(job_value(j, k->rate), &l->interval_ns, &number))
		return;			/* why was said */
	l->burst = (uint32_t)(burst == 0 ? number : burst);
}

static void
quotas_take(struct job *j, struct rec_limit *l)
{
	struct span		list = job_value(j, PARAM_ID_tenant_quota), word;
	struct rec_quota	q;

	while ((word = span_word(&list)).n > 0)
		if (quota_parse(word, &q))
			quota_put(j, l, &q);
}

void
limits_of_tenant(struct job *j)
{
	static const struct kind	kinds[] = {
		{ LIMIT_OF_TENANT, PARAM_ID_tenant_rate, PARAM_ID_tenant_burst, PARAM_ID_tenant_max_concurrent,
		    "tenant" },
		{ LIMIT_OF_GATEWAY, PARAM_ID_global_rate, PARAM_ID_global_burst, PARAM_ID_max_concurrent, "gateway" },
	};
	struct rec_tenant		*t;
	struct rec_limit		 l;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		l = (struct rec_limit){ .agent = NO_AGENT, .tenant = j->tenant_index, .of = (uint16_t)kinds[i].of,
		    .max_concurrent = (uint32_t)job_number(j, kinds[i].max_concurrent) };
		rate_take(j, &kinds[i], &l);
		if (kinds[i].of == LIMIT_OF_TENANT)
			quotas_take(j, &l);
		if (l.interval_ns == 0 && l.max_concurrent == 0 && l.quota_count == 0)
			continue;
		l.path = put_text(j->policy, span_of(kinds[i].path));
		(void)put_record(j->policy, SECTION_TENANT_LIMIT, &l);
	}
	if ((t = build_at(j->policy, SECTION_TENANT, j->tenant_index)) != NULL)
		t->limit_count = (uint32_t)build_count(j->policy, SECTION_TENANT_LIMIT) - t->limit_first;
}

void
limits_of_address(struct job *j)
{
	static const struct kind	kind = { .of = LIMIT_OF_ADDRESS, .rate = PARAM_ID_address_rate,
					    .burst = PARAM_ID_address_burst };
	struct rec_limit		l = { .agent = NO_AGENT, .of = LIMIT_OF_ADDRESS };

	rate_take(j, &kind, &l);
	if (l.interval_ns == 0)
		return;
	l.path = put_text(j->policy, SPAN_LIT("address"));
	(void)put_record(j->policy, SECTION_TENANT_LIMIT, &l);
}
