/* SPDX-License-Identifier: Apache-2.0
 *
 * test_property.c - over random policies with conditions: decisions are what the policy says, what is listed is what
 *                   may be called, and nobody's answer hangs on what was not looked at
 *
 * CASES=n for another number of them (make check-property), SEED=n for others.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/compiler/compile.h"
#include "tests/unit/compiler/property.h"

#define PER_POLICY	500
#define CASES		100000

struct run {
	struct policy	 policy;
	struct compiled	 c;
	struct arena	 arena;
	struct buf	 json;
	uint64_t	 number;		/* of the policy: for who looks for it again */
	/* what came up */
	uint64_t	 allowed, shadowed, open, listed, witnesses, unwitnessed, lazy, settled;
};

static uint64_t
number_of(const char *name, uint64_t fallback)
{
	const char	*given = getenv(name);

	return given == NULL || *given == '\0' ? fallback : strtoull(given, NULL, 10);
}

static void
compile(const char *folder, const struct policy *p, unsigned only, struct buf *json, struct compiled *c)
{
	const char *const	options[] = { p->deny_first ? "rules_precedence=deny-first" : "rules_precedence=seed",
				    p->enforce ? "enforce=yes" : "enforce=no", NULL };

	buf_clear(json);
	policy_put(p, only, json);
	cr_assert(eq(int, buf_put_u8(json, 0), 0));
	scratch_write(folder, "rules.json", json->data, 0600);
	compile_folder(folder, false, options, c);
	cr_assert(eq(uint, c->errors, 0), "%.*s\n%s", SPAN_FMT(buf_rest(&c->notes)), json->data);
}

static void
decided(struct run *run, const struct snap *s, const struct asking *q, struct decision *out)
{
	struct principal	who;
	struct object		what;
	struct facts		facts;

	asking_put(&run->policy, q, &run->arena, &who, &what, &facts);
	decide(s, &who, &what, out);
}

#define SAY_FORMAT	"policy %llu, agent %s, kind %d, server %u, tool %u, known %x, hopeful %d\n%s"
#define SAY_ARGS(q)	(unsigned long long)run->number, property_agent_name((q)->agent), (int)(q)->kind,		\
	(q)->server, (q)->tool, (q)->known, (q)->hopeful, run->json.data
#define SAY(q)		SAY_FORMAT, SAY_ARGS(q)

/* The rule that is named is there, of the class that is named, and counts. */
static void
path_check(struct run *run, const struct asking *q, const struct decision *d)
{
	const struct property_agent	*a = &run->policy.agents[q->agent];
	char				 path[128];

	if (d->rule == 0 || d->rule_class > RULE_WILDCARD_ALLOW)
		return;
	for (unsigned i = 0; i < a->count; i++) {
		line_path(q->agent, &a->lines[i], path);
		if (!span_is(d->path, path))
			continue;
		cr_expect(eq(str, (char *)(uintptr_t)line_class(&a->lines[i]), (char *)(uintptr_t)d->class_text), SAY(q));
		cr_expect(line_holds(&run->policy, q, &a->lines[i]) != NO, SAY(q));
		return;
	}
	cr_expect(false, "no such rule: %.*s", SPAN_FMT(d->path));
}

static void
agrees(struct run *run, const struct asking *q)
{
	struct verdict	want;
	struct decision	got;

	reference(&run->policy, q, &want);
	decided(run, run->c.policy, q, &got);
	cr_expect(got.allow == want.allow && got.shadow == want.shadow &&
	    strcmp(got.class_text, want.class) == 0 && (!want.hide_known || got.hide == want.hide),
	    "%s, allow %d, shadow %d, hide %d; by %.*s it is %s, allow %d, shadow %d, hide %d\n" SAY_FORMAT, want.class,
	    want.allow, want.shadow, want.hide, SPAN_FMT(got.path), got.class_text, got.allow, got.shadow, got.hide,
	    SAY_ARGS(q));
	run->allowed += got.allow;
	run->shadowed += got.shadow;
	run->open += got.unsure != 0;
	if (q->agent < PROPERTY_AGENTS)
		path_check(run, q, &got);
}

/* As page.c and the others list, and as a call is decided. */
static void
listed_is_callable(struct run *run, const struct asking *asked)
{
	struct asking	list = *asked, call = *asked, server;
	struct decision	listed, called, seen;

	if (asked->kind == OBJECT_SERVER)
		return;
	list.known = FACTS_ALL & ~(unsigned)FACT_ARGUMENTS;
	list.hopeful = true;
	server = list;
	server.kind = OBJECT_SERVER;
	server.known &= ~(unsigned)(FACT_NAME | FACT_DEFINITION);
	call.known = FACTS_ALL;
	call.hopeful = false;
	decided(run, run->c.policy, &list, &listed);
	decided(run, run->c.policy, &call, &called);
	decided(run, run->c.policy, &server, &seen);
	cr_expect(seen.allow || !listed.allow, "listed, of a server that is not\n" SAY_FORMAT, SAY_ARGS(asked));
	cr_expect(listed.allow || !called.allow, "called, and not listed\n" SAY_FORMAT, SAY_ARGS(asked));
	run->listed += listed.allow;
	if (asked->agent == PROPERTY_AGENTS || !asking_witness(&run->policy, &call)) {
		run->unwitnessed++;
		return;
	}
	call.hopeful = false;
	decided(run, run->c.policy, &call, &called);
	cr_expect(called.allow == listed.allow, "listed %d, called %d with the best arguments\n" SAY_FORMAT, listed.allow,
	    called.allow, SAY_ARGS(asked));
	run->witnesses++;
}

/* Who decides without a fact, and is not told that it hangs on it, need not ask again. */
static void
unsure_says_all(struct run *run, const struct asking *asked)
{
	static const unsigned	facts[] = { FACT_ARGUMENTS, FACT_DEFINITION, FACT_BEARER, FACT_TIME, FACT_CLIENT,
		FACT_WHO };
	struct asking		less = *asked, more = *asked;
	const unsigned		fact = facts[dice(6)];
	struct decision		without, with;

	less.known &= ~fact;
	more.known |= fact;
	decided(run, run->c.policy, &less, &without);
	if ((without.unsure & fact) != 0)
		return;
	decided(run, run->c.policy, &more, &with);
	cr_expect(with.allow == without.allow && with.rule == without.rule && with.hide == without.hide &&
	    with.shadow == without.shadow && with.class_text == without.class_text, "fact %x\n" SAY_FORMAT, fact, SAY_ARGS(asked));
	run->lazy++;
}

/* As before a call's tool is looked up: whoever hopes, and is told that nothing is open, has the last word already. */
static void
hope_that_is_sure_is_final(struct run *run, const struct asking *asked)
{
	struct asking	hope = *asked, last = *asked;
	struct decision	before, after;

	hope.known = last.known = FACTS_ALL;
	hope.known &= dice(2) == 0 ? ~(unsigned)FACT_DEFINITION : ~0u;
	hope.hopeful = true;
	last.hopeful = false;
	decided(run, run->c.policy, &hope, &before);
	if (before.unsure != 0)
		return;
	decided(run, run->c.policy, &last, &after);
	cr_expect(before.allow == after.allow && before.rule == after.rule, SAY(asked));
}

/* As `explain` says what may come of a call at best: what is known stays as it is. */
static void
settled_hope_is_for_what_is_not_known(struct run *run, const struct asking *asked)
{
	struct asking	some = *asked, all = *asked, last = *asked;
	struct decision	best, plain, whole;

	if (asked->kind == OBJECT_SERVER)
		return;
	some.hopeful = all.hopeful = some.settled = all.settled = true;
	all.known = last.known = FACTS_ALL;
	last.hopeful = false;
	decided(run, run->c.policy, &some, &best);
	decided(run, run->c.policy, &all, &whole);
	decided(run, run->c.policy, &last, &plain);
	cr_expect(best.allow || !plain.allow, "allowed, and not at best\n" SAY_FORMAT, SAY_ARGS(asked));
	cr_expect(whole.allow == plain.allow && whole.rule == plain.rule && whole.shadow == plain.shadow, SAY(asked));
	some.settled = false;
	decided(run, run->c.policy, &some, &whole);
	cr_expect(whole.allow || !best.allow, "more than hope\n" SAY_FORMAT, SAY_ARGS(asked));
	run->settled += whole.allow && !best.allow;
}

/* What others may do changes nothing. */
static void
alone_is_the_same(struct run *run, const char *folder)
{
	const unsigned	agent = dice(PROPERTY_AGENTS);
	struct compiled	alone;
	struct decision	a, b;
	struct asking	q;
	struct buf	json;

	buf_init(&json, 1 << 20);
	compile(folder, &run->policy, agent, &json, &alone);
	for (unsigned i = 0; i < 50; i++) {
		asking_make(&run->policy, &q);
		q.agent = agent;
		decided(run, run->c.policy, &q, &a);
		decided(run, alone.policy, &q, &b);
		cr_expect(a.allow == b.allow && a.hide == b.hide && a.shadow == b.shadow && span_eq(a.path, b.path),
		    SAY(&q));
		arena_reset(&run->arena);
	}
	compiled_fini(&alone);
	buf_fini(&json);
}

/* Nor does what another tenant's policy says, though its agents and servers have the same names. */
static void
tenants_are_apart(struct run *run, const char *folder)
{
	struct policy	*other = calloc(1, sizeof(*other));
	struct principal who;
	struct object	what;
	struct facts	facts;
	struct decision	a, b;
	struct compiled	beside;
	struct asking	q;
	struct verdict	want;
	struct buf	json;

	cr_assert(other != NULL);
	policy_make(other);
	other->deny_first = run->policy.deny_first;
	other->enforce = run->policy.enforce;
	buf_init(&json, 1 << 20);
	policy_put(other, PROPERTY_AGENTS, &json);
	cr_assert(eq(int, buf_put_u8(&json, 0), 0));
	scratch_write(folder, "tenants.d/other/rules.json", json.data, 0600);
	buf_clear(&json);
	compile(folder, &run->policy, PROPERTY_AGENTS, &json, &beside);
	for (unsigned i = 0; i < 100; i++) {
		asking_make(&run->policy, &q);
		decided(run, run->c.policy, &q, &a);
		decided(run, beside.policy, &q, &b);
		cr_expect(a.allow == b.allow && a.hide == b.hide && a.shadow == b.shadow && span_eq(a.path, b.path),
		    SAY(&q));
		asking_make(other, &q);
		reference(other, &q, &want);
		asking_put(other, &q, &run->arena, &who, &what, &facts);
		who.tenant = SPAN_LIT("other");
		decide(beside.policy, &who, &what, &b);
		cr_expect(want.allow == b.allow && want.shadow == b.shadow && strcmp(want.class, b.class_text) == 0,
		    SAY(&q));
		arena_reset(&run->arena);
	}
	compiled_fini(&beside);
	buf_fini(&json);
	scratch_write(folder, "tenants.d/other/rules.json", NULL, 0);
	free(other);
}

Test(property, decisions_are_what_random_policies_say_and_lists_are_what_may_be_called, .timeout = 3000)
{
	const uint64_t	 cases = number_of("CASES", CASES), seed = number_of("SEED", 1);
	struct run	*run = calloc(1, sizeof(*run));
	struct asking	*q = calloc(1, sizeof(*q));
	char		 folder[64];

	cr_assert(run != NULL && q != NULL);
	scratch_new(folder);
	buf_init(&run->json, 1 << 20);
	arena_init(&run->arena, NULL, 0, 64 << 20);
	for (uint64_t done = 0; done < cases; run->number++) {
		/* Each policy by its number alone. */
		dice_seed(seed * UINT64_C(1000003) + run->number);
		policy_make(&run->policy);
		compile(folder, &run->policy, PROPERTY_AGENTS, &run->json, &run->c);
		for (unsigned i = 0; i < PER_POLICY && done < cases; i++, done++) {
			asking_make(&run->policy, q);
			agrees(run, q);
			if (i % 4 == 0)
				listed_is_callable(run, q);
			if (i % 4 == 1)
				unsure_says_all(run, q);
			if (i % 4 == 2)
				hope_that_is_sure_is_final(run, q);
			if (i % 4 == 3)
				settled_hope_is_for_what_is_not_known(run, q);
			arena_reset(&run->arena);
		}
		if (run->number % 8 == 0)
			alone_is_the_same(run, folder);
		if (run->number % 8 == 4)
			tenants_are_apart(run, folder);
		compiled_fini(&run->c);
	}
	cr_log_info("%llu cases, %llu policies: %llu allowed, %llu of them shadowed, %llu open; %llu listed; %llu with the "
	    "best arguments, %llu have none; %llu sure without a fact", (unsigned long long)cases,
	    (unsigned long long)run->number, (unsigned long long)run->allowed, (unsigned long long)run->shadowed,
	    (unsigned long long)run->open, (unsigned long long)run->listed, (unsigned long long)run->witnesses,
	    (unsigned long long)run->unwitnessed, (unsigned long long)run->lazy);
	cr_expect(run->allowed > cases / 10 && run->open > cases / 50 && run->witnesses > cases / 10 && run->settled > 0,
	    "it tries too little");
	arena_fini(&run->arena);
	buf_fini(&run->json);
	free(q);
	free(run);
	scratch_remove(folder);
}
