/* SPDX-License-Identifier: Apache-2.0
 *
 * quotatext.c - what may be used in a day or a month, as it is written
 *
 * Process: mcpgw-compile, mcpgwctl.  Owns: nothing.
 */
#include <inttypes.h>
#include <stdio.h>

#include "lib/num.h"
#include "policy/quotatext.h"

static bool
split(struct span text, char at, struct span *before, struct span *behind)
{
	const char	*p = text.n == 0 ? NULL : memchr(text.p, at, text.n);

	if (p == NULL)
		return false;
	*before = span_part(text, 0, (size_t)(p - text.p));
	*behind = span_part(text, (size_t)(p - text.p) + 1, text.n);
	return true;
}

static const struct {
	const char	*word, *wanted;
	int		(*read)(struct span, uint64_t *);
} whats[] = {
	[QUOTA_CALLS] = { "calls", "want calls=NUMBER/PERIOD, where PERIOD is day or month, such as "
	    "\"calls=200000/month\"", num_u64 },
	[QUOTA_TIME] = { "time", "want time=DURATION/PERIOD, where PERIOD is day or month, such as \"time=10h/day\"",
	    num_msec },
	[QUOTA_BYTES] = { "bytes", "want bytes=SIZE/PERIOD, where PERIOD is day or month and sizes are of KiB, MiB and "
	    "GiB, such as \"bytes=5GiB/month\"", num_size },
};

#define WHATS	(sizeof(whats) / sizeof(whats[0]))

bool
quota_parse(struct span text, struct rec_quota *out)
{
	struct span	what, value, period;

	*out = (struct rec_quota){ 0 };
	if (!split(text, '=', &what, &value) || !split(value, '/', &value, &period))
		return false;
	while (out->what < WHATS && !span_is(what, whats[out->what].word))
		out->what++;
	if (out->what == WHATS)
		return false;
	if (span_is(period, "month"))
		out->period = QUOTA_MONTH;
	else if (!span_is(period, "day"))
		return false;
	return whats[out->what].read(value, &out->hard) == 0 && out->hard > 0 && out->hard <= QUOTA_HARD_MAX;
}

const char *
quota_wanted(struct span text)
{
	struct span	what, value;

	for (size_t i = 0; split(text, '=', &what, &value) && i < WHATS; i++)
		if (span_is(what, whats[i].word))
			return whats[i].wanted;
	return "want calls=NUMBER/PERIOD, time=DURATION/PERIOD or bytes=SIZE/PERIOD, where PERIOD is day or month, "
	    "such as \"calls=200000/month\"";
}

bool
quota_again(const struct rec_quota *q, unsigned *seen)
{
	const unsigned	bit = 1u << (q->what * 2 + q->period);
	const bool	again = (*seen & bit) != 0;

	*seen |= bit;
	return again;
}

const char *
quota_text(const struct rec_quota *q, char to[QUOTA_TEXT])
{
	static const struct {
		const char	*word;
		uint64_t	 n;
	} units[][5] = {
		[QUOTA_CALLS] = { { "", 1 } },
		[QUOTA_TIME] = { { "d", 86400000 }, { "h", 3600000 }, { "min", 60000 }, { "s", 1000 }, { "ms", 1 } },
		[QUOTA_BYTES] = { { "GiB", 1u << 30 }, { "MiB", 1u << 20 }, { "KiB", 1u << 10 }, { "", 1 } },
	};
	const unsigned	what = q->what < WHATS ? q->what : QUOTA_CALLS;
	size_t		i = 0;

	/* The largest one of which it is a whole number. */
	while (q->hard % units[what][i].n != 0)
		i++;
	snprintf(to, QUOTA_TEXT, "%s=%" PRIu64 "%s/%s", whats[what].word, q->hard / units[what][i].n,
	    units[what][i].word, q->period == QUOTA_MONTH ? "month" : "day");
	return to;
}
