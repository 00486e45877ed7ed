/* SPDX-License-Identifier: Apache-2.0
 *
 * params.c - the table of parameters, and their values out of a policy snapshot
 *
 * Process: all.  Owns: nothing.  Trusts: a snapshot only to be mapped and verified.
 */
#include "lib/num.h"
#include "policy/params.h"

#define SAME NULL

static const struct param_row rows[PARAM_ID_LIMIT] = {
#define PARAM(name, type, normal, personal, min, max, scope, effect, doc)		\
	[PARAM_ID_##name] = { #name, PARAM_TYPE_##type, normal, personal, min, max,	\
	    PARAM_SCOPE_##scope, PARAM_EFFECT_##effect, doc },
#include "tables/params.def"
#undef PARAM
};

const struct param_row *
param_row(unsigned id)
{
	return id < PARAM_ID_LIMIT ? &rows[id] : NULL;
}

int
param_find(struct span name)
{
	for (unsigned i = 0; i < PARAM_ID_LIMIT; i++)
		if (span_is(name, rows[i].name))
			return (int)i;
	return -1;
}

static int
word_parse(struct span words, struct span value, uint64_t *out)
{
	for (uint64_t place = 0; words.n > 0; place++) {
		const char	*bar = memchr(words.p, '|', words.n);
		size_t		 n = bar == NULL ? words.n : (size_t)(bar - words.p);

		if (span_eq(span_part(words, 0, n), value)) {
			*out = place;
			return 0;
		}
		words = span_part(words, n + 1, words.n);
	}
	return E_RANGE;
}

static int
number_parse(enum param_type type, struct span value, uint64_t *out)
{
	switch (type) {
	case PARAM_TYPE_num:
		return num_u64(value, out);
	case PARAM_TYPE_msec:
		return num_msec(value, out);
	case PARAM_TYPE_size:
		return num_size(value, out);
	default:
		return E_INTERNAL;
	}
}

int
param_parse(const struct param_row *row, struct span value, uint64_t *out)
{
	uint64_t	limit;
	int		r;

	*out = 0;
	switch (row->type) {
	case PARAM_TYPE_text:
	case PARAM_TYPE_path:
		return 0;
	case PARAM_TYPE_flag:
		return word_parse(SPAN_LIT("no|yes"), value, out);
	case PARAM_TYPE_word:
		return word_parse(span_of(row->min), value, out);
	default:
		break;
	}
	if ((r = number_parse(row->type, value, out)) != 0)
		return r;
	if (row->min[0] != '\0') {
		if ((r = number_parse(row->type, span_of(row->min), &limit)) != 0)
			return r;
		if (*out < limit)
			return E_RANGE;
	}
	if (row->max[0] != '\0') {
		if ((r = number_parse(row->type, span_of(row->max), &limit)) != 0)
			return r;
		if (*out > limit)
			return E_RANGE;
	}
	return 0;
}

static void
load_span(const struct snap *s, const struct rec_param *p, struct span *out)
{
	*out = snap_text(s, p->text);
}

static void
load_u64(const struct snap *s, const struct rec_param *p, uint64_t *out)
{
	(void)s;
	*out = p->number;
}

int
params_load(const struct snap *policy, struct params *out)
{
	const struct rec_param	*p;

#define PARAM(name, type, normal, personal, min, max, scope, effect, doc)		\
	p = SNAP_AT(policy, PARAM, PARAM_ID_##name);					\
	if (p == NULL || p->id != PARAM_ID_##name)					\
		return E_FORMAT;							\
	_Generic(out->name, struct span: load_span, uint64_t: load_u64)(policy, p, &out->name);
#include "tables/params.def"
#undef PARAM
	return 0;
}
