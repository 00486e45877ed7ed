/* SPDX-License-Identifier: Apache-2.0
 *
 * quotatext.c - what may be used in a day or a month, as it is written
 *
 * Process: mcpgw-compile, mcpgwctl.  Owns: nothing.
 */
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

bool
quota_parse(struct span text, struct rec_quota *out)
{
	static const struct {
		const char	*word;
		int		(*read)(struct span, uint64_t *);
	} whats[] = { [QUOTA_CALLS] = { "calls", num_u64 }, [QUOTA_TIME] = { "time", num_msec },
	    [QUOTA_BYTES] = { "bytes", num_size } };
	struct span	what, value, period;

	*out = (struct rec_quota){ 0 };
	if (!split(text, '=', &what, &value) || !split(value, '/', &value, &period))
		return false;
	while (out->what < sizeof(whats) / sizeof(whats[0]) && !span_is(what, whats[out->what].word))
		out->what++;
	if (out->what == sizeof(whats) / sizeof(whats[0]))
		return false;
	if (span_is(period, "month"))
		out->period = QUOTA_MONTH;
	else if (!span_is(period, "day"))
		return false;
	return whats[out->what].read(value, &out->hard) == 0 && out->hard > 0 && out->hard <= QUOTA_HARD_MAX;
}
