/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_upgrade.c - upgrade, drain
 *
 * Process: mcpgwctl.
 * Owns:    nothing.
 * Trusts:  the master's answer, of which it understands no more than equal IPC_PROTOCOL; of others the signal and the
 *          file run_dir/pid, which never change.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "ctl/ask.h"
#include "ctl/folders.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/log.h"

#define SIGNALLED_MS	150000		/* as long as a master waits for its heir, and more */
#define LOOK_MS		50

struct told {
	bool			came;
	struct msg_CTL_UPGRADE	b;
	char			before[64], version[64], line[512];
};

static void
take(uint16_t type, const union msg_any *body, int *fds, void *arg)
{
	struct told	*t = arg;

	(void)fds;
	if (type != MSG_TYPE_CTL_UPGRADE)
		return;
	t->came = true;
	t->b = body->CTL_UPGRADE;
	snprintf(t->before, sizeof(t->before), "%.*s", SPAN_FMT(t->b.before));
	snprintf(t->version, sizeof(t->version), "%.*s", SPAN_FMT(t->b.version));
	snprintf(t->line, sizeof(t->line), "%.*s", SPAN_FMT(t->b.line));
}

static int
ask(struct ctl *ctl, uint64_t what, struct told *t, bool *other_version)
{
	struct msg_CTL	msg = { .command = CTLCMD_upgrade, .n = what };
	struct ask	a;
	int		r;

	*other_version = false;
	if ((r = ask_open(ctl, &a, true)) != 0)
		return r;
	a.upgrades = true;
	ask_send(&a, MSG_TYPE_CTL, &msg, NULL, 0);
	r = ask_wait(&a, take, t);
	*other_version = r == EX_PROTOCOL && a.other_version;
	ask_close(&a);
	return r;
}

static const struct {
	const char	*word, *doing;		/* doing NULL: nothing is under way */
} states[UPGRADE_STATE_LIMIT] = {
	[UPGRADE_NONE] = { "none", NULL },
	[UPGRADE_WAITS] = { "waits", "an upgrade waits until it can begin" },
	[UPGRADE_CHECKS] = { "checks", "an upgrade is under way: the new program reads the configuration" },
	[UPGRADE_STARTS] = { "starts", "an upgrade is under way: the new programs start" },
	[UPGRADE_HANDED] = { "handed over", "an upgrade is under way: the new programs serve" },
	[UPGRADE_FAILED] = { "refused", NULL },
	[UPGRADE_RECOVERS] = { "recovers", "an upgrade was refused, and what was given away comes back" },
};

static const char *
state_word(const struct told *t)
{
	return t->b.state < UPGRADE_STATE_LIMIT ? states[t->b.state].word : "?";
}

static const char *
state_doing(const struct told *t)
{
	return t->b.state < UPGRADE_STATE_LIMIT ? states[t->b.state].doing : "it is in a state that this mcpgwctl "
	    "does not know";
}

static void
print_json(const struct told *t, bool done)
{
	out_json_begin();
	out_json_bool("done", done);
	out_json_text("state", span_of(state_word(t)));
	if (t->line[0] != '\0')
		out_json_text("line", span_of(t->line));
	out_json_text("before", span_of(t->before));
	out_json_text("version", span_of(t->version));
	out_json_u64("workers", t->b.workers);
	/* Who handed over has none, and knows of no others. */
	if (t->b.state != UPGRADE_HANDED)
		out_json_u64("ready", t->b.ready);
	out_json_u64("old_workers", t->b.old_workers);
	out_json_u64("warnings", t->b.warnings);
	out_json_u64("ms", t->b.ms);
	out_json_bool("takes_calls", !t->b.holds);
	out_json_end();
}

static const char *
s_if(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static int
status(struct ctl *ctl)
{
	struct told	t = { .came = false };
	bool		other;
	int		r = ask(ctl, UPGRADE_ASK_STATUS, &t, &other);

	if (other)
		out_error("the gateway that runs is of another version than this mcpgwctl; see its log");
	if (r != 0 || !t.came)
		return out_end(r == 0 ? EX_PROTOCOL : r);
	if (ctl->json) {
		print_json(&t, t.b.old_workers == 0 && t.b.old_pid == 0 && state_doing(&t) == NULL);
		return out_end(0);
	}
	printf("%s: %u of %u workers, %u old one%s left", t.version, t.b.ready, t.b.workers, t.b.old_workers,
	    s_if(t.b.old_workers));
	if (t.b.old_workers > 0)
		printf(" of %s, pid %u, which finish within %" PRIu64 " s", t.before, t.b.old_pid, t.b.drain_ms / 1000);
	else if (t.b.old_pid != 0)
		printf("; pid %u of %s ends", t.b.old_pid, t.before);
	printf(".\n");
	if (state_doing(&t) != NULL)
		printf("%s.\n", state_doing(&t));
	if (t.line[0] != '\0')
		printf("The last upgrade was refused: %s\n", t.line);
	if (t.b.holds)
		printf("It takes no calls: mcpgwctl drain --undo\n");
	return out_end(0);
}

/* One that speaks another protocol still knows the signal.  Done is when another process has its place. */
static int
by_signal(struct ctl *ctl)
{
	const struct timespec	nap = { 0, LOOK_MS * 1000000 };
	long			before = folders_running_pid(ctl), now = before;

	if (before == 0 || kill((pid_t)before, SIGUSR2) == -1) {
		out_error("the gateway that runs is of another version, and pid %ld takes no signal from here: "
		    "kill -USR2 $(cat %s/pid)", before, folders_run(ctl));
		return EX_NOPERM;
	}
	for (int ms = 0; ms < SIGNALLED_MS; ms += LOOK_MS) {
		if ((now = folders_running_pid(ctl)) != before && now != 0)
			break;
		nanosleep(&nap, NULL);
	}
	if (now == before || now == 0) {
		out_error("pid %ld goes on; its log says why", before);
		return EX_TEMPFAIL;
	}
	if (!ctl->json)
		printf("pid %ld -> %ld: see mcpgwctl upgrade --status\n", before, now);
	return 0;
}

int
cmd_upgrade(struct ctl *ctl, int argc, char **argv)
{
	bool			only_status = false, other;
	const struct opt	rows[] = { { "--status", NULL, &only_status }, { NULL, NULL, NULL } };
	struct told		t = { .came = false };
	int			r;

	(void)opts_take(rows, argc, argv, 0, 0);
	if (only_status)
		return status(ctl);
	r = ask(ctl, UPGRADE_ASK_BEGIN, &t, &other);
	if (other)
		return out_end(by_signal(ctl));
	if (ctl->json && t.came) {
		print_json(&t, r == 0);
	} else if (r == 0 && t.came) {
		printf("mcpgw %s -> %s: configuration checked with the new programs, %u warning%s.\n", t.before,
		    t.version, t.b.warnings, s_if(t.b.warnings));
		printf("Workers handed over in %.1f s; ", (double)t.b.ms / 1000);
		if (t.b.old_workers > 0)
			printf("%u old one%s finish%s within %" PRIu64 " s; ", t.b.old_workers, s_if(t.b.old_workers),
			    t.b.old_workers == 1 ? "es" : "", t.b.drain_ms / 1000);
		printf("no connection was closed. See: mcpgwctl upgrade --status\n");
		if (t.b.holds)
			printf("It takes no calls, as before: mcpgwctl drain --undo\n");
	}
	return out_end(r);
}

int
cmd_drain(struct ctl *ctl, int argc, char **argv)
{
	bool			undo = false;
	const struct opt	rows[] = { { "--undo", NULL, &undo }, { NULL, NULL, NULL } };
	struct msg_CTL		msg = { .command = CTLCMD_drain };
	int			r;

	(void)opts_take(rows, argc, argv, 0, 0);
	msg.n = undo;
	r = ask_told(ctl, &msg);
	if (r == 0 && ctl->json) {
		out_json_begin();
		out_json_bool("takes_calls", undo);
		out_json_end();
	} else if (r == 0) {
		printf(undo ? "takes calls again\n" : "takes no calls; /readyz says so, what runs is finished.  Take "
		    "them again: mcpgwctl drain --undo\n");
	}
	return out_end(r);
}
