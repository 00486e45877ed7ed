/* SPDX-License-Identifier: Apache-2.0
 *
 * conditions.c - "when" of a rule: CONDITION, OPERAND, STEP (mcpgw-rules(5))
 *
 * Process: mcpgw-compile.  Owns: nothing beyond the call.
 * Trusts:  nobody to have written what the manual page says: a condition that is not understood is an error, since a
 *          rule without it would say more than was meant.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/addr_net.h"
#include "lib/near.h"
#include "lib/num.h"
#include "policy/compiler/rules.h"
#include "policy/compiler/typed.h"
#include "policy/compiler/values.h"
#include "policy/decide.h"

#define CONDITIONS_MAX	32		/* of one rule */
#define OPERANDS_MAX	1000		/* of one condition */
#define STEPS_MAX	16
#define LIKE_MAX	256		/* bytes of a pattern */

enum key_type { TYPE_TEXT, TYPE_SET, TYPE_FLAG, TYPE_DATE, TYPE_CLOCK, TYPE_DAY, TYPE_ADDRESS, TYPE_POINTER };
enum family { FAMILY_STRING, FAMILY_NUMBER, FAMILY_DATE, FAMILY_BOOL, FAMILY_ADDRESS, FAMILY_NONE };

struct key_row {
	const char	*name;
	enum key_type	 type;
};
struct op_row {
	const char	*name;
	enum when_test	 test;
	enum family	 family;
	bool		 negated;
};

static const struct key_row keys[WHEN_KEY_LIMIT] = {
#define WHENKEY(id, name, type, fact, doc) [WHEN_##id] = { name, TYPE_##type },
#include "tables/whenkeys.def"
#undef WHENKEY
};
static const struct op_row ops[] = {
#define WHENOP(name, test, family, negated, doc) { #name, TEST_##test, FAMILY_##family, negated },
#include "tables/whenops.def"
#undef WHENOP
};
#define OPS	(sizeof(ops) / sizeof(ops[0]))

/* What compares a type of key, in words and as bits of enum family. */
static const struct {
	unsigned	 families;
	const char	*with;
} types[] = {
#define BIT(family) (1u << FAMILY_##family)
	[TYPE_TEXT] = { BIT(STRING) | BIT(NONE), "StringEquals, StringLike, ... or Null" },
	[TYPE_SET] = { BIT(STRING) | BIT(NONE), "ForAnyValue:StringEquals, ForAllValues:StringLike, ... or Null" },
	[TYPE_FLAG] = { BIT(BOOL) | BIT(NONE), "Bool or Null" },
	[TYPE_DATE] = { BIT(DATE), "DateLessThan, DateGreaterThan, ..." },
	[TYPE_CLOCK] = { BIT(DATE), "DateLessThan, DateGreaterThan, ..." },
	[TYPE_DAY] = { BIT(STRING), "StringEquals or StringNotEquals" },
	[TYPE_ADDRESS] = { BIT(ADDRESS) | BIT(NONE), "IpAddress, NotIpAddress or Null" },
	[TYPE_POINTER] = { BIT(STRING) | BIT(NUMBER) | BIT(BOOL) | BIT(ADDRESS) | BIT(NONE),
	    "String..., Numeric..., Bool, IpAddress or Null" },
#undef BIT
};

struct reading {
	struct job		*j;
	const struct source	*s;
	int32_t			 zone_s;
	struct rec_condition	 made[CONDITIONS_MAX];
	uint32_t		 count;
	bool			 ok;
};

/* --- one operand -------------------------------------------------------------------------------- */

static bool
wrong(struct reading *rd, const struct conf_node *n, const char *want)
{
	job_error(rd->j, rd->s, n, "\"%.*s\": want %s", SHOWN(n->text), want);
	return false;
}

static bool
read_clock(struct reading *rd, const struct conf_node *n, double *out)
{
	const struct span	t = n->text;
	uint64_t		hours, minutes;

	if (n->type != JSON_STRING || t.n != 5 || t.p[2] != ':' || num_u64(span_part(t, 0, 2), &hours) != 0 ||
	    num_u64(span_part(t, 3, 2), &minutes) != 0 || hours > 24 || minutes > 59 || hours * 60 + minutes > 24 * 60)
		return wrong(rd, n, "a time of day such as \"08:30\"");
	*out = (double)(hours * 60 + minutes);
	return true;
}

static bool
read_date(struct reading *rd, const struct conf_node *n, double *out)
{
	const uint64_t	ms = n->type == JSON_STRING ? value_time(n->text) : 0;

	*out = (double)ms;
	return ms != 0 || wrong(rd, n, "a time in UTC such as \"2026-11-20T10:31:07Z\"");
}

static bool
read_number(struct reading *rd, const struct conf_node *n, double *out)
{
	char	copy[64];

	if (n->type != JSON_NUMBER || n->text.n >= sizeof(copy))
		return wrong(rd, n, "a number, without quotes");
	snprintf(copy, sizeof(copy), "%.*s", SPAN_FMT(n->text));
	*out = strtod(copy, NULL);
	return true;
}

static bool
read_network(struct reading *rd, const struct conf_node *n, struct rec_operand *o)
{
	struct addr_net	net;
	int		r = n->type == JSON_STRING ? addr_net_parse(n->text, &net) : E_FORMAT;

	if (r == E_RANGE) {
		job_error(rd->j, rd->s, n, "\"%.*s\": there is something behind the first %u bits of the "
		    "network; did you mean another prefix?", SHOWN(n->text), net.bits);
		return false;
	}
	if (r != 0)
		return wrong(rd, n, "an address or a network such as \"10.0.0.0/8\" or \"2001:db8::/32\"");
	o->family = net.first.family;
	o->bits = net.bits;
	memcpy(o->bytes, net.first.bytes, sizeof(o->bytes));
	return true;
}

static const char *
how_name(size_t i, const void *arg)
{
	(void)arg;
	return decide_how((enum principal_how)(i + 1));
}

static const char *
word_name(size_t i, const void *arg)
{
	return ((const char *const *)arg)[i];
}

/* Keys of few words: a word that none of them is would never hold. */
static bool
check_word(struct reading *rd, const struct conf_node *n, enum when_key key)
{
	static const char *const	days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
	static const char *const	kinds[] = { "tool", "prompt", "resource", "completion" };
	static const char *const	risks[] = { "low", "medium", "high" };
	const void			*arg = key == WHEN_WEEKDAY ? (const void *)days : key == WHEN_RISK ? risks :
					    kinds;
	const size_t			 count = key == WHEN_WEEKDAY ? 7 : key == WHEN_KIND ? 4 : key == WHEN_RISK ? 3 :
					    HOW_LIMIT - 1;
	near_name_fn			*name = key == WHEN_CREDENTIAL ? how_name : word_name;
	const char			*known = name(0, arg), *near = near_find(n->text, name, arg, count);

	for (size_t i = 0; i < count; i++)
		if (span_is(n->text, name(i, arg)))
			return true;
	for (size_t i = 1; i < count; i++)
		known = job_fmt(rd->j, "%s, %s", known, name(i, arg));
	if (near != NULL)
		job_error(rd->j, rd->s, n, "\"%.*s\": did you mean \"%s\"?", SHOWN(n->text), near);
	else
		job_error(rd->j, rd->s, n, "\"%.*s\": want one of %s", SHOWN(n->text), known);
	return false;
}

static bool
read_text(struct reading *rd, const struct conf_node *n, const struct rec_condition *c)
{
	if (n->type == JSON_NUMBER) {
		job_error(rd->j, rd->s, n, "want a string; write \"%.*s\", or compare with Numeric...", SHOWN(n->text));
		return false;
	}
	if (!typed_is(rd->j, rd->s, n, JSON_STRING))
		return false;
	if (c->test == TEST_LIKE)
		return (n->text.n > 0 && n->text.n <= LIKE_MAX) || wrong(rd, n, "a pattern of 1 to 256 bytes");
	if (c->about == WHEN_CREDENTIAL || c->about == WHEN_KIND || c->about == WHEN_RISK ||
	    c->about == WHEN_WEEKDAY)
		return check_word(rd, n, (enum when_key)c->about);
	return true;
}

static bool
operand_read(struct reading *rd, const struct conf_node *n, enum family family, const struct rec_condition *c)
{
	struct rec_operand	o = { 0 };
	bool			ok = false;

	switch (family) {
	case FAMILY_STRING:
		ok = read_text(rd, n, c);
		break;
	case FAMILY_NUMBER:
		ok = read_number(rd, n, &o.number);
		break;
	case FAMILY_DATE:
		ok = keys[c->about].type == TYPE_CLOCK ? read_clock(rd, n, &o.number) : read_date(rd, n, &o.number);
		break;
	case FAMILY_ADDRESS:
		ok = read_network(rd, n, &o);
		break;
	case FAMILY_BOOL:
	case FAMILY_NONE:
		o.number = n->type == JSON_TRUE;
		ok = n->type == JSON_TRUE || n->type == JSON_FALSE || wrong(rd, n, "true or false, without quotes");
		break;
	}
	o.text = put_text(rd->j->policy, n->text);
	if (ok)
		put_record(rd->j->policy, SECTION_OPERAND, &o);
	return ok;
}

/* One operand, or a list of them. */
static bool
operands_read(struct reading *rd, const struct conf_node *n, const struct op_row *op, struct rec_condition *c)
{
	const bool		 is_list = n->type == JSON_ARRAY;
	const struct conf_node	*e = is_list ? n->first : n;
	bool			 ok = true;

	c->operand_first = (uint32_t)build_count(rd->j->policy, SECTION_OPERAND);
	if (is_list && (n->count == 0 || n->count > OPERANDS_MAX)) {
		job_error(rd->j, rd->s, n, "want 1 to %d values", OPERANDS_MAX);
		return false;
	}
	if (is_list && op->family == FAMILY_NONE)
		return typed_is(rd->j, rd->s, n, JSON_TRUE);
	for (; e != NULL; e = is_list ? e->next : NULL)
		ok &= operand_read(rd, e, op->family, c);
	c->operand_count = (uint32_t)build_count(rd->j->policy, SECTION_OPERAND) - c->operand_first;
	return ok;
}

/* --- keys and operators -------------------------------------------------------------------------- */

static const char *
key_name(size_t i, const void *arg)
{
	(void)arg;
	return keys[i].name;
}

static const char *
op_name(size_t i, const void *arg)
{
	(void)arg;
	return ops[i].name;
}

/* RFC 6901, behind "arguments/". */
static bool
pointer_read(struct reading *rd, const struct conf_node *n, struct span pointer, struct rec_condition *c)
{
	struct rec_step	step;
	struct span	part;
	uint64_t	index;
	size_t		end, used;
	char		name[LIKE_MAX];
	bool		more = true;

	c->step_first = (uint32_t)build_count(rd->j->policy, SECTION_STEP);
	for (; more; c->step_count++) {
		for (end = 0; end < pointer.n && pointer.p[end] != '/'; end++)
			;
		part = span_part(pointer, 0, end);
		more = end < pointer.n;
		pointer = span_part(pointer, end + 1, pointer.n);
		used = 0;
		for (size_t i = 0; i < part.n; i++) {
			if (part.n > sizeof(name) || part.p[i] == '\0' ||
			    (part.p[i] == '~' && (i + 1 == part.n || (part.p[i + 1] != '0' && part.p[i + 1] != '1')))) {
				job_error_key(rd->j, rd->s, n, "want a JSON pointer behind \"arguments\", in which ~1 "
				    "stands for / and ~0 for ~, and no part is over %zu bytes", sizeof(name));
				return false;
			}
			name[used] = part.p[i] != '~' ? part.p[i] : part.p[i + 1] == '1' ? '/' : '~';
			i += part.p[i] == '~';
			used++;
		}
		if (c->step_count == STEPS_MAX) {
			job_error_key(rd->j, rd->s, n, "more than %d parts", STEPS_MAX);
			return false;
		}
		step = (struct rec_step){ .name = put_text(rd->j->policy, span_make(name, used)), .index = UINT32_MAX };
		if (used > 0 && (name[0] != '0' || used == 1) && num_u64(span_make(name, used), &index) == 0 &&
		    index < UINT32_MAX)
			step.index = (uint32_t)index;
		put_record(rd->j->policy, SECTION_STEP, &step);
	}
	return true;
}

static bool
key_read(struct reading *rd, const struct conf_node *n, struct rec_condition *c)
{
	const struct span	 arguments = span_of(keys[WHEN_ARGUMENTS].name);
	const char		*near;

	c->key = put_text(rd->j->policy, n->key);
	if (span_starts(n->key, arguments)) {
		c->about = WHEN_ARGUMENTS;
		return pointer_read(rd, n, span_part(n->key, arguments.n, n->key.n), c);
	}
	for (c->about = 0; c->about < WHEN_KEY_LIMIT; c->about++)
		if (span_is(n->key, keys[c->about].name))
			return true;
	if ((near = near_find(n->key, key_name, NULL, WHEN_ARGUMENTS)) != NULL)
		job_error_key(rd->j, rd->s, n, "unknown key of a condition; did you mean \"%s\"?", near);
	else
		job_error_key(rd->j, rd->s, n, "unknown key of a condition; mcpgw-rules(5) has them; an argument is "
		    "\"arguments/NAME\"");
	return false;
}

static bool
span_ends(struct span s, struct span with)
{
	return s.n >= with.n && span_eq(span_part(s, s.n - with.n, with.n), with);
}

static const struct op_row *
op_read(struct reading *rd, const struct conf_node *n, unsigned *flags)
{
	static const struct span	any = SPAN_LIT("ForAnyValue:"), all = SPAN_LIT("ForAllValues:"),
					if_exists = SPAN_LIT("IfExists");
	struct span			word = n->key;
	const char			*near;

	*flags = 0;
	if (span_starts(word, any)) {
		*flags |= WHEN_FLAG_ANY;
		word = span_part(word, any.n, word.n);
	} else if (span_starts(word, all)) {
		*flags |= WHEN_FLAG_ALL;
		word = span_part(word, all.n, word.n);
	}
	if (span_ends(word, if_exists)) {
		*flags |= WHEN_FLAG_IF_EXISTS;
		word.n -= if_exists.n;
	}
	for (size_t i = 0; i < OPS; i++) {
		if (!span_is(word, ops[i].name))
			continue;
		if (ops[i].family == FAMILY_NONE && *flags != 0) {
			job_error_key(rd->j, rd->s, n, "Null stands alone: it asks whether there is such a thing");
			return NULL;
		}
		*flags |= ops[i].negated ? WHEN_FLAG_NEGATED : 0;
		return &ops[i];
	}
	if ((near = near_find(word, op_name, NULL, OPS)) != NULL)
		job_error_key(rd->j, rd->s, n, "unknown operator; did you mean \"%s\"?", near);
	else
		job_error_key(rd->j, rd->s, n, "unknown operator; mcpgw-rules(5) has them: StringEquals, "
		    "NumericLessThan, IpAddress, ...");
	return NULL;
}

static bool
fits(struct reading *rd, const struct conf_node *n, const struct op_row *op, const struct rec_condition *c)
{
	const enum key_type	type = keys[c->about].type;
	const bool		each = (c->flags & (WHEN_FLAG_ANY | WHEN_FLAG_ALL)) != 0;

	if ((types[type].families & 1u << op->family) == 0 ||
	    (type == TYPE_DAY && op->test != TEST_EQUALS)) {
		job_error_key(rd->j, rd->s, n, "%.*s does not compare this; it is compared with %s",
		    SHOWN(n->parent->key), types[type].with);
		return false;
	}
	if (type == TYPE_SET && !each && op->family != FAMILY_NONE) {
		job_error_key(rd->j, rd->s, n, "there may be several: say \"ForAnyValue:%.*s\" or "
		    "\"ForAllValues:%.*s\"", SHOWN(n->parent->key), SHOWN(n->parent->key));
		return false;
	}
	if (each && type != TYPE_SET && type != TYPE_POINTER) {
		job_error_key(rd->j, rd->s, n, "there is one of it; leave out ForAnyValue: and ForAllValues:");
		return false;
	}
	return true;
}

/* --- one rule's ---------------------------------------------------------------------------------- */

static void
read_operator(struct reading *rd, const struct conf_node *object)
{
	const struct conf_node	*n;
	const struct op_row	*op;
	struct rec_condition	 c;
	unsigned		 flags;

	if ((op = op_read(rd, object, &flags)) == NULL || !typed_is(rd->j, rd->s, object, JSON_OBJECT)) {
		rd->ok = false;
		return;
	}
	for (n = object->first; n != NULL; n = n->next) {
		c = (struct rec_condition){ .op = put_text(rd->j->policy, object->key), .test = (uint8_t)op->test,
		    .flags = (uint8_t)flags, .zone_s = rd->zone_s };
		if (rd->count == CONDITIONS_MAX) {
			job_error_key(rd->j, rd->s, n, "more than %d conditions of one rule", CONDITIONS_MAX);
			rd->ok = false;
			return;
		}
		if (!key_read(rd, n, &c) || !fits(rd, n, op, &c) || !operands_read(rd, n, op, &c))
			rd->ok = false;
		else
			rd->made[rd->count++] = c;
	}
}

/* "UTC", or how far ahead of it: "+02:00". */
static bool
read_zone(struct reading *rd, const struct conf_node *n)
{
	if (n->type == JSON_STRING && zone_parse(n->text, &rd->zone_s))
		return true;
	job_error(rd->j, rd->s, n, "\"%.*s\": " ZONE_WANTED, SHOWN(n->text));
	return false;
}

bool
conditions_read(struct job *j, const struct source *s, const struct conf_node *when, uint32_t *first, uint32_t *count)
{
	const struct conf_node	*n, *zone = conf_find(when, "zone");
	struct reading		 rd = { .j = j, .s = s, .ok = true };

	if (!typed_is(j, s, when, JSON_OBJECT))
		return false;
	if (zone != NULL)
		rd.ok = read_zone(&rd, zone);
	for (n = when->first; n != NULL; n = n->next)
		if (n != zone)
			read_operator(&rd, n);
	if (rd.ok && rd.count == 0) {
		job_error(j, s, when, "there is no condition in it; leave it out, or say one: "
		    "{\"StringEquals\": {\"user\": \"ann\"}}");
		return false;
	}
	*first = (uint32_t)build_count(j->policy, SECTION_CONDITION);
	*count = rd.ok ? rd.count : 0;
	for (uint32_t i = 0; i < *count; i++)
		put_record(j->policy, SECTION_CONDITION, &rd.made[i]);
	return rd.ok;
}
