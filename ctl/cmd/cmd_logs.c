/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_logs.c - what a server's tools wrote to stderr
 *
 * Process: mcpgwctl.
 * Owns:    nothing beyond a call.
 * Trusts:  no text of a tool: what a terminal could take for a command is not passed on.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "ctl/ask.h"
#include "ctl/known.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/show/toollog.h"
#include "lib/log.h"
#include "lib/num.h"
#include "policy/policy.h"
#include "policy/tenants.h"

#define LINES_USUAL	50
#define LINES_MOST	100000
#define FOLLOW_MS	500
#define TEXT_MAX	1024

/* "start 3  pid 4412  jail runtime, net 1 host", "exit 1   after 0.2 s; next try in 14 s": the number that a line's
 * text begins with belongs to its kind. */
static void
print_people(const struct toollog_line *l, const char *when, const char *text)
{
	const size_t	digits = strspn(text, "0123456789");
	char		kind[40];

	if ((span_is(l->kind, "start") || span_is(l->kind, "exit")) && digits > 0 && digits < 12 &&
	    text[digits] == ' ') {
		snprintf(kind, sizeof(kind), "%.*s %.*s", SPAN_FMT(span_part(l->kind, 0, 8)), (int)digits, text);
		text += digits + 1;
	} else {
		snprintf(kind, sizeof(kind), "%.*s", SPAN_FMT(span_part(l->kind, 0, 8)));
	}
	if (span_is(l->kind, "start"))
		printf("%s %-8s pid %" PRIu64 "%s%s\n", when, kind, l->pid, text[0] == '\0' ? "" : "  ", text);
	else
		printf("%s %-8s %s\n", when, kind, text);
}

static void
print_line(const struct ctl *ctl, const struct toollog_line *l)
{
	char		text[TEXT_MAX + 1], when[OUT_TIME];
	time_t		t = (time_t)(l->wall_ms / 1000);
	struct tm	tm;

	out_clean(l->text, text, sizeof(text));
	if (ctl->json) {
		out_json_begin();
		out_json_text("time", span_of(out_utc_ms(l->wall_ms, when)));
		out_json_u64("pid", l->pid);
		out_json_text("kind", l->kind);
		out_json_text("text", span_of(text));
		out_json_end();
		return;
	}
	localtime_r(&t, &tm);
	strftime(when, sizeof(when), "%H:%M:%S", &tm);
	print_people(l, when, text);
}

/* The newest `most` lines; behind what was printed before, when *seen is in there. */
static void
print_new(const struct ctl *ctl, const struct toollog *log, uint64_t most, char **seen)
{
	struct span	 all = span_make(log->text, log->bytes), rest = all, from = all;
	struct toollog_line l = { .wall_ms = 0 };
	uint64_t	 count = 0;
	bool		 was_seen = false;

	/* Two equal lines in the same millisecond are one to whoever follows. */
	while (toollog_next(&rest, &l)) {
		count++;
		if (*seen != NULL && span_is(l.all, *seen)) {
			count = 0;
			from = rest;
			was_seen = true;
		}
	}
	if (was_seen)
		most = UINT64_MAX;
	for (rest = from; toollog_next(&rest, &l); count--)
		if (count <= most) {
			print_line(ctl, &l);
			free(*seen);
			*seen = strndup(l.all.p, l.all.n);
		}
	fflush(stdout);
}

/* What answers over HTTP runs elsewhere, and its log is there. */
static bool
is_remote(struct ctl *ctl, const char *tenant, const char *name)
{
	const struct rec_server	*server = NULL;
	struct snap		*s = NULL;
	struct ask		 a;
	bool			 remote = false;

	if (ask_open(ctl, &a, false) != 0)
		return false;
	ask_command(&a, CTLCMD_explain, NULL);
	if (ask_wait(&a, ask_take_snapshot, &s) == 0 && s != NULL &&
	    (server = policy_server_find(s, span_of(tenant), span_of(name))) != NULL)
		remote = server->kind == SERVER_HTTP;
	ask_close(&a);
	snap_release(&s);
	return remote;
}

int
cmd_logs(struct ctl *ctl, int argc, char **argv)
{
	const struct timespec	 nap = { 0, FOLLOW_MS * 1000000 };
	const char		*lines = NULL, *tenant = TENANT_DEFAULT;
	bool			 follow = false;
	const struct opt	 rows[] = { { "-n", &lines, NULL }, { "-f", NULL, &follow },
	    { "--tenant", &tenant, NULL }, { NULL, NULL, NULL } };
	uint64_t		 most = LINES_USUAL;
	struct toollog		 log;
	char			*seen = NULL;
	int			 r;

	(void)opts_take(rows, argc, argv, 1, 1);
	if (lines != NULL && (num_u64(span_of(lines), &most) != 0 || most > LINES_MOST))
		fatal(EX_USAGE, "-n %s: want a number, at most %d", lines, LINES_MOST);
	if (known_missing(ctl, KNOWN_TENANT, "", tenant) || known_missing(ctl, KNOWN_SERVER, tenant, argv[0]))
		return EX_DATAERR;
	if (is_remote(ctl, tenant, argv[0])) {
		const bool	other = strcmp(tenant, TENANT_DEFAULT) != 0;

		out_error("%s is over HTTP: no tool of it runs here. See: mcpgwctl server show %s%s%s", argv[0],
		    argv[0], other ? " --tenant " : "", other ? tenant : "");
		return EX_DATAERR;
	}
	do {
		if ((r = toollog_fetch(ctl, argv[0], tenant, true, &log)) == 0)
			print_new(ctl, &log, most, &seen);
		free(log.text);
	} while (r == 0 && follow && !ferror(stdout) && nanosleep(&nap, NULL) == 0);
	free(seen);
	return out_end(r);
}
