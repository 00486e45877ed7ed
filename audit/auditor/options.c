/* SPDX-License-Identifier: Apache-2.0
 *
 * options.c - what `mcpgw-audit --query` was asked for
 *
 * Process: mcpgw-audit in its query form.  Owns: nothing.
 * Trusts:  nobody: the words come from whoever may ask mcpgwctl.
 */
#include <time.h>

#include "audit/auditor/options.h"
#include "audit/record.h"
#include "audit/requestid.h"
#include "lib/num.h"

#define NS_PER_MS UINT64_C(1000000)

static int
calendar_time(const char *text, uint64_t *ns)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S",
	    "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M", "%Y-%m-%d" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { .tm_mday = 1 };
		const char *end = strptime(text, forms[i], &tm);
		time_t t;

		if (end == NULL || *end != '\0')
			continue;
		if ((t = timegm(&tm)) < 0)
			return E_RANGE;
		*ns = (uint64_t)t * UINT64_C(1000000000);
		return 0;
	}
	return E_FORMAT;
}

int
options_time(struct span text, uint64_t now_ns, uint64_t *ns)
{
	char		copy[32];
	uint64_t	ms;

	if (num_msec(text, &ms) == 0) {
		*ns = ms > now_ns / NS_PER_MS ? 0 : now_ns - ms * NS_PER_MS;
		return 0;
	}
	if (text.n >= sizeof(copy))
		return E_FORMAT;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	return calendar_time(copy, ns);
}

const char *
options_wanted(const char *option)
{
	static const struct {
		const char	*option, *wants;
	}	rows[] = {
		{ "--since", "how long ago, such as 30min, 12h or 7d, or a time in UTC such as 2026-11-20T10:31" },
		{ "--until", "how long ago, such as 30min, 12h or 7d, or a time in UTC such as 2026-11-20T10:31" },
		{ "--limit", "a number of records" },
		{ "--request", "a request's id, as errors have it: r- and 12 digits and capital letters" },
		{ "--decision", "allow, deny or learn" },
#define X(name, word) word " "
		{ "--outcome", "one of " AUDIT_OUTCOMES(X) },
#undef X
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].option, option) == 0)
			return rows[i].wants;
	return "something to look for";
}

static bool
is_outcome(struct span value)
{
	for (int i = 0; i < AUDIT_OUTCOME_LIMIT; i++)
		if (span_eq(audit_outcome_word((enum audit_outcome)i), value))
			return true;
	return false;
}

/* An option that takes a value. */
static int
take_value(struct options *o, const char *name, struct span value, uint64_t now_ns)
{
	if (strcmp(name, "--since") == 0)
		return options_time(value, now_ns, &o->since_ns);
	if (strcmp(name, "--until") == 0) {
		o->has_until = true;
		return options_time(value, now_ns, &o->until_ns);
	}
	if (strcmp(name, "--limit") == 0)
		return num_u64(value, &o->limit);
	if (strcmp(name, "--request") == 0) {
		o->has_request = true;
		return requestid_parse(value, &o->request);
	}
	if (value.n == 0)
		return E_FORMAT;
	if (strcmp(name, "--agent") == 0)
		o->agent = value;
	else if (strcmp(name, "--tenant") == 0)
		o->tenant = value;
	else if (strcmp(name, "--server") == 0)
		o->server = value;
	else if (strcmp(name, "--kind") == 0)
		o->kind = value;
	else if (strcmp(name, "--tool") == 0)
		o->tool = value;
	else if (strcmp(name, "--decision") == 0 && (span_is(value, "allow") || span_is(value, "deny") ||
	    span_is(value, "shadow") || span_is(value, "learn")))
		o->decision = value;
	else if (strcmp(name, "--outcome") == 0 && is_outcome(value))
		o->outcome = value;
	else
		return E_FORMAT;
	return 0;
}

int
options_parse(int argc, char **argv, uint64_t now_ns, struct options *out, const char **wrong)
{
	int	i;

	*out = (struct options){ .until_ns = UINT64_MAX };
	*wrong = argc > 1 ? argv[argc - 1] : "";
	for (i = 1; i < argc - 1; i++) {
		*wrong = argv[i];
		if (strcmp(argv[i], "--query") == 0)
			continue;
		if (strcmp(argv[i], "--verify") == 0) {
			out->verify = true;
		} else if (strcmp(argv[i], "--group") == 0) {
			out->group = true;
		} else if (strcmp(argv[i], "--follow") == 0) {
			out->follow = true;
		} else {
			if (i + 1 >= argc - 1)
				return E_FORMAT;
			if (take_value(out, argv[i], span_of(argv[i + 1]), now_ns) != 0) {
				out->value = argv[i + 1];
				return E_FORMAT;
			}
			i++;
		}
	}
	if (argc < 2 || argv[argc - 1][0] == '-' || argv[argc - 1][0] == '\0') {
		*wrong = "the last argument must be the folder";
		return E_FORMAT;
	}
	out->folder = argv[argc - 1];
	return 0;
}
