/* SPDX-License-Identifier: Apache-2.0
 *
 * park.h - modern clients that are asked, and their retries
 */
#ifndef TESTS_INTEGRATION_PARK_H
#define TESTS_INTEGRATION_PARK_H

#include "tests/integration/talk.h"

#define ACCEPT(is)	"{\"k1\":{\"action\":\"accept\",\"content\":{\"is\":\"" is "\"}}}"
#define GOT		"result.structuredContent.got[0].content.is"

/* tools/call of a modern client: responses and state may be NULL, "arguments" is more's, after a comma. */
static UNUSED void
call(struct mcp *m, const char *tool, const char *more, const char *responses, const char *state, struct answer *a)
{
	char	*params;

	cr_assert(asprintf(&params, "{\"name\":\"%s\"%s%s%s%s%s%s}", tool, more, responses != NULL ? ",\"inputResponses\":" : "",
	    responses != NULL ? responses : "", state != NULL ? ",\"requestState\":\"" : "", state != NULL ? state : "",
	    state != NULL ? "\"" : "") > 0);
	mcp_ask_modern(m, "tools/call", params, a);
	free(params);
}

static UNUSED void
expect(struct answer *a, const char *at, const char *want)
{
	cr_expect(strcmp(json_text_at(a->json, at), want) == 0, "%s is not %s: %d %s", at, want, a->status,
	    a->body == NULL ? "(nothing)" : a->body);
}

/* It asks; answers the state, malloc'ed.  `count`: of questions. */
static UNUSED char *
expect_asked(struct answer *a, size_t count)
{
	char	*state = strdup(json_text_at(a->json, "result.requestState"));

	expect(a, "result.resultType", "input_required");
	cr_expect(a->status == 200 && state[0] != '\0', "%s", a->body);
	cr_expect(json_object_is_type(json_at(a->json, "result.inputRequests"), json_type_object) &&
	    (size_t)json_object_object_length(json_at(a->json, "result.inputRequests")) == count, "not %zu: %s", count, a->body);
	answer_fini(a);
	return state;
}

/* A call that is asked one thing. */
static UNUSED char *
begin_asked(struct mcp *m, const char *tool, const char *more)
{
	struct answer	a;

	call(m, tool, more, NULL, NULL, &a);
	return expect_asked(&a, 1);
}

static UNUSED void
expect_refused(struct mcp *m, const char *tool, const char *more, const char *state, const char *code, const char *what)
{
	struct answer	a;

	call(m, tool, more, ACCEPT("x"), state, &a);
	cr_expect(strcmp(json_text_at(a.json, "error.code"), code) == 0, "%s: %s", what, a.body);
	answer_fini(&a);
}

static UNUSED void
expect_got(struct mcp *m, const char *tool, const char *more, const char *state)
{
	struct answer	a;

	call(m, tool, more, ACCEPT("mine"), state, &a);
	expect(&a, "result.resultType", "complete");
	expect(&a, GOT, "mine");
	cr_expect(json_int_at(a.json, "id") == m->next_id - 1, "the retry's id: %s", a.body);
	answer_fini(&a);
}

/* Records of this tool, so many of them with this outcome. */
static UNUSED void
expect_records(const char *tool, const char *outcome, size_t count, size_t total)
{
	json_object	*all = gateway_audit(&g), *one;
	size_t		 n = 0, with = 0;

	for (size_t i = 0; i < json_object_array_length(all); i++) {
		one = json_object_array_get_idx(all, i);
		if (strcmp(json_text_at(one, "object"), tool) != 0)
			continue;
		n++;
		with += strcmp(json_text_at(one, "outcome"), outcome) == 0;
	}
	cr_expect(n == total && with == count, "%zu records of %s, not %zu; %zu, not %zu, with outcome %s", n, tool, total,
	    with, count, outcome);
	json_object_put(all);
}

#endif
