/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_ps.c - ps, top and kill: the calls in flight
 *
 * Process: mcpgwctl.  Owns: what the workers answered.  Trusts: no text in it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "ctl/lines.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/show/status.h"
#include "lib/log.h"
#include "lib/num.h"

#define EVERY_MS	2000
#define EVERY_LEAST_MS	100

struct running {
	uint64_t	age_ms, worker;
	char		request[20], agent[128], tenant[64], server[128], object[256], kind[16], state[32];
};

struct list {
	struct running	*all;
	size_t		 count, room;
};

static void
take(struct json_value object, void *arg)
{
	struct list	*l = arg;
	struct running	*c;

	if (l->count == l->room) {
		l->room = l->room * 2 + 64;
		if ((l->all = realloc(l->all, l->room * sizeof(*l->all))) == NULL)
			fatal(EX_OSERR, "out of memory");
	}
	c = &l->all[l->count++];
	*c = (struct running){ .age_ms = lines_u64(object, "age_ms"), .worker = lines_u64(object, "worker") };
	lines_text(object, "request_id", c->request, sizeof(c->request));
	lines_text(object, "agent", c->agent, sizeof(c->agent));
	lines_text(object, "tenant", c->tenant, sizeof(c->tenant));
	lines_text(object, "server", c->server, sizeof(c->server));
	lines_text(object, "object", c->object, sizeof(c->object));
	lines_text(object, "kind", c->kind, sizeof(c->kind));
	lines_text(object, "state", c->state, sizeof(c->state));
}

static int
oldest_first(const void *a, const void *b)
{
	const struct running	*x = a, *y = b;

	return x->age_ms > y->age_ms ? -1 : x->age_ms < y->age_ms;
}

static void
print_json(const struct running *c)
{
	out_json_begin();
	out_json_text("request_id", span_of(c->request));
	out_json_u64("age_ms", c->age_ms);
	out_json_text("agent", span_of(c->agent));
	out_json_text("tenant", span_of(c->tenant));
	out_json_text("server", span_of(c->server));
	out_json_text("kind", span_of(c->kind));
	out_json_text("object", span_of(c->object));
	out_json_text("state", span_of(c->state));
	out_json_u64("worker", c->worker);
	out_json_end();
}

static void
age_words(uint64_t ms, char to[OUT_TIME])
{
	if (ms < 10000)
		snprintf(to, OUT_TIME, "%.1f s", (double)ms / 1000);
	else
		out_span_ms(ms, to);
}

static void
print_table(const struct list *l)
{
	static const struct out_column	columns[] = {
		{ "AGE", true, true }, { "REQUEST", false, true }, { "AGENT", false, false },
		{ "TENANT", false, false }, { "OBJECT", false, false }, { "STATE", false, true },
	};
	struct out_table	*t = out_table_new(columns, 6);
	char			 age[OUT_TIME];

	for (size_t i = 0; i < l->count; i++) {
		const struct running	*c = &l->all[i];

		age_words(c->age_ms, age);
		out_cell(t, "%s", age);
		out_cell(t, "%s", c->request);
		out_cell(t, "%s", c->agent);
		out_cell(t, "%s", c->tenant);
		out_cell(t, "%s.%s", c->server, c->object);
		out_cell(t, "%s", c->state);
	}
	out_table_end(&t);
}

/* The exit code; why was said. */
static int
print_calls(struct ctl *ctl)
{
	struct list	l = { .count = 0 };
	int		r;

	r = lines_each(ctl, CTLCMD_ps, NULL, true, take, &l);
	if (l.count > 0)
		qsort(l.all, l.count, sizeof(*l.all), oldest_first);
	if (r == 0 && !ctl->json)
		print_table(&l);
	for (size_t i = 0; r == 0 && ctl->json && i < l.count; i++)
		print_json(&l.all[i]);
	free(l.all);
	return r;
}

int
cmd_ps(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	none[] = { { NULL, NULL, NULL } };

	(void)opts_take(none, argc, argv, 0, 0);
	return out_end(print_calls(ctl));
}

/* One look: the exit code of what keeps from looking, not of how the gateway is. */
static int
look(struct ctl *ctl)
{
	struct status	s;
	int		r = status_gather(ctl, true, &s);

	if (r == 0 && isatty(STDOUT_FILENO))
		printf("\033[H\033[2J");	/* home, and nothing below */
	if (r == 0)
		(void)(ctl->json ? status_print_json(&s) : status_print(ctl, &s));
	status_free(&s);
	if (r != 0)
		return r;
	if (!ctl->json)
		printf("\n");
	return print_calls(ctl);
}

int
cmd_top(struct ctl *ctl, int argc, char **argv)
{
	const char		*looks = NULL, *every = NULL;
	const struct opt	 rows[] = { { "-n", &looks, NULL }, { "--every", &every, NULL }, { NULL, NULL, NULL } };
	uint64_t		 n = ctl->json || !isatty(STDOUT_FILENO) ? 1 : UINT64_MAX, ms = EVERY_MS;
	struct timespec		 pause;
	int			 r;

	(void)opts_take(rows, argc, argv, 0, 0);
	if (looks != NULL && (num_u64(span_of(looks), &n) != 0 || n == 0))
		fatal(EX_USAGE, "-n %s: want how often to look", looks);
	if (every != NULL && (num_msec(span_of(every), &ms) != 0 || ms < EVERY_LEAST_MS))
		fatal(EX_USAGE, "--every %s: want a time of 100ms at least, such as 5s", every);
	pause = (struct timespec){ (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
	while ((r = look(ctl)) == 0 && --n > 0) {
		if (!ctl->json && !isatty(STDOUT_FILENO))
			printf("\n");
		if (fflush(stdout) != 0 || nanosleep(&pause, NULL) != 0)
			break;
	}
	return out_end(r);
}

int
cmd_kill(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	none[] = { { NULL, NULL, NULL } };
	struct list		l = { .count = 0 };
	char			age[OUT_TIME];
	int			r;

	(void)opts_take(none, argc, argv, 1, 1);
	if (strncmp(argv[0], "r-", 2) != 0)
		fatal(EX_USAGE, "\"%s\" is no request id, as mcpgwctl ps has them: r-...", argv[0]);
	r = lines_each(ctl, CTLCMD_kill, argv[0], true, take, &l);
	if (r == 0 && l.count == 0) {
		out_error("%s: no such call in flight; see mcpgwctl ps", argv[0]);
		r = EX_DATAERR;
	}
	if (r == 0 && ctl->json) {
		print_json(&l.all[0]);
	} else if (r == 0) {
		age_words(l.all[0].age_ms, age);
		printf("%s: %s.%s of %s ends, after %s\n", l.all[0].request, l.all[0].server, l.all[0].object,
		    l.all[0].agent, age);
	}
	free(l.all);
	return out_end(r);
}
