/* SPDX-License-Identifier: Apache-2.0
 *
 * reference.c - a plain reading of what a policy with conditions says
 */
#include <arpa/inet.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/compiler/property_tables.h"

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

enum answer
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
