/* SPDX-License-Identifier: Apache-2.0
 *
 * when.c - conditions of rules: do they hold, of this principal, this object, this moment?
 *
 * Process: worker; mcpgwctl.  Owns: nothing.
 * Trusts:  nothing of what it looks at: arguments are a client's, claims an issuer's, hints a server's.
 *
 * Operators mean what they mean in AWS IAM: what is absent meets none but the negated ones, Null and ...IfExists; of
 * several operands one must do, none of them with a negated one.  What IAM calls no match because it is of another
 * type is unknown here, so that "5000" in the place of 5000 slips through no deny.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/glob.h"
#include "lib/nameset.h"
#include "policy/policy.h"
#include "policy/reach.h"
#include "policy/when.h"

#define NUMBER_MAX	64		/* characters of a number that is compared */
#define PATTERN_TEXT	(16 * 1024)	/* with ? or [ in the pattern no more than this is searched */
#define DAY_MIN		(24 * 60)
#define DAY_S		(DAY_MIN * 60)

enum value_state { VALUE_ABSENT, VALUE_HERE, VALUE_UNKNOWN };
enum value_type { VALUE_TEXT, VALUE_SET, VALUE_NUMBER, VALUE_ADDRESS, VALUE_JSON };

struct value {
	enum value_state	state;
	enum value_type		type;
	struct span		text;		/* or a set */
	double			number;
	const struct addr	*address;
	struct json_value	json;
};

struct looking {
	const struct snap		*snap;
	const struct rec_condition	*c;
	const struct principal		*who;
	const struct object		*what;
};

static const unsigned fact_of[WHEN_KEY_LIMIT] = {
#define WHENKEY(name, text, type, fact, doc) [WHEN_##name] = fact,
#include "tables/whenkeys.def"
#undef WHENKEY
};

static const struct facts nothing;

/* --- what there is ----------------------------------------------------------------------------- */

static struct value
text_value(struct span text)
{
	return (struct value){ text.n == 0 ? VALUE_ABSENT : VALUE_HERE, VALUE_TEXT, .text = text };
}

static struct value
set_value(struct span set)
{
	return (struct value){ set.n == 0 ? VALUE_ABSENT : VALUE_HERE, VALUE_SET, .text = set };
}

static struct value
hint_value(const struct facts *f, unsigned hint)
{
	return (struct value){ (f->hints_said & hint) != 0 ? VALUE_HERE : VALUE_ABSENT, VALUE_NUMBER,
	    .number = (f->hints & hint) != 0 };
}

static struct value
kind_value(const struct object *what)
{
	static const char *const words[OBJECT_KIND_LIMIT] = {
		[OBJECT_SERVER] = "", [OBJECT_TOOL] = "tool", [OBJECT_RESOURCE] = "resource",
		[OBJECT_TEMPLATE] = "resource", [OBJECT_PROMPT] = "prompt", [OBJECT_COMPLETION] = "completion",
	};

	return text_value(what->kind < OBJECT_KIND_LIMIT ? span_of(words[what->kind]) : SPAN_NONE);
}

/* Minutes since Monday, 00:00, where the clock is `zone` seconds ahead of UTC.  1970 began on a Thursday. */
static unsigned
minute_of_week(uint64_t wall_ms, int32_t zone)
{
	const uint64_t	seconds = wall_ms / 1000 + 7 * DAY_MIN * 60 +
			    (uint64_t)(int64_t)(zone < -DAY_S || zone > DAY_S ? 0 : zone);

	return (unsigned)((seconds / 60 + 3 * DAY_MIN) % (7 * DAY_MIN));
}

static struct value
weekday_value(uint64_t wall_ms, int32_t zone)
{
	static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

	return text_value(span_of(days[minute_of_week(wall_ms, zone) / DAY_MIN]));
}

static struct json_value
element(struct json_value array, uint32_t index)
{
	struct json_iter	it;
	struct json_value	v;
	struct span		key;

	json_iter_init(&it, array);
	while (json_iter_next(&it, &key, &v))
		if (index-- == 0)
			return v;
	return (struct json_value){ JSON_NONE, SPAN_NONE };
}

static struct value
argument_value(const struct looking *l, struct json_value v)
{
	const struct rec_step	*step;
	const char		*name;

	for (uint32_t i = 0; i < l->c->step_count && v.type != JSON_NONE; i++) {
		if ((step = SNAP_AT(l->snap, STEP, (uint64_t)l->c->step_first + i)) == NULL ||
		    (name = snap_cstr(l->snap, step->name)) == NULL)
			return (struct value){ .state = VALUE_UNKNOWN };
		if (v.type == JSON_ARRAY && step->index != UINT32_MAX)
			v = element(v, step->index);
		else
			v = json_get(v, name);
	}
	return (struct value){ v.type == JSON_NONE || v.type == JSON_NULL ? VALUE_ABSENT : VALUE_HERE, VALUE_JSON,
	    .json = v };
}

/* Of no tool, or where nothing is said of it: an empty text. */
static struct span
risk_of(const struct looking *l)
{
	static const char *const	words[] = { "", "low", "medium", "high" };
	const struct rec_server		*server;

	if (l->what->kind != OBJECT_TOOL || snap_count(l->snap, SECTION_CHANGE) == 0 ||
	    (server = policy_server_find(l->snap, l->who->tenant, l->what->server)) == NULL)
		return SPAN_NONE;
	return span_of(words[policy_tool_risk(l->snap, server, l->what->name)]);
}

static struct value
value_of(const struct looking *l, unsigned *lacks)
{
	const struct facts	*f = l->what->facts != NULL ? l->what->facts : &nothing;
	const struct traits	*t = &l->who->traits;

	*lacks = l->c->about < WHEN_KEY_LIMIT ? fact_of[l->c->about] & ~f->known : 0;
	if (*lacks != 0)
		return (struct value){ .state = VALUE_UNKNOWN };
	switch ((enum when_key)l->c->about) {
	case WHEN_USER:
		return text_value(t->user);
	case WHEN_PRINCIPAL:
		return text_value(l->who->subject);
	case WHEN_AGENT:
		return text_value(l->who->agent);
	case WHEN_TENANT:
		return text_value(l->who->tenant);
	case WHEN_WORKSPACE:
		return text_value(t->workspace);
	case WHEN_ROLES:
		return set_value(t->roles);
	case WHEN_GROUPS:
		return set_value(t->groups);
	case WHEN_SCOPES:
		/* What a client chose narrows what it may (policy/scopes.c); it is nobody's word of it. */
		return set_value(t->chosen ? SPAN_NONE : t->scopes);
	case WHEN_CREDENTIAL:
		return text_value(span_of(decide_how(l->who->how)));
	case WHEN_ISSUER:
		return text_value(t->issuer);
	case WHEN_SERVER:
		return text_value(l->what->server);
	case WHEN_TOOL:
		return text_value(l->what->kind == OBJECT_TOOL ? l->what->name : SPAN_NONE);
	case WHEN_KIND:
		return kind_value(l->what);
	case WHEN_RISK:
		return text_value(risk_of(l));
	case WHEN_READ_ONLY:
		return hint_value(f, HINT_READ_ONLY);
	case WHEN_DESTRUCTIVE:
		return hint_value(f, HINT_DESTRUCTIVE);
	case WHEN_IDEMPOTENT:
		return hint_value(f, HINT_IDEMPOTENT);
	case WHEN_OPEN_WORLD:
		return hint_value(f, HINT_OPEN_WORLD);
	case WHEN_TIME:
		return (struct value){ VALUE_HERE, VALUE_NUMBER, .number = (double)f->wall_ms };
	case WHEN_TIME_OF_DAY:
		return (struct value){ VALUE_HERE, VALUE_NUMBER,
		    .number = minute_of_week(f->wall_ms, l->c->zone_s) % DAY_MIN };
	case WHEN_WEEKDAY:
		return weekday_value(f->wall_ms, l->c->zone_s);
	case WHEN_CLIENT_ADDRESS:
		return (struct value){ f->client.family == 0 ? VALUE_ABSENT : VALUE_HERE, VALUE_ADDRESS,
		    .address = &f->client };
	case WHEN_ARGUMENTS:
		return argument_value(l, f->arguments);
	case WHEN_KEY_LIMIT:
	default:
		return (struct value){ .state = VALUE_UNKNOWN };
	}
}

/* --- one value with one operand ---------------------------------------------------------------- */

static enum truth
truth_of(bool yes)
{
	return yes ? TRUTH_YES : TRUTH_NO;
}

static enum truth
either(enum truth a, enum truth b)
{
	if (a == TRUTH_YES || b == TRUTH_YES)
		return TRUTH_YES;
	return a == TRUTH_UNKNOWN || b == TRUTH_UNKNOWN ? TRUTH_UNKNOWN : TRUTH_NO;
}

static enum truth
inverse(enum truth t)
{
	return t == TRUTH_UNKNOWN ? t : truth_of(t == TRUTH_NO);
}

static enum truth
both(enum truth a, enum truth b)
{
	return inverse(either(inverse(a), inverse(b)));
}

static bool
text_of(const struct looking *l, const struct value *v, struct span *out)
{
	*out = v->text;
	if (v->type == VALUE_TEXT)
		return true;
	if (v->type != VALUE_JSON || v->json.type != JSON_STRING)
		return false;
	if (l->what->facts->arena == NULL && memchr(v->json.raw.p, '\\', v->json.raw.n) != NULL)
		return false;
	return json_string(v->json, l->what->facts->arena, out) == 0;
}

static bool
number_of(const struct value *v, double *out)
{
	char	copy[NUMBER_MAX + 1];

	*out = v->number;
	if (v->type == VALUE_NUMBER)
		return true;
	if (v->type != VALUE_JSON || v->json.type != JSON_NUMBER || v->json.raw.n > NUMBER_MAX)
		return false;
	memcpy(copy, v->json.raw.p, v->json.raw.n);
	copy[v->json.raw.n] = '\0';
	*out = strtod(copy, NULL);
	return true;
}

static bool
flag_of(const struct value *v, bool *out)
{
	*out = v->type == VALUE_JSON ? v->json.type == JSON_TRUE : v->number != 0;
	return v->type == VALUE_NUMBER ||
	    (v->type == VALUE_JSON && (v->json.type == JSON_TRUE || v->json.type == JSON_FALSE));
}

static bool
address_of(const struct looking *l, const struct value *v, struct addr *out)
{
	struct reach_host	host;
	struct span		text;

	if (v->type == VALUE_ADDRESS) {
		*out = *v->address;
		return true;
	}
	if (!text_of(l, v, &text) || reach_host_parse(text, &host, NULL) != 0 || !host.is_address)
		return false;
	*out = host.address;
	return true;
}

static bool
is_within(const struct addr *a, const struct rec_operand *net)
{
	unsigned	whole = net->bits / 8, rest = net->bits % 8;
	uint8_t		mask = (uint8_t)(0xff << (8 - rest));

	if (a->family != net->family || net->bits > 128 || memcmp(a->bytes, net->bytes, whole) != 0)
		return false;
	return rest == 0 || ((a->bytes[whole] ^ net->bytes[whole]) & mask) == 0;
}

/* `*` alone needs no more than to find its parts one after the other; other wildcards go back and forth, so what
 * they search is bounded. */
static enum truth
is_like(struct span pattern, struct span text)
{
	bool		first = true;
	struct span	part;
	const char	*star, *at;

	if (memchr(pattern.p, '?', pattern.n) != NULL || memchr(pattern.p, '[', pattern.n) != NULL)
		return text.n > PATTERN_TEXT ? TRUTH_UNKNOWN : truth_of(glob_match(pattern, text));
	while ((star = pattern.n == 0 ? NULL : memchr(pattern.p, '*', pattern.n)) != NULL) {
		part = span_part(pattern, 0, (size_t)(star - pattern.p));
		pattern = span_part(pattern, part.n + 1, pattern.n);
		if (first ? !span_starts(text, part) : part.n > text.n)
			return TRUTH_NO;
		at = first || part.n == 0 ? text.p : memmem(text.p, text.n, part.p, part.n);
		if (at == NULL && part.n > 0)
			return TRUTH_NO;
		text = span_part(text, (part.n == 0 ? 0 : (size_t)(at - text.p)) + part.n, text.n);
		first = false;
	}
	if (first)
		return truth_of(span_eq(pattern, text));
	return truth_of(text.n >= pattern.n && span_eq(span_part(text, text.n - pattern.n, pattern.n), pattern));
}

static enum truth
compare_text(const struct looking *l, const struct value *v, const struct rec_operand *o)
{
	const struct span	want = snap_text(l->snap, o->text);
	struct span		text;

	if (!text_of(l, v, &text))
		return TRUTH_UNKNOWN;
	switch ((enum when_test)l->c->test) {
	case TEST_EQUALS:
		return truth_of(span_eq(text, want));
	case TEST_EQUALS_NOCASE:
		return truth_of(span_eq_nocase(text, want));
	default:
		return want.n == 0 ? truth_of(text.n == 0) : is_like(want, text);
	}
}

static enum truth
compare_number(const struct looking *l, const struct value *v, const struct rec_operand *o)
{
	double	n;

	if (!number_of(v, &n))
		return TRUTH_UNKNOWN;
	switch ((enum when_test)l->c->test) {
	case TEST_NUMBER_EQ:
		return truth_of(n <= o->number && n >= o->number);
	case TEST_NUMBER_LT:
		return truth_of(n < o->number);
	case TEST_NUMBER_LE:
		return truth_of(n <= o->number);
	case TEST_NUMBER_GT:
		return truth_of(n > o->number);
	default:
		return truth_of(n >= o->number);
	}
}

static enum truth
compare(const struct looking *l, const struct value *v, const struct rec_operand *o)
{
	struct addr	a;
	bool		flag;

	switch ((enum when_test)l->c->test) {
	case TEST_EQUALS:
	case TEST_EQUALS_NOCASE:
	case TEST_LIKE:
		return compare_text(l, v, o);
	case TEST_FLAG:
		return flag_of(v, &flag) ? truth_of(flag == (o->number > 0)) : TRUTH_UNKNOWN;
	case TEST_WITHIN:
		return address_of(l, v, &a) ? truth_of(is_within(&a, o)) : TRUTH_UNKNOWN;
	case TEST_NUMBER_EQ:
	case TEST_NUMBER_LT:
	case TEST_NUMBER_LE:
	case TEST_NUMBER_GT:
	case TEST_NUMBER_GE:
		return compare_number(l, v, o);
	case TEST_ABSENT:
	case TEST_LIMIT:
	default:
		return TRUTH_UNKNOWN;
	}
}

/* --- one condition ----------------------------------------------------------------------------- */

static enum truth
compare_all(const struct looking *l, const struct value *v)
{
	const struct rec_operand	*o;
	enum truth			 t = TRUTH_NO;

	for (uint32_t i = 0; i < l->c->operand_count && t != TRUTH_YES; i++) {
		if ((o = SNAP_AT(l->snap, OPERAND, (uint64_t)l->c->operand_first + i)) == NULL)
			return TRUTH_UNKNOWN;
		t = either(t, compare(l, v, o));
	}
	return (l->c->flags & WHEN_FLAG_NEGATED) != 0 ? inverse(t) : t;
}

/* ForAnyValue:, ForAllValues: of a set, of an array, or of one value that stands for itself. */
static enum truth
compare_each(const struct looking *l, const struct value *v)
{
	const bool		any = (l->c->flags & WHEN_FLAG_ANY) != 0;
	enum truth		t = any ? TRUTH_NO : TRUTH_YES, one;
	struct value		e = { VALUE_HERE, VALUE_TEXT, .text = SPAN_NONE };
	struct span		rest = v->text, key;
	struct json_iter	it;

	if (v->type == VALUE_SET) {
		while ((e.text = nameset_take(&rest)).n > 0) {
			one = compare_all(l, &e);
			t = any ? either(t, one) : both(t, one);
		}
		return t;
	}
	if (v->type != VALUE_JSON || v->json.type != JSON_ARRAY)
		return compare_all(l, v);
	e.type = VALUE_JSON;
	json_iter_init(&it, v->json);
	while (json_iter_next(&it, &key, &e.json)) {
		one = compare_all(l, &e);
		t = any ? either(t, one) : both(t, one);
	}
	return t;
}

static enum truth
absent_answer(const struct rec_condition *c)
{
	if ((c->flags & (WHEN_FLAG_IF_EXISTS | WHEN_FLAG_ALL)) != 0)
		return TRUTH_YES;
	return truth_of((c->flags & WHEN_FLAG_NEGATED) != 0 && (c->flags & WHEN_FLAG_ANY) == 0);
}

enum truth
when_one(const struct snap *s, const struct rec_condition *c, const struct principal *who,
    const struct object *what, unsigned *unsure)
{
	const struct looking		 l = { s, c, who, what };
	const struct rec_operand	*o;
	unsigned			 lacks;
	const struct value		 v = value_of(&l, &lacks);
	enum truth			 t;

	if (v.state == VALUE_UNKNOWN) {
		*unsure |= lacks;
		return TRUTH_UNKNOWN;
	}
	if (c->test == TEST_ABSENT) {
		o = SNAP_AT(s, OPERAND, c->operand_first);
		return o == NULL ? TRUTH_UNKNOWN : truth_of((v.state == VALUE_ABSENT) == (o->number > 0));
	}
	if (v.state == VALUE_ABSENT)
		return absent_answer(c);
	t = (c->flags & (WHEN_FLAG_ANY | WHEN_FLAG_ALL)) != 0 ? compare_each(&l, &v) : compare_all(&l, &v);
	/* It cannot be compared: whoever decides without all facts must ask again. */
	if (t == TRUTH_UNKNOWN && c->about < WHEN_KEY_LIMIT)
		*unsure |= fact_of[c->about];
	return t;
}

enum truth
when_holds(const struct snap *s, uint64_t first, uint32_t count, const struct principal *who,
    const struct object *what, unsigned *unsure)
{
	const struct rec_condition	*c;
	enum truth			 t = TRUTH_YES, one;
	unsigned			 lacks = 0;

	for (uint32_t i = 0; i < count; i++) {
		if ((c = SNAP_AT(s, CONDITION, first + i)) == NULL) {
			t = TRUTH_UNKNOWN;		/* and a count of more than there are ends here */
			break;
		}
		if ((one = when_one(s, c, who, what, &lacks)) == TRUTH_NO)
			return TRUTH_NO;		/* whatever the others are */
		t = both(t, one);
	}
	*unsure |= lacks;
	return t;
}

/* --- for people -------------------------------------------------------------------------------- */

static int
put_set(struct span set, struct buf *to)
{
	bool		first = true;
	struct span	name;
	int		r = 0;

	while (r == 0 && (name = nameset_take(&set)).n > 0) {
		if (!first)
			r = buf_put_str(to, ", ");
		if (r == 0)
			r = buf_put(to, name);
		first = false;
	}
	return r;
}

static int
put_number(const struct rec_condition *c, double n, struct buf *to)
{
	unsigned	minutes = (unsigned)n;

	if (c->about == WHEN_TIME_OF_DAY)
		return buf_put_fmt(to, "%02u:%02u", minutes / 60, minutes % 60);
	if (c->about == WHEN_TIME)
		return buf_put_fmt(to, "%.0f ms", n);
	return buf_put_str(to, n > 0 ? "true" : "false");
}

int
when_put_value(const struct snap *s, const struct rec_condition *c, const struct principal *who,
    const struct object *what, struct buf *to)
{
	const struct looking	l = { s, c, who, what };
	unsigned		lacks;
	const struct value	v = value_of(&l, &lacks);
	char			address[ADDR_TEXT_MAX];

	if (v.state != VALUE_HERE)
		return buf_put_str(to, v.state == VALUE_ABSENT ? "(absent)" : "(not known)");
	switch (v.type) {
	case VALUE_SET:
		return put_set(v.text, to);
	case VALUE_NUMBER:
		return put_number(c, v.number, to);
	case VALUE_ADDRESS:
		addr_text(v.address, 0, address);
		return buf_put_str(to, address);
	case VALUE_JSON:
		return buf_put(to, v.json.raw);
	case VALUE_TEXT:
	default:
		return buf_put(to, v.text);
	}
}
