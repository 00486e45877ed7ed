/* SPDX-License-Identifier: Apache-2.0
 *
 * property.c - random policies with conditions, and who asks them
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/nameset.h"
#include "tests/unit/compiler/property_tables.h"

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

const char *
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
	static const unsigned	facts[] = { FACT_WHO, FACT_BEARER, FACT_TIME, FACT_CLIENT, FACT_ARGUMENTS, FACT_DEFINITION };

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
	*facts = (struct facts){ .known = q->known, .hopeful = q->hopeful, .settled = q->settled,
	    .wall_ms = q->wall_ms, .arena = a, .hints = q->hints, .hints_said = q->hints_said };
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
