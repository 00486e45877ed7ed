/* SPDX-License-Identifier: Apache-2.0
 *
 * property.c - random policies with conditions, and a plain reading of what they say
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/nameset.h"
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
	[K_USER] = { "user", T_TEXT, FACT_BEARER }, [K_AGENT] = { "agent", T_TEXT, 0 },
	[K_WORKSPACE] = { "workspace", T_TEXT, FACT_BEARER }, [K_ROLES] = { "roles", T_SET, FACT_BEARER },
	[K_GROUPS] = { "groups", T_SET, FACT_BEARER }, [K_SCOPES] = { "scopes", T_SET, FACT_BEARER },
	[K_CREDENTIAL] = { "credential", T_TEXT, FACT_BEARER }, [K_SERVER] = { "server", T_TEXT, 0 },
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

/* --- chance -------------------------------------------------------------------------------------- */

static uint64_t	dice_state;

void
dice_seed(uint64_t seed)
{
	dice_state = seed;
}

unsigned
dice(unsigned n)
{
	uint64_t z = (dice_state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (unsigned)((z ^ z >> 31) >> 33) % n;
}

static bool
fits(unsigned op, unsigned key)
{
	switch (ops[op].family) {
	case F_TEXT:
		return keys[key].type == T_TEXT || keys[key].type == T_SET || keys[key].type == T_ARGUMENT ||
		    (keys[key].type == T_DAY && !ops[op].nocase);
	case F_LIKE:
		return (keys[key].type == T_TEXT || keys[key].type == T_SET || keys[key].type == T_ARGUMENT) &&
		    key != K_CREDENTIAL && key != K_KIND;
	case F_NUMBER:
		return keys[key].type == T_ARGUMENT;
	case F_DATE:
		return keys[key].type == T_DATE || keys[key].type == T_CLOCK;
	case F_BOOL:
		return keys[key].type == T_FLAG || keys[key].type == T_ARGUMENT;
	case F_ADDRESS:
		return keys[key].type == T_ADDRESS || keys[key].type == T_ARGUMENT;
	default:
		return keys[key].type != T_DATE && keys[key].type != T_CLOCK && keys[key].type != T_DAY;
	}
}

/* How many rows the operands of this condition have. */
static unsigned
operand_rows(const struct condition *c)
{
	switch (ops[c->op].family) {
	case F_TEXT:
		return c->key == K_DAY ? 7 : c->key == K_CREDENTIAL ? 4 : c->key == K_KIND ? 4 : COUNT(texts);
	case F_LIKE:
		return COUNT(likes);
	case F_NUMBER:
		return COUNT(numbers);
	case F_DATE:
		return c->key == K_TIME ? COUNT(dates) : COUNT(clocks);
	case F_ADDRESS:
		/* Every address is in the last one. */
		return COUNT(networks) - (c->key == K_ARGUMENT);
	default:
		return 2;
	}
}

static const char *
operand_text(const struct condition *c, unsigned i)
{
	static const char *const kinds[] = { "tool", "prompt", "resource", "completion" };
	const unsigned		 row = c->operands[i];

	switch (ops[c->op].family) {
	case F_TEXT:
		return c->key == K_DAY ? days[row] : c->key == K_CREDENTIAL ? hows[row + 1] : c->key == K_KIND ?
		    kinds[row] : texts[row];
	case F_LIKE:
		return likes[row];
	case F_NUMBER:
		return numbers[row];
	case F_DATE:
		return c->key == K_TIME ? dates[row].text : clocks[row].text;
	case F_ADDRESS:
		return networks[row];
	default:
		return row == 0 ? "false" : "true";
	}
}

static void
condition_make(struct policy *p, struct condition *c)
{
	*c = (struct condition){ .zone = (int)dice(5) - 2 };
	do {
		c->op = dice(COUNT(ops));
		c->key = dice(3) == 0 ? K_ARGUMENT : dice(KEYS);
	} while (!fits(c->op, c->key) || (c->key == K_ARGUMENT && p->arguments == PROPERTY_ARGUMENTS));
	if (c->key == K_ARGUMENT)
		c->argument = p->arguments++;
	c->if_exists = ops[c->op].family != F_NULL && dice(4) == 0;
	if (ops[c->op].family != F_NULL && (keys[c->key].type == T_SET ||
	    (c->key == K_ARGUMENT && dice(4) == 0))) {
		c->any = dice(2) == 0;
		c->all = !c->any;
	}
	c->operand_count = ops[c->op].family == F_NULL || ops[c->op].family == F_BOOL ? 1 : 1 + dice(3);
	for (unsigned i = 0; i < c->operand_count; i++)
		c->operands[i] = dice(operand_rows(c));
}

/* No member of "when" may come twice. */
static bool
is_double(const struct line *l, unsigned i)
{
	const struct condition	*c = &l->conditions[i];

	for (unsigned k = 0; k < i; k++)
		if (l->conditions[k].op == c->op && l->conditions[k].any == c->any && l->conditions[k].all == c->all &&
		    l->conditions[k].if_exists == c->if_exists)
			return true;
	return false;
}

static void
line_make(struct policy *p, struct property_agent *a, bool of_server, bool deny, bool hide, unsigned server,
    unsigned pattern, unsigned place)
{
	struct line	*l = &a->lines[a->count++];

	/* Servers mostly without, or hardly anything would come to the rules of tools. */
	*l = (struct line){ .of_server = of_server, .deny = deny, .hide = hide, .server = server, .pattern = pattern,
	    .place = place, .shadow = deny && dice(8) == 0, .condition_count = dice(of_server && !deny ? 3 : 2) > 0 ? 0 :
	    1 + dice(PROPERTY_CONDITIONS) };
	for (unsigned i = 0; i < l->condition_count; i++) {
		do
			condition_make(p, &l->conditions[i]);
		while (is_double(l, i));
		l->conditions[i].zone = l->conditions[0].zone;
	}
}

static void
section_make(struct policy *p, struct property_agent *a, bool deny, bool hide)
{
	unsigned	place = 0;

	for (unsigned s = 0; s < COUNT(servers); s++)
		for (unsigned twice = 0; twice < 2; twice++)
			if (dice(deny ? 14 : 3) == 0 && a->count < PROPERTY_LINES)
				line_make(p, a, true, deny, hide, s, 0, place++);
	for (unsigned s = 0; s < COUNT(servers); s++) {
		unsigned n = dice(deny ? 4 : 2) == 0 ? 1 + dice(4) : 0;

		for (place = 0; place < n && a->count < PROPERTY_LINES; place++)
			line_make(p, a, false, deny, hide, s, dice(COUNT(patterns)), place);
		if (!deny && n > 0 && place > 0)
			a->list[s] = true;
	}
}

void
policy_make(struct policy *p)
{
	*p = (struct policy){ .deny_first = dice(2) == 0, .enforce = dice(20) != 0 };
	for (unsigned i = 0; i < PROPERTY_AGENTS; i++) {
		p->agents[i].shadow = dice(20) == 0;
		section_make(p, &p->agents[i], false, false);
		section_make(p, &p->agents[i], true, false);
		section_make(p, &p->agents[i], true, true);
	}
}

/* --- as text ------------------------------------------------------------------------------------- */

#define PUT(...) cr_assert(eq(int, buf_put_fmt(json, __VA_ARGS__), 0))

static void
condition_put(const struct condition *c, struct buf *json)
{
	const bool	bare = ops[c->op].family == F_NUMBER || ops[c->op].family == F_BOOL || ops[c->op].family == F_NULL;

	PUT("\"%s%s%s\":{\"%s", c->any ? "ForAnyValue:" : c->all ? "ForAllValues:" : "", ops[c->op].name,
	    c->if_exists ? "IfExists" : "", keys[c->key].name);
	if (c->key == K_ARGUMENT)
		PUT(c->argument % 3 == 0 ? "a%u" : c->argument % 3 == 1 ? "in~1side/a%u" : "list/1/a%u", c->argument);
	PUT("\":%s", c->operand_count > 1 ? "[" : "");
	for (unsigned i = 0; i < c->operand_count; i++) {
		PUT("%s", i > 0 ? "," : "");
		if (bare)
			PUT("%s", operand_text(c, i));
		else
			cr_assert(eq(int, json_put_string(json, span_of(operand_text(c, i))), 0));
	}
	PUT("%s}", c->operand_count > 1 ? "]" : "");
}

static void
when_put(const struct line *l, struct buf *json)
{
	PUT(",\"when\":{\"zone\":\"%c%02d:00\"", l->conditions[0].zone < 0 ? '-' : '+',
	    l->conditions[0].zone < 0 ? -l->conditions[0].zone : l->conditions[0].zone);
	for (unsigned i = 0; i < l->condition_count; i++) {
		PUT(",");
		condition_put(&l->conditions[i], json);
	}
	PUT("}");
}

static void
line_put(const struct line *l, struct buf *json)
{
	const char	*name = l->of_server ? servers[l->server] : patterns[l->pattern];

	if (l->condition_count == 0 && !l->shadow) {
		PUT("\"%s\"", name);
		return;
	}
	PUT("{\"%s\":\"%s\"", l->of_server ? "server" : "tool", name);
	if (l->condition_count > 0)
		when_put(l, json);
	PUT("%s}", l->shadow ? ",\"shadow\":true" : "");
}

static void
section_put(const struct property_agent *a, bool deny, bool hide, struct buf *json)
{
	bool	first = true, first_list = true;

	PUT("\"%s\":{\"servers\":[", hide ? "hide" : deny ? "deny" : "allow");
	for (unsigned i = 0; i < a->count; i++)
		if (a->lines[i].of_server && a->lines[i].deny == deny && a->lines[i].hide == hide) {
			PUT("%s", first ? "" : ",");
			line_put(&a->lines[i], json);
			first = false;
		}
	PUT("],\"tools\":{");
	for (unsigned s = 0; s < COUNT(servers); s++) {
		first = true;
		for (unsigned i = 0; i < a->count; i++) {
			const struct line *l = &a->lines[i];

			if (l->of_server || l->deny != deny || l->hide != hide || l->server != s)
				continue;
			if (first)
				PUT("%s\"%s\":[", first_list ? "" : ",", servers[s]);
			else
				PUT(",");
			line_put(l, json);
			first = first_list = false;
		}
		if (!first)
			PUT("]");
	}
	PUT("}}");
}

void
policy_put(const struct policy *p, unsigned only, struct buf *json)
{
	bool	first = true;

	PUT("{\"agents\":{");
	for (unsigned i = 0; i < PROPERTY_AGENTS; i++) {
		if (only < PROPERTY_AGENTS && only != i)
			continue;
		PUT("%s\n\"%s\":{\"shadow\":%s,", first ? "" : ",", agent_names[i], p->agents[i].shadow ? "true" : "false");
		section_put(&p->agents[i], false, false, json);
		PUT(",");
		section_put(&p->agents[i], true, false, json);
		PUT(",");
		section_put(&p->agents[i], true, true, json);
		PUT("}");
		first = false;
	}
	PUT("}}");
}

const char *
property_agent_name(unsigned agent)
{
	return agent_names[agent];
}

void
line_path(unsigned agent, const struct line *l, char to[128])
{
	const char	*section = l->hide ? "hide" : l->deny ? "deny" : "allow";

	if (l->of_server)
		snprintf(to, 128, "agents.%s.%s.servers[%u]", agent_names[agent], section, l->place);
	else
		snprintf(to, 128, "agents.%s.%s.tools.%s[%u]", agent_names[agent], section, servers[l->server], l->place);
}

/* --- the reference: conditions ------------------------------------------------------------------- */

static enum answer
negate(enum answer a)
{
	return a == OPEN ? OPEN : a == YES ? NO : YES;
}

/* What is compared, whatever it came from. */
struct seen {
	bool		 is_text, is_number, is_flag, is_address;
	const char	*text;
	double		 number;
	bool		 flag;
};

static bool
in_network(const char *network, const char *address)
{
	char		text[64];
	unsigned char	net[16], a[16];
	int		family = strchr(network, ':') != NULL ? AF_INET6 : AF_INET;
	unsigned	bits = family == AF_INET ? 32 : 128;

	snprintf(text, sizeof(text), "%s", network);
	if (strchr(text, '/') != NULL) {
		bits = (unsigned)atoi(strchr(text, '/') + 1);
		*strchr(text, '/') = '\0';
	}
	if (inet_pton(family, text, net) != 1 || inet_pton(family, address, a) != 1)
		return false;
	for (unsigned i = 0; i < bits; i++)
		if (((net[i / 8] ^ a[i / 8]) >> (7 - i % 8) & 1) != 0)
			return false;
	return true;
}

static bool
ordered(double a, int order, double b)
{
	switch (order) {
	case LT:
		return a < b;
	case LE:
		return a <= b;
	case GT:
		return a > b;
	case GE:
		return a >= b;
	default:
		return !(a < b) && !(a > b);
	}
}

static enum answer
one_operand(const struct condition *c, unsigned i, const struct seen *v)
{
	const char	*want = operand_text(c, i);
	bool		 yes;

	switch (ops[c->op].family) {
	case F_TEXT:
		if (!v->is_text)
			return OPEN;
		yes = ops[c->op].nocase ? strcasecmp(v->text, want) == 0 : strcmp(v->text, want) == 0;
		break;
	case F_LIKE:
		if (!v->is_text)
			return OPEN;
		yes = fnmatch(want, v->text, FNM_NOESCAPE) == 0;
		break;
	case F_NUMBER:
		if (!v->is_number)
			return OPEN;
		yes = ordered(v->number, ops[c->op].order, number_values[c->operands[i]]);
		break;
	case F_DATE:
		yes = ordered(v->number, ops[c->op].order, c->key == K_TIME ? (double)dates[c->operands[i]].ms :
		    clocks[c->operands[i]].minutes);
		break;
	case F_BOOL:
		if (!v->is_flag)
			return OPEN;
		yes = v->flag == (c->operands[i] == 1);
		break;
	default:
		if (!v->is_address)
			return OPEN;
		yes = in_network(want, v->text);
		break;
	}
	return yes ? YES : NO;
}

static enum answer
one_value(const struct condition *c, const struct seen *v)
{
	enum answer	all = NO, one;

	for (unsigned i = 0; i < c->operand_count; i++) {
		one = one_operand(c, i, v);
		if (one == YES || (one == OPEN && all == NO))
			all = one;
		if (all == YES)
			break;
	}
	return ops[c->op].negated ? negate(all) : all;
}

static bool
is_an_address(const char *text)
{
	unsigned char	a[16];

	return inet_pton(AF_INET, text, a) == 1 || inet_pton(AF_INET6, text, a) == 1;
}

static struct seen
seen_text(const char *text)
{
	return (struct seen){ .is_text = true, .text = text, .is_address = is_an_address(text) };
}

/* Texts of arguments; some are addresses. */
static const char *
argument_text(unsigned row)
{
	return row < COUNT(texts) ? texts[row] : addresses[1 + row - COUNT(texts)];
}
#define ARGUMENT_TEXTS (COUNT(texts) + COUNT(addresses) - 1)

/* All values of what is asked for, at most three; 0: it is absent. */
static unsigned
values_of(const struct condition *c, const struct asking *q, struct seen v[3], bool *is_list)
{
	const unsigned	 bits = c->key == K_ROLES ? q->roles : c->key == K_GROUPS ? q->groups : q->scopes;
	const uint64_t	 local = q->wall_ms / 1000 + (uint64_t)(int64_t)(c->zone * 3600) + 604800;
	const struct argument *arg = &q->arguments[c->argument];
	static const char *const kinds[] = { "", "tool", "resource", "resource", "prompt", "completion" };
	unsigned	 n = 0;

	*is_list = keys[c->key].type == T_SET;
	switch (c->key) {
	case K_USER:
		v[0] = seen_text(users[q->user]);
		return q->user != 0;
	case K_AGENT:
		v[0] = seen_text(agent_names[q->agent]);
		return 1;
	case K_WORKSPACE:
		v[0] = seen_text(texts[q->workspace - (q->workspace > 0)]);
		return q->workspace != 0;
	case K_CREDENTIAL:
		v[0] = seen_text(hows[q->how]);
		return q->how != 0;
	case K_SERVER:
		v[0] = seen_text(servers[q->server]);
		return 1;
	case K_TOOL:
		v[0] = seen_text(tools[q->tool]);
		return q->kind == OBJECT_TOOL;
	case K_KIND:
		v[0] = seen_text(kinds[q->kind]);
		return q->kind != OBJECT_SERVER;
	case K_READS:
		v[0] = (struct seen){ .is_flag = true, .flag = (q->hints & HINT_READ_ONLY) != 0 };
		return (q->hints_said & HINT_READ_ONLY) != 0;
	case K_TIME:
		v[0] = (struct seen){ .is_number = true, .number = (double)q->wall_ms };
		return 1;
	case K_CLOCK:
		v[0] = (struct seen){ .is_number = true, .number = (double)(local / 60 % 1440) };
		return 1;
	case K_DAY:
		v[0] = seen_text(days[(local / 86400 + 3) % 7]);
		return 1;
	case K_ADDRESS:
		v[0] = seen_text(addresses[q->address]);
		return q->address != 0;
	case K_ARGUMENT:
		break;
	default:
		for (unsigned i = 0; i < COUNT(set_names); i++)
			if ((bits >> i & 1) != 0)
				v[n++] = seen_text(set_names[i]);
		return n;
	}
	switch (arg->type) {
	case ARG_NUMBER:
		v[0] = (struct seen){ .is_number = true, .number = number_values[arg->row[0]] };
		return 1;
	case ARG_TEXT:
		v[0] = seen_text(argument_text(arg->row[0]));
		return 1;
	case ARG_FLAG:
		v[0] = (struct seen){ .is_flag = true, .flag = arg->flag };
		return 1;
	case ARG_LIST:
		*is_list = true;
		for (n = 0; n < arg->count; n++)
			v[n] = seen_text(argument_text(arg->row[n]));
		if (arg->odd && n > 0)
			v[n - 1] = (struct seen){ .is_number = true };
		return n;
	case ARG_OBJECT:
		v[0] = (struct seen){ .is_text = false };
		return 1;
	default:
		return 0;
	}
}

static enum answer
condition_holds(const struct condition *c, const struct asking *q)
{
	const bool	list_arg = c->key == K_ARGUMENT && q->arguments[c->argument].type == ARG_LIST;
	struct seen	v[3] = { 0 };
	enum answer	all, one;
	bool		is_list;
	unsigned	n;

	if ((keys[c->key].fact & ~q->known) != 0)
		return OPEN;
	n = values_of(c, q, v, &is_list);
	if (ops[c->op].family == F_NULL)
		return (n == 0 && !list_arg) == (c->operands[0] == 1) ? YES : NO;
	if (n == 0 && !list_arg)
		return c->if_exists || c->all || (ops[c->op].negated && !c->any) ? YES : NO;
	if (list_arg && !c->any && !c->all)
		return OPEN;
	if (!is_list)
		return one_value(c, &v[0]);
	all = c->any ? NO : YES;
	for (unsigned i = 0; i < n; i++) {
		one = one_value(c, &v[i]);
		if (one == (c->any ? YES : NO))
			return one;
		if (one == OPEN)
			all = OPEN;
	}
	return all;
}

enum answer
line_holds(const struct policy *p, const struct asking *q, const struct line *l)
{
	enum answer	all = YES, one;

	(void)p;
	for (unsigned i = 0; i < l->condition_count; i++) {
		one = condition_holds(&l->conditions[i], q);
		if (one == NO)
			return NO;
		if (one == OPEN)
			all = OPEN;
	}
	return all;
}

/* --- the reference: rules ------------------------------------------------------------------------ */

static bool
is_wild(const char *s)
{
	return strpbrk(s, "*?[") != NULL;
}

const char *
line_class(const struct line *l)
{
	const char	*pattern = l->of_server ? servers[l->server] : patterns[l->pattern];

	if (l->deny)
		return is_wild(pattern) ? "wildcard deny" : "explicit deny";
	return is_wild(pattern) || is_wild(servers[l->server]) ? "wildcard allow" : "explicit allow";
}

static bool
counts(const struct policy *p, const struct asking *q, const struct line *l, bool of_server)
{
	if (l->of_server != of_server || (l->server != 0 && l->server != q->server))
		return false;
	if (!of_server && (q->kind != OBJECT_TOOL ? strcmp(patterns[l->pattern], "*") != 0 :
	    fnmatch(patterns[l->pattern], tools[q->tool], FNM_NOESCAPE) != 0))
		return false;
	switch (line_holds(p, q, l)) {
	case YES:
		return true;
	case OPEN:
		return l->deny != q->hopeful;
	default:
		return false;
	}
}

/* The strongest class that speaks. */
static struct verdict
strongest(const struct policy *p, const struct asking *q, bool of_server)
{
	static const char *const	seed[] = { "explicit deny", "explicit allow", "wildcard deny", "wildcard allow" };
	static const char *const	other[] = { "explicit deny", "wildcard deny", "explicit allow", "wildcard allow" };
	const struct property_agent	*a = &p->agents[q->agent];
	const char			*watched = NULL;

	for (unsigned c = 0; c < 4; c++) {
		const char	*class = p->deny_first ? other[c] : seed[c];
		unsigned	 hide = 0, show = 0;

		for (unsigned i = 0; i < a->count; i++) {
			if (strcmp(line_class(&a->lines[i]), class) != 0 || !counts(p, q, &a->lines[i], of_server))
				continue;
			if (a->lines[i].shadow && watched == NULL)
				watched = class;
			else if (!a->lines[i].shadow)
				*(a->lines[i].hide ? &hide : &show) += 1;
		}
		if (hide + show > 0) {
			const bool allow = strstr(class, "allow") != NULL;

			return (struct verdict){ allow, hide > 0, hide == 0 || show == 0, allow && watched != NULL,
			    allow && watched != NULL ? watched : class };
		}
	}
	return (struct verdict){ false, false, true, watched != NULL, watched != NULL ? watched : "no rule" };
}

static struct verdict
by_rules(const struct policy *p, const struct asking *q)
{
	const struct property_agent	*a = &p->agents[q->agent];
	struct verdict			 server = strongest(p, q, true), inside;
	bool				 list = a->list[0] || a->list[q->server];

	if (!server.allow)
		return (struct verdict){ false, server.hide, server.hide_known, false,
		    server.shadow ? "no rule" : server.class };
	if (q->kind == OBJECT_SERVER)
		return server;
	inside = strongest(p, q, false);
	if (!inside.allow && (strcmp(inside.class, "no rule") == 0 || inside.shadow)) {
		/* Nothing that is enforced speaks. */
		if (!p->deny_first || list)
			return (struct verdict){ false, false, true, false, "no rule" };
		inside = (struct verdict){ true, false, true, inside.shadow, inside.shadow ? inside.class :
		    "implicit grant" };
	}
	if (inside.allow && !inside.shadow && server.shadow)
		inside = (struct verdict){ true, false, true, true, server.class };
	return inside;
}

void
reference(const struct policy *p, const struct asking *q, struct verdict *out)
{
	if (q->agent == PROPERTY_AGENTS) {
		*out = (struct verdict){ false, false, true, false, "unknown agent" };
		return;
	}
	*out = by_rules(p, q);
	if (!out->allow && (!p->enforce || p->agents[q->agent].shadow)) {
		out->allow = out->shadow = true;
		out->hide = false;
	}
}

/* --- who asks ------------------------------------------------------------------------------------ */

static void
argument_make(struct argument *a)
{
	*a = (struct argument){ .type = (enum argument_type)dice(ARG_TYPES), .flag = dice(2) == 0, .odd = dice(6) == 0,
	    .count = dice(4) };
	for (unsigned i = 0; i < 3; i++)
		a->row[i] = dice(a->type == ARG_NUMBER ? COUNT(numbers) : ARGUMENT_TEXTS);
}

void
asking_make(const struct policy *p, struct asking *q)
{
	static const unsigned	facts[] = { FACT_BEARER, FACT_TIME, FACT_CLIENT, FACT_ARGUMENTS, FACT_DEFINITION };

	*q = (struct asking){ .agent = dice(20) == 0 ? PROPERTY_AGENTS : dice(PROPERTY_AGENTS),
	    .kind = dice(4) == 0 ? (enum object_kind)dice(OBJECT_KIND_LIMIT) : OBJECT_TOOL, .server = 1 + dice(4),
	    .tool = dice(COUNT(tools)), .user = dice(COUNT(users)), .workspace = dice(4), .how = dice(COUNT(hows)),
	    .roles = dice(8), .groups = dice(8), .scopes = dice(8), .address = dice(COUNT(addresses)),
	    .wall_ms = UINT64_C(1764547200000) + dice(900) * UINT64_C(43213000), .hints_said = dice(2),
	    .known = FACTS_ALL };
	q->hints = q->hints_said != 0 ? dice(2) : 0;
	for (unsigned i = 0; i < p->arguments; i++)
		argument_make(&q->arguments[i]);
	for (unsigned i = 0; i < COUNT(facts); i++)
		if (dice(8) == 0)
			q->known &= ~facts[i];
	if (q->kind == OBJECT_SERVER)
		q->known &= ~(unsigned)FACT_NAME;
	q->hopeful = dice(2) == 0;
}

static bool
argument_find(const struct condition *c, struct asking *q, enum answer want)
{
	for (unsigned tries = 0; tries < 400; tries++) {
		if (condition_holds(c, q) == want)
			return true;
		argument_make(&q->arguments[c->argument]);
	}
	return false;
}

bool
asking_witness(const struct policy *p, struct asking *q)
{
	const struct property_agent	*a = &p->agents[q->agent];
	bool				 found;

	q->known = FACTS_ALL & ~(q->kind == OBJECT_SERVER ? (unsigned)FACT_NAME : 0u);
	for (unsigned i = 0; i < a->count; i++) {
		const struct line *l = &a->lines[i];

		found = !l->deny;
		for (unsigned c = 0; c < l->condition_count; c++)
			if (l->conditions[c].key == K_ARGUMENT) {
				if (!l->deny && !argument_find(&l->conditions[c], q, YES))
					return false;
				if (l->deny)
					found |= argument_find(&l->conditions[c], q, NO);
			}
		if (!found && l->deny && l->condition_count > 0)
			for (unsigned c = 0; c < l->condition_count; c++)
				if (l->conditions[c].key == K_ARGUMENT)
					return false;
	}
	return true;
}

/* --- the same for decide() ----------------------------------------------------------------------- */

static void
string_put(struct buf *json, const char *text, bool escaped)
{
	if (!escaped || (unsigned char)text[0] >= 0x80 || text[0] == '\0') {
		cr_assert(eq(int, json_put_string(json, span_of(text)), 0));
		return;
	}
	PUT("\"\\u%04x", (unsigned)text[0]);
	for (const char *t = text + 1; *t != '\0'; t++)
		if (*t == '"' || *t == '\\')
			PUT("\\%c", *t);
		else
			PUT("%c", *t);
	PUT("\"");
}

static void
argument_put(const struct argument *a, unsigned number, struct buf *json)
{
	PUT("\"a%u\":", number);
	switch (a->type) {
	case ARG_NUMBER:
		PUT("%s", numbers[a->row[0]]);
		break;
	case ARG_TEXT:
		string_put(json, argument_text(a->row[0]), a->flag);
		break;
	case ARG_FLAG:
		PUT("%s", a->flag ? "true" : "false");
		break;
	case ARG_LIST:
		PUT("[");
		for (unsigned i = 0; i < a->count; i++) {
			PUT("%s", i > 0 ? " , " : "");
			if (a->odd && i + 1 == a->count)
				PUT("0");
			else
				string_put(json, argument_text(a->row[i]), a->flag);
		}
		PUT("]");
		break;
	case ARG_OBJECT:
		PUT("{\"a%u\":\"ann\"}", number);
		break;
	default:
		PUT("null");
		break;
	}
}

static void
arguments_put(const struct policy *p, const struct asking *q, struct buf *json)
{
	static const char *const	before[] = { "{\"other\":1", ",\"in/side\":{\"other\":[{}]", ",\"list\":[0,{\"o\":{}" };
	static const char *const	after[] = { "", "}", "}]" };

	for (unsigned place = 0; place < 3; place++) {
		PUT("%s", before[place]);
		for (unsigned i = place; i < p->arguments; i += 3)
			if (q->arguments[i].type != ARG_ABSENT) {
				PUT(",");
				argument_put(&q->arguments[i], i, json);
			}
		PUT("%s", after[place]);
	}
	PUT("}");
}

static struct span
set_put(unsigned bits, struct arena *a)
{
	struct span	names[COUNT(set_names)], set;
	size_t		n = 0;

	for (unsigned i = 0; i < COUNT(set_names); i++)
		if ((bits >> i & 1) != 0)
			names[n++] = span_of(set_names[i]);
	cr_assert(eq(int, nameset_make(names, n, a, &set), 0));
	return set;
}

void
asking_put(const struct policy *p, const struct asking *q, struct arena *a, struct principal *who,
    struct object *what, struct facts *facts)
{
	struct buf	json;
	struct span	text;

	*who = (struct principal){ .tenant = SPAN_LIT("default"), .agent = span_of(agent_names[q->agent]),
	    .how = (enum principal_how)q->how, .traits = { .user = span_of(users[q->user]),
	    .workspace = q->workspace == 0 ? SPAN_NONE : span_of(texts[q->workspace - 1]),
	    .roles = set_put(q->roles, a), .groups = set_put(q->groups, a), .scopes = set_put(q->scopes, a) } };
	*facts = (struct facts){ .known = q->known, .hopeful = q->hopeful, .wall_ms = q->wall_ms, .arena = a,
	    .hints = q->hints, .hints_said = q->hints_said };
	if (q->address > 0) {
		facts->client.family = strchr(addresses[q->address], ':') != NULL ? AF_INET6 : AF_INET;
		cr_assert(eq(int, inet_pton(facts->client.family, addresses[q->address], facts->client.bytes), 1));
	}
	buf_init(&json, 1 << 20);
	arguments_put(p, q, &json);
	text = arena_dup(a, buf_rest(&json));
	buf_fini(&json);
	cr_assert(eq(int, json_parse(text, true, &facts->arguments, NULL), 0), "%.*s", SPAN_FMT(text));
	*what = (struct object){ q->kind, span_of(servers[q->server]), q->kind == OBJECT_SERVER ? SPAN_NONE :
	    span_of(tools[q->tool]), facts };
}
