/* SPDX-License-Identifier: Apache-2.0
 *
 * num.c - text to integer, duration, size
 *
 * Process: all.  Owns: nothing.  Trusts: nobody; overflow is E_RANGE.
 */
#include "lib/num.h"

struct unit {
	const char	*name;
	uint64_t	 factor;
};

static const struct unit msec_units[] = {
	{ "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
};

static const struct unit size_units[] = {
	{ "", 1 }, { "B", 1 }, { "KiB", 1024 }, { "MiB", 1 << 20 }, { "GiB", 1 << 30 }, { NULL, 0 },
};

/* The digits at the front; *rest is what follows them. */
static int
digits(struct span s, uint64_t *out, struct span *rest)
{
	uint64_t	v = 0;
	size_t		i;

	for (i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
		uint64_t d = (uint64_t)(s.p[i] - '0');

		if (v > (UINT64_MAX - d) / 10)
			return E_RANGE;
		v = v * 10 + d;
	}
	if (i == 0)
		return E_FORMAT;
	*out = v;
	*rest = span_part(s, i, s.n);
	return 0;
}

static int
with_unit(struct span s, const struct unit *units, uint64_t *out)
{
	struct span	rest;
	uint64_t	v;
	int		r;

	if ((r = digits(s, &v, &rest)) != 0)
		return r;
	for (; units->name != NULL; units++) {
		if (!span_is(rest, units->name))
			continue;
		if (v > UINT64_MAX / units->factor)
			return E_RANGE;
		*out = v * units->factor;
		return 0;
	}
	return E_FORMAT;
}

int
num_u64(struct span s, uint64_t *out)
{
	struct span	rest;
	uint64_t	v;
	int		r;

	if ((r = digits(s, &v, &rest)) != 0)
		return r;
	if (rest.n != 0)
		return E_FORMAT;
	*out = v;
	return 0;
}

int
num_msec(struct span s, uint64_t *out)
{
	if (span_is(s, "0")) {
		*out = 0;
		return 0;
	}
	return with_unit(s, msec_units, out);
}

int
num_size(struct span s, uint64_t *out)
{
	return with_unit(s, size_units, out);
}

size_t
num_decimal(uint64_t v, char to[NUM_DECIMAL_MAX])
{
	char	digits[NUM_DECIMAL_MAX];
	size_t	at = sizeof(digits);

	do
		digits[--at] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	memcpy(to, digits + at, sizeof(digits) - at);
	return sizeof(digits) - at;
}

void
num_hex(const void *bytes, size_t n, char *to)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *b = bytes;

	for (size_t i = 0; i < n; i++) {
		*to++ = hex[b[i] >> 4];
		*to++ = hex[b[i] & 15];
	}
	*to = '\0';
}
