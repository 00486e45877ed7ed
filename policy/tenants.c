/* SPDX-License-Identifier: Apache-2.0
 *
 * tenants.c - the order of what is looked up by tenant, for those who write snapshots
 *
 * Process: mcpgw-compile.  Owns: nothing beyond the call.
 *
 * TENANT_SLOT is at most half full, so that a decision costs the same among ten thousand tenants as with one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/sum.h"
#include "policy/tenants.h"

bool
tenant_name_ok(struct span name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (c != '-' || i == 0))
			return false;
	}
	return name.n > 0 && name.n <= TENANT_NAME_MAX;
}

int
tenants_folder(const char *config_dir, struct span tenant, char to[PATH_MAX])
{
	int	n;

	if (!tenant_name_ok(tenant))
		return E_FORMAT;
	n = span_is(tenant, TENANT_DEFAULT) ? snprintf(to, PATH_MAX, "%s", config_dir) :
	    snprintf(to, PATH_MAX, "%s/" TENANTS_DIR "/%.*s", config_dir, SPAN_FMT(tenant));
	return n < PATH_MAX ? 0 : E_TOOBIG;
}

static void
part_add(uint32_t *first, uint32_t *count, uint64_t i)
{
	if (*count == 0)
		*first = (uint32_t)i;
	*count = (uint32_t)i - *first + 1;
}

static void
parts_find(struct build *b)
{
	const struct rec_server	*s;
	const struct rec_agent	*a;
	struct rec_tenant	*t;

	for (uint64_t i = 0; (a = build_at(b, SECTION_AGENT, i)) != NULL; i++)
		if ((t = build_at(b, SECTION_TENANT, a->tenant)) != NULL)
			part_add(&t->agent_first, &t->agent_count, i);
	for (uint64_t i = 0; (s = build_at(b, SECTION_SERVER, i)) != NULL; i++)
		if ((t = build_at(b, SECTION_TENANT, s->tenant)) != NULL)
			part_add(&t->server_first, &t->server_count, i);
}

int
build_tenants(struct build *b)
{
	struct rec_index	*table;
	struct rec_tenant	*t;
	uint64_t		 count = build_count(b, SECTION_TENANT), slots = 2, at;
	int			 r = 0;

	while (slots < count * 2)
		slots *= 2;
	if ((table = calloc(slots, sizeof(*table))) == NULL)
		return E_NOMEM;
	parts_find(b);
	for (uint64_t i = 0; (t = build_at(b, SECTION_TENANT, i)) != NULL; i++) {
		t->hash = sum64(span_make(build_at(b, SECTION_TEXT, t->name.at), t->name.bytes));
		for (at = t->hash & (slots - 1); table[at].index != 0; at = (at + 1) & (slots - 1))
			;
		table[at].index = (uint32_t)i + 1;
	}
	for (uint64_t i = 0; r == 0 && i < slots; i++)
		r = build_add(b, SECTION_TENANT_SLOT, &table[i], NULL);
	free(table);
	return r;
}
