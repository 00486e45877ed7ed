/* SPDX-License-Identifier: Apache-2.0
 *
 * test_params.c - the table of parameters holds what it promises
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "lib/fd.h"
#include "policy/build.h"
#include "policy/params.h"

Test(params, defaults_are_in_range)
{
	uint64_t	n;

	for (unsigned i = 0; i < PARAM_ID_LIMIT; i++) {
		const struct param_row *row = param_row(i);

		cr_expect(eq(int, param_find(span_of(row->name)), (int)i));
		cr_expect(ne(u64, strlen(row->doc), 0), "%s has no words", row->name);
		cr_expect(eq(int, param_parse(row, span_of(row->normal), &n), 0), "%s", row->name);
		if (row->personal != NULL)
			cr_expect(eq(int, param_parse(row, span_of(row->personal), &n), 0), "%s", row->name);
	}
	cr_expect(eq(int, param_find(SPAN_LIT("liste")), -1));
	cr_expect(param_row(PARAM_ID_LIMIT) == NULL);
}

Test(params, values_outside_are_refused)
{
	static const struct {
		const char	*name, *value;
		int		 want;
		uint64_t	 number;
	} rows[] = {
		{ "watch", "yes", 0, 1 }, { "watch", "no", 0, 0 }, { "watch", "true", E_RANGE, 0 },
		{ "watch", "", E_RANGE, 0 },
		{ "call_timeout", "10ms", 0, 10 }, { "call_timeout", "9ms", E_RANGE, 9 },
		{ "call_timeout", "10min", 0, 600000 }, { "call_timeout", "601s", E_RANGE, 601000 },
		{ "call_timeout", "30", E_FORMAT, 0 }, { "upstream_idle", "0", 0, 0 },
		{ "max_body", "1KiB", 0, 1024 }, { "max_body", "1023", E_RANGE, 1023 },
		{ "max_instances", "0", E_RANGE, 0 }, { "max_instances", "4097", E_RANGE, 4097 },
		{ "max_instances", "-1", E_FORMAT, 0 },
		{ "deny_detail", "hid", E_RANGE, 0 }, { "deny_detail", "rule|hide", E_RANGE, 0 },
	};
	uint64_t	n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct param_row *row = param_row((unsigned)param_find(span_of(rows[i].name)));

		cr_expect(eq(int, param_parse(row, span_of(rows[i].value), &n), rows[i].want), "row %zu", i);
		cr_expect(eq(u64, n, rows[i].number), "row %zu", i);
	}
}

Test(params, words_have_the_numbers_of_the_header)
{
	static const struct {
		unsigned	 id;
		const char	*word;
		uint64_t	 number;
	} rows[] = {
		{ PARAM_ID_rules_precedence, "seed", PRECEDENCE_SEED },
		{ PARAM_ID_rules_precedence, "deny-first", PRECEDENCE_DENY_FIRST },
		{ PARAM_ID_view, "auto", VIEW_AUTO }, { PARAM_ID_view, "discovery", VIEW_DISCOVERY },
		{ PARAM_ID_view, "catalog", VIEW_CATALOG }, { PARAM_ID_view, "both", VIEW_BOTH },
		{ PARAM_ID_deny_detail, "rule", DENY_DETAIL_RULE }, { PARAM_ID_deny_detail, "hide", DENY_DETAIL_HIDE },
		{ PARAM_ID_audit_on_error, "refuse", AUDIT_ON_ERROR_REFUSE },
		{ PARAM_ID_audit_on_error, "continue", AUDIT_ON_ERROR_CONTINUE },
		{ PARAM_ID_log_level, "err", 0 }, { PARAM_ID_log_level, "debug", 4 },
	};
	uint64_t	n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(eq(int, param_parse(param_row(rows[i].id), span_of(rows[i].word), &n), 0));
		cr_expect(eq(u64, n, rows[i].number), "row %zu", i);
	}
}

static int
load(unsigned count, struct params *out, struct snap **s)
{
	struct build	*b;
	uint64_t	 length;
	int		 fd;

	cr_assert(eq(int, build_new(SNAP_POLICY, "", &b), 0));
	for (unsigned i = 0; i < count; i++) {
		struct rec_param p = { .id = i, .number = 1000 + i };

		cr_assert(eq(int, build_text(b, span_of(param_row(i)->name), &p.text), 0));
		cr_assert(eq(int, build_add(b, SECTION_PARAM, &p, NULL), 0));
	}
	cr_assert(eq(int, build_seal(b, 1, &fd, &length), 0));
	build_free(&b);
	cr_assert(eq(int, snap_map(fd, s), 0));
	fd_close(&fd);
	return params_load(*s, out);
}

Test(params, load_fills_every_field)
{
	struct params	 p;
	struct snap	*s;

	cr_assert(eq(int, load(PARAM_ID_LIMIT, &p, &s), 0));
	cr_expect(span_is(p.listen, "listen"));
	cr_expect(span_is(p.tenant_user, "tenant_user"));
	cr_expect(eq(u64, p.call_timeout, 1000 + PARAM_ID_call_timeout));
	cr_expect(eq(u64, p.watch, 1000 + PARAM_ID_watch));
	snap_release(&s);
	cr_expect(eq(int, load(PARAM_ID_LIMIT - 1, &p, &s), E_FORMAT));
	snap_release(&s);
}
