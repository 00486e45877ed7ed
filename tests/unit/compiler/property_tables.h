/* SPDX-License-Identifier: Apache-2.0
 *
 * property_tables.h - what random policies and who asks are made of
 */
#ifndef TESTS_UNIT_COMPILER_PROPERTY_TABLES_H
#define TESTS_UNIT_COMPILER_PROPERTY_TABLES_H

#include "tests/unit/compiler/property.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const agent_names[] = { "backend", "team.role", "me", "nobody" };
static const char *const servers[5] = { "*", "pg", "gh", "f.s", "x" };
static const char *const patterns[] = { "query", "q", "drop_table", "drop_all", "list", "*", "drop_*", "*_table", "q*",
	"?uery", "[dq]*" };
static const char *const tools[] = { "query", "q", "drop_table", "drop_all", "list", "table", "drop_" };

enum { T_TEXT, T_SET, T_FLAG, T_DATE, T_CLOCK, T_DAY, T_ADDRESS, T_ARGUMENT };
enum { K_USER, K_AGENT, K_WORKSPACE, K_ROLES, K_GROUPS, K_SCOPES, K_CREDENTIAL, K_SERVER, K_TOOL, K_KIND, K_READS,
	K_TIME, K_CLOCK, K_DAY, K_ADDRESS, K_ARGUMENT, KEYS };
static const struct { const char *name; unsigned type, fact; } keys[KEYS] = {
	[K_USER] = { "user", T_TEXT, FACT_WHO }, [K_AGENT] = { "agent", T_TEXT, 0 },
	[K_WORKSPACE] = { "workspace", T_TEXT, FACT_BEARER }, [K_ROLES] = { "roles", T_SET, FACT_BEARER },
	[K_GROUPS] = { "groups", T_SET, FACT_BEARER }, [K_SCOPES] = { "scopes", T_SET, FACT_BEARER },
	[K_CREDENTIAL] = { "credential", T_TEXT, FACT_WHO }, [K_SERVER] = { "server", T_TEXT, 0 },
	[K_TOOL] = { "tool", T_TEXT, FACT_NAME }, [K_KIND] = { "kind", T_TEXT, FACT_NAME },
	[K_READS] = { "annotations.readOnlyHint", T_FLAG, FACT_DEFINITION }, [K_TIME] = { "time", T_DATE, FACT_TIME },
	[K_CLOCK] = { "time_of_day", T_CLOCK, FACT_TIME }, [K_DAY] = { "weekday", T_DAY, FACT_TIME },
	[K_ADDRESS] = { "client_address", T_ADDRESS, FACT_CLIENT }, [K_ARGUMENT] = { "arguments/", T_ARGUMENT,
	    FACT_ARGUMENTS },
};

enum { F_TEXT, F_LIKE, F_NUMBER, F_DATE, F_BOOL, F_ADDRESS, F_NULL };
enum { LT = 1, LE, GT, GE, EQ };
static const struct { const char *name; unsigned family; bool negated, nocase; int order; } ops[] = {
	{ "StringEquals", F_TEXT, false, false, 0 }, { "StringNotEquals", F_TEXT, true, false, 0 },
	{ "StringEqualsIgnoreCase", F_TEXT, false, true, 0 }, { "StringNotEqualsIgnoreCase", F_TEXT, true, true, 0 },
	{ "StringLike", F_LIKE, false, false, 0 }, { "StringNotLike", F_LIKE, true, false, 0 },
	{ "NumericEquals", F_NUMBER, false, false, EQ }, { "NumericNotEquals", F_NUMBER, true, false, EQ },
	{ "NumericLessThan", F_NUMBER, false, false, LT }, { "NumericLessThanEquals", F_NUMBER, false, false, LE },
	{ "NumericGreaterThan", F_NUMBER, false, false, GT }, { "NumericGreaterThanEquals", F_NUMBER, false, false, GE },
	{ "DateEquals", F_DATE, false, false, EQ }, { "DateNotEquals", F_DATE, true, false, EQ },
	{ "DateLessThan", F_DATE, false, false, LT }, { "DateLessThanEquals", F_DATE, false, false, LE },
	{ "DateGreaterThan", F_DATE, false, false, GT }, { "DateGreaterThanEquals", F_DATE, false, false, GE },
	{ "Bool", F_BOOL, false, false, 0 }, { "IpAddress", F_ADDRESS, false, false, 0 },
	{ "NotIpAddress", F_ADDRESS, true, false, 0 }, { "Null", F_NULL, false, false, 0 },
};
static const char *const texts[] = { "ann", "bob", "Ann", "dev", "ops", "qa", "query", "pg", "backend", "me", "a\"b\\c",
	"\xc3\xa9t\xc3\xa9", "drop_all" };
static const char *const likes[] = { "a*", "*n*", "?ev", "*o*s", "d*v", "[ab]*", "*drop*", "ops", "*\xc3\xa9" };
static const char *const numbers[] = { "0", "5", "-3", "2.5", "1e2", "1000", "9007199254740993", "5.0" };
static const double	 number_values[] = { 0, 5, -3, 2.5, 100, 1000, 9007199254740992.0, 5 };
static const struct { const char *text; uint64_t ms; } dates[] = {
	{ "2026-01-01T00:00:00Z", 1767225600000 }, { "2026-06-30T12:30:00Z", 1782822600000 },
	{ "2027-01-01T00:00:00Z", 1798761600000 },
};
static const struct { const char *text; unsigned minutes; } clocks[] = {
	{ "00:00", 0 }, { "08:30", 510 }, { "17:00", 1020 }, { "24:00", 1440 },
};
static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
static const char *const networks[] = { "10.0.0.0/8", "10.1.2.3", "192.168.1.0/24", "::1", "2001:db8::/32", "10.0.0.0/13",
	"2001:800::/21", "0.0.0.0/0" };
static const char *const addresses[] = { "", "10.1.2.3", "10.9.9.9", "192.168.1.77", "::1", "2001:db8::5", "9.255.0.1" };
static const char *const users[] = { "", "ann", "bob", "Ann", "a\"b\\c" };
static const char *const hows[] = { "", "key", "peer", "anonymous", "token" };
static const char *const set_names[] = { "dev", "ops", "qa" };

/* Texts of arguments; some are addresses. */
static inline const char *
argument_text(unsigned row)
{
	return row < COUNT(texts) ? texts[row] : addresses[1 + row - COUNT(texts)];
}
#define ARGUMENT_TEXTS (COUNT(texts) + COUNT(addresses) - 1)

/* As it is written. */
const char	*operand_text(const struct condition *c, unsigned i);
/* By the reference. */
enum answer	 condition_holds(const struct condition *c, const struct asking *q);

#endif
