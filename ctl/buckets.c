/* SPDX-License-Identifier: Apache-2.0
 *
 * buckets.c - the buckets of agents and tools, as a worker sees them now
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: nothing; all of it is only shown.
 */
#include <stdio.h>

#include "ctl/buckets.h"
#include "ctl/lines.h"

#define NS_S	1e9

struct each {
	bucket_fn	*fn;
	void		*arg;
};

static bool
is_whole(double rate)
{
	const double	next = (double)(uint64_t)(rate + 0.5);

	return rate >= 0.999 && rate - next < next / 1e6 && next - rate < next / 1e6;
}

/* "50/s", "100/min", "0.5/d": the smallest unit of which it is a whole number, as it was written; else that leaves
 * one or more. */
static void
rate_words(uint64_t interval_ns, char *to, size_t room)
{
	static const struct {
		const char	*unit;
		double		 seconds;
	}	units[] = { { "s", 1 }, { "min", 60 }, { "h", 3600 }, { "d", 86400 } };
	const double	per_s = NS_S / (double)(interval_ns == 0 ? 1 : interval_ns);
	const size_t	count = sizeof(units) / sizeof(units[0]);
	size_t		i = 0;

	while (i < count && !is_whole(per_s * units[i].seconds))
		i++;
	for (size_t k = 0; i == count && k < count; k++)
		if (per_s * units[k].seconds >= 1 || k + 1 == count) {
			snprintf(to, room, "%.1f/%s", per_s * units[k].seconds, units[k].unit);
			return;
		}
	snprintf(to, room, "%.0f/%s", per_s * units[i].seconds, units[i].unit);
}

static void
take(struct json_value object, void *arg)
{
	const struct each	*e = arg;
	struct bucket		 b = { .interval_ns = lines_u64(object, "interval_ns"),
		.burst = lines_u64(object, "burst"), .left = lines_u64(object, "left") };

	lines_text(object, "of", b.of, sizeof(b.of));
	lines_text(object, "tenant", b.tenant, sizeof(b.tenant));
	lines_text(object, "name", b.name, sizeof(b.name));
	lines_text(object, "tool", b.tool, sizeof(b.tool));
	lines_text(object, "rule", b.rule, sizeof(b.rule));
	rate_words(b.interval_ns, b.rate, sizeof(b.rate));
	e->fn(&b, e->arg);
}

int
buckets_each(struct ctl *ctl, bool say, bucket_fn *fn, void *arg)
{
	struct each	e = { fn, arg };

	return lines_each(ctl, CTLCMD_limit_show, NULL, say, take, &e);
}

bool
bucket_is_near_end(const struct bucket *b)
{
	return b->left * 10 <= b->burst;
}
