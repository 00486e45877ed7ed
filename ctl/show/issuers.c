/* SPDX-License-Identifier: Apache-2.0
 *
 * issuers.c - issuers of tokens, as a worker sees them now
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: nothing; all of it is only shown.
 */
#include "ctl/lines.h"
#include "ctl/show/issuers.h"

struct each {
	issuer_fn	*fn;
	void		*arg;
};

static void
take(struct json_value object, void *arg)
{
	const struct each	*e = arg;
	struct issuer_seen	 i = { .id = lines_u64(object, "id"), .discovery = lines_u64(object, "discovery") != 0,
		.secret = lines_u64(object, "secret") != 0, .configured_keys = lines_u64(object, "configured_keys"),
		.fetched_keys = lines_u64(object, "fetched_keys"), .unusable = lines_u64(object, "unusable"),
		.failures = lines_u64(object, "failures"), .fetched_ms = lines_u64(object, "fetched_ms"),
		.tried_ms = lines_u64(object, "tried_ms"), .next_ms = lines_u64(object, "next_ms"),
		.ends_ms = lines_u64(object, "ends_ms") };

	lines_text(object, "issuer", i.issuer, sizeof(i.issuer));
	lines_text(object, "from", i.from, sizeof(i.from));
	lines_text(object, "url", i.url, sizeof(i.url));
	lines_text(object, "error", i.error, sizeof(i.error));
	e->fn(&i, e->arg);
}

int
issuers_each(struct ctl *ctl, bool say, issuer_fn *fn, void *arg)
{
	struct each	e = { fn, arg };

	return lines_each(ctl, CTLCMD_issuer_list, NULL, say, take, &e);
}

bool
issuer_is_bad(const struct issuer_seen *i, uint64_t now_ms)
{
	return i->id != 0 && (i->fetched_ms == 0 || i->ends_ms <= now_ms || i->error[0] != '\0');
}
