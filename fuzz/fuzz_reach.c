/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_reach.c - hosts: what is accepted is canonical, and reading it again changes nothing
 */
#include <stdint.h>
#include <string.h>

#include "lib/bug.h"
#include "policy/reach.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_host(const struct reach_host *h)
{
	struct reach_host	again;
	const char		*why, *special;
	char			 text[ADDR_TEXT_MAX];
	struct span		 name = span_of(h->name);

	if (h->is_address) {
		BUG_ON(h->name[0] != '\0');
		special = addr_special(&h->address);
		addr_text(&h->address, 0, text);
		BUG_ON(reach_host_parse(span_of(text), &again, &why) != 0);
		BUG_ON(!again.is_address || !addr_eq(&again.address, &h->address));
		BUG_ON(addr_special(&again.address) != special);
		return;
	}
	BUG_ON(name.n == 0 || name.n > REACH_NAME_MAX || name.p[name.n - 1] == '.' || name.p[0] == '.');
	for (size_t i = 0; i < name.n; i++)
		BUG_ON(strchr("abcdefghijklmnopqrstuvwxyz0123456789-.", name.p[i]) == NULL);
	BUG_ON(reach_host_parse(name, &again, &why) != 0 || again.is_address || strcmp(again.name, h->name) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct reach_host	 host;
	struct reach_rule	 rule;
	const char		*why;
	int			 r;

	r = reach_host_parse(span_make(data, n), &host, &why);
	BUG_ON((r == 0) != (why == NULL));
	if (r == 0)
		check_host(&host);
	r = reach_rule_parse(span_make(data, n), &rule, &why);
	BUG_ON((r == 0) != (why == NULL));
	if (r == 0) {
		BUG_ON(rule.port == 0 || (rule.kind == REACH_ADDRESS) != rule.host.is_address);
		check_host(&rule.host);
	}
	return 0;
}
