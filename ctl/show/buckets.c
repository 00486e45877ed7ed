/* SPDX-License-Identifier: Apache-2.0
 *
 * buckets.c - the limits in force and what is left of them, as a worker sees them now
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: nothing; all of it is only shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/lines.h"
#include "ctl/out.h"
#include "ctl/show/buckets.h"

struct each {
	bucket_fn	*fn;
	void		*arg;
};

static enum bucket_kind
kind_of(struct json_value object)
{
	char	kind[16];

	lines_text(object, "kind", kind, sizeof(kind));
	return strcmp(kind, "quota") == 0 ? BUCKET_QUOTA : strcmp(kind, "concurrent") == 0 ? BUCKET_CONCURRENT :
	    BUCKET_RATE;
}

const char *
bucket_amount(const struct bucket *b, uint64_t n, char *to, size_t room)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double			 bytes = (double)n;
	size_t			 unit = 0;

	if (strcmp(b->what, "time") == 0) {
		if (n >= 3600000)
			snprintf(to, room, "%" PRIu64 " h %" PRIu64 " min", n / 3600000, n / 60000 % 60);
		else
			snprintf(to, room, "%.1f s", (double)n / 1000);
	} else if (strcmp(b->what, "bytes") == 0) {
		for (; bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
			bytes /= 1024;
		snprintf(to, room, "%.*f %s", unit > 0, bytes, units[unit]);
	} else {
		snprintf(to, room, "%" PRIu64, n);
	}
	return to;
}

static void
take_quota(struct json_value object, struct bucket *b)
{
	const uint64_t	used = lines_u64(object, "used");
	char		most[24];

	b->most = lines_u64(object, "most");
	b->left = used < b->most ? b->most - used : 0;
	b->ends_ms = lines_u64(object, "ends_ms");
	b->warn = lines_u64(object, "warn");
	b->has_left = true;
	lines_text(object, "what", b->what, sizeof(b->what));
	lines_text(object, "period", b->period, sizeof(b->period));
	snprintf(b->rate, sizeof(b->rate), "%s%s/%s", bucket_amount(b, b->most, most, sizeof(most)),
	    strcmp(b->what, "calls") == 0 ? " calls" : "", b->period);
}

static void
take(struct json_value object, void *arg)
{
	const struct each	*e = arg;
	struct bucket		 b = { .kind = kind_of(object) };

	lines_text(object, "of", b.of, sizeof(b.of));
	lines_text(object, "tenant", b.tenant, sizeof(b.tenant));
	lines_text(object, "name", b.name, sizeof(b.name));
	lines_text(object, "tool", b.tool, sizeof(b.tool));
	lines_text(object, "rule", b.rule, sizeof(b.rule));
	lines_text(object, "as", b.as, sizeof(b.as));
	switch (b.kind) {
	case BUCKET_QUOTA:
		take_quota(object, &b);
		break;
	case BUCKET_CONCURRENT:
		b.most = lines_u64(object, "max");
		b.has_left = json_get(object, "running").type != JSON_NONE;
		b.left = lines_u64(object, "running");
		b.left = b.left < b.most ? b.most - b.left : 0;
		snprintf(b.rate, sizeof(b.rate), "%" PRIu64 " at once", b.most);
		break;
	case BUCKET_RATE:
		b.interval_ns = lines_u64(object, "interval_ns");
		b.most = b.burst = lines_u64(object, "burst");
		b.left = lines_u64(object, "left");
		b.has_left = json_get(object, "left").type != JSON_NONE;
		out_rate(b.interval_ns, b.rate, sizeof(b.rate));
		break;
	}
	e->fn(&b, e->arg);
}

static int
ask(struct ctl *ctl, uint32_t command, const struct bucket_whose *whose, bool say, bucket_fn *fn, void *arg)
{
	struct each	e = { fn, arg };
	char		what[512];

	snprintf(what, sizeof(what), "%s\t%s\t%s", whose->name == NULL ? "" : whose->name,
	    whose->as == NULL ? "" : whose->as, whose->tenant == NULL ? "" : whose->tenant);
	return lines_each(ctl, command, what, say, take, &e);
}

int
buckets_each(struct ctl *ctl, const struct bucket_whose *whose, bool say, bucket_fn *fn, void *arg)
{
	static const struct bucket_whose	all;

	return ask(ctl, CTLCMD_limit_show, whose == NULL ? &all : whose, say, fn, arg);
}

int
buckets_reset(struct ctl *ctl, const struct bucket_whose *whose, bucket_fn *fn, void *arg)
{
	return ask(ctl, CTLCMD_limit_reset, whose, true, fn, arg);
}

bool
bucket_is_near_end(const struct bucket *b)
{
	const uint64_t	used = b->most - b->left;

	if (!b->has_left || b->kind == BUCKET_CONCURRENT)
		return false;
	if (b->kind == BUCKET_QUOTA)
		return b->warn > 0 && used >= b->most / 100 * b->warn + b->most % 100 * b->warn / 100;
	return b->left * 10 <= b->burst;
}
