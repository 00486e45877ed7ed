/* SPDX-License-Identifier: Apache-2.0
 *
 * resume.h - streams that break, and are come back for
 */
#ifndef TESTS_INTEGRATION_RESUME_H
#define TESTS_INTEGRATION_RESUME_H

#include "tests/integration/talk.h"

/* Of the tool `steps`: four notes, with pauses, and the result. */
#define STEPS(ms)	",\"arguments\":{\"n\":4,\"ms\":" #ms "},\"_meta\":{\"progressToken\":7}"

static UNUSED void
expect_step(struct hearing *h, int step)
{
	json_object	*o = talk_next(h, "method", "notifications/progress");

	cr_expect(json_int_at(o, "params.progress") == step, "not step %d: %s", step, json_object_to_json_string(o));
	json_object_put(o);
}

/* The rest of `steps` from this one on, and nothing else. */
static UNUSED void
expect_steps_from(struct hearing *h, int step)
{
	for (; step <= 4; step++)
		expect_step(h, step);
	talk_last(h, "result.content[0].text", "done");
}

/* The connection breaks; where it was. */
static UNUSED void
cut(struct hearing *h, char id[128])
{
	memcpy(id, h->id, 128);
	hearing_fini(h);
}

/* A counter of the metrics page. */
static UNUSED unsigned
metric(const char *name)
{
	char	series[64];
	double	value;

	snprintf(series, sizeof(series), "mcpgw_%s", name);
	value = gateway_metric(&g, series);
	cr_expect(value >= 0, "no %s", name);
	return value < 0 ? 0 : (unsigned)value;
}

/* Refused, in the same words whatever is wrong; but for the request's own number. */
static UNUSED void
expect_refused(const struct mcp *m, const char *id, const char *more, const char *why)
{
	struct hearing	 h;
	json_object	*o;

	hearing_resume(&h, m, id, more);
	o = hearing_next(&h, SOON);
	cr_expect(h.status == 400 && !h.stream, "%s: %s: %d", why, id, h.status);
	cr_assert(o != NULL, "%s: nothing came", why);
	cr_expect(json_at(o, "id") == NULL, "%s: %s", why, json_object_to_json_string(o));
	json_object_object_del(json_at(o, "error.data"), "request_id");
	cr_expect_str_eq(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN), "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":"
	    "-32600,\"message\":\"Last-Event-ID names nothing that can be resumed\",\"data\":{\"code\":\"INVALID_REQUEST\"}}}",
	    "%s", why);
	json_object_put(o);
	hearing_fini(&h);
}

static UNUSED bool
workers_are_others(void *arg)
{
	struct procs	*before = arg, *now = malloc(sizeof(*now));
	bool		 yes;

	gateway_procs(&g, now);
	yes = procs_count(now, "mcpgw-worker") >= procs_count(before, "mcpgw-worker");
	for (size_t i = 0; procs_find(before, "mcpgw-worker", i) != NULL; i++)
		for (size_t k = 0; procs_find(now, "mcpgw-worker", k) != NULL; k++)
			yes &= procs_find(before, "mcpgw-worker", i)->pid != procs_find(now, "mcpgw-worker", k)->pid;
	free(now);
	return yes;
}

static UNUSED void
kill_workers(void)
{
	struct procs	*procs = malloc(sizeof(*procs));

	gateway_procs(&g, procs);
	for (size_t i = 0; i < procs_count(procs, "mcpgw-worker"); i++)
		kill(procs_find(procs, "mcpgw-worker", i)->pid, SIGKILL);
	cr_assert(wait_until(workers_are_others, procs, SOON));
	free(procs);
}

#endif
