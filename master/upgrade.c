/* SPDX-License-Identifier: Apache-2.0
 *
 * upgrade.c - another master takes this one's place, and no connection is lost
 *
 * Process: master, the one that is to go.
 * Owns:    the new master until it serves, and the channel to it.
 * Trusts:  the program that is installed where ours was, once it has read the configuration without an error.
 *
 * Until the new one has said that it serves, all can be undone: this one goes on with everything it has.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/ctlconn.h"
#include "master/master.h"
#include "master/sdnotify.h"
#include "master/upgrade_priv.h"

#define WAIT_MS		50		/* between two looks whether it can begin */
#define START_MS	120000		/* from the start of the new master to its READY */
#define GONE_MS		2100		/* its children leave within two seconds after it */
#define RECORD_MS	5000		/* for store, auditor and scout to end */

void
upgrade_init(struct master *m)
{
	m->upgrade = (struct upgrade){ .out = -1, .standin_fd = -1, .standin_own = -1 };
}

void
upgrade_fini(struct master *m)
{
	struct upgrade	*u = &m->upgrade;
	int		 status;

	upgrade_stop_reading(u);
	if (u->timed)
		loop_timer_disarm(&u->timer);
	/* One that serves is nobody's to end. */
	if (u->pid != 0 && u->state != UPGRADE_HANDED) {
		kill(u->pid, SIGKILL);
		(void)waitpid(u->pid, &status, 0);
		u->pid = 0;
	}
	if (u->has_chan)
		chan_fini(&u->chan);
	u->has_chan = false;
	fd_close(&u->standin_fd);
}

void
upgrade_wait(struct master *m, loop_timer_fn *fn, uint64_t ms)
{
	struct upgrade	*u = &m->upgrade;

	if (u->timed)
		loop_timer_disarm(&u->timer);
	u->timed = true;
	loop_timer_init(m->loop, &u->timer, fn, m);
	loop_timer_arm(&u->timer, ms);
}

bool
upgrade_is_over_to_other(const struct master *m)
{
	return m->upgrade.state == UPGRADE_HANDED;
}

static bool
under_way(const struct master *m)
{
	return (m->upgrade.state != UPGRADE_NONE && m->upgrade.state != UPGRADE_FAILED) || m->upgrade.recovers;
}

bool
upgrade_defers_reload(struct master *m, unsigned what)
{
	struct upgrade	*u = &m->upgrade;

	if (u->state == UPGRADE_STARTS)
		u->reload_due |= what;
	else if (u->state == UPGRADE_HANDED && u->pid != 0)
		kill(u->pid, SIGHUP);
	return u->state == UPGRADE_STARTS || u->state == UPGRADE_HANDED;
}

static uint64_t
took_ms(const struct master *m)
{
	const struct upgrade	*u = &m->upgrade;

	return u->began_ms == 0 ? 0 : (u->ended_ms != 0 ? u->ended_ms : loop_now_ms(m->loop)) - u->began_ms;
}

void
upgrade_report(struct master *m, struct ctl_conn *c)
{
	const struct upgrade	*u = &m->upgrade;
	struct msg_CTL_UPGRADE	 b = {
		/* Who waited for it is told how it ended. */
		.state = u->recovers && c->wait != CTL_WAIT_UPGRADE ? UPGRADE_RECOVERS : u->state, .holds = m->holds,
		.workers = m->workers_wanted, .warnings = u->warnings,
		.drain_ms = m->params.drain_timeout, .before = span_of(MCPGW_VERSION), .version = span_of(u->version),
		.line = span_of(u->why), .ms = took_ms(m),
	};

	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++) {
		b.ready += m->workers[i].state == CHILD_READY;
		b.old_workers += u->state == UPGRADE_HANDED && m->workers[i].pid != 0;
	}
	if (u->state != UPGRADE_HANDED && m->heir.is) {
		b.before = span_of(m->heir.version);
		b.old_workers = (uint32_t)__builtin_popcountll(m->heir.busy);
		b.old_pid = m->heir.lives ? (uint32_t)m->heir.old_pid : 0;
	}
	if (u->state != UPGRADE_HANDED)
		b.version = span_of(MCPGW_VERSION);
	(void)ctl_send(c, MSG_TYPE_CTL_UPGRADE, &b, NULL, 0);
}

/* --- it came to nothing ------------------------------------------------------------------------ */

/* Its workers may have served already: what they held of caps is nobody's now. */
static void
clear_others(struct master *m)
{
	for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++)
		if (m->workers[i].pid == 0)
			regions_clear_worker(&m->regions, i);
}

static void
on_again(struct loop_timer *t, void *arg)
{
	struct master	*m = arg;
	const unsigned	 due = m->upgrade.reload_due;

	(void)t;
	m->upgrade.recovers = false;
	if (m->upgrade.record_given) {
		m->upgrade.record_given = false;
		clear_others(m);
		for (struct child **c = (struct child *[]){ &m->store, &m->auditor, NULL }; *c != NULL; c++) {
			(*c)->respawn = true;	/* one that still ends starts when it has */
			if ((*c)->state == CHILD_IDLE)
				child_start(*c);
		}
		scout_look(m);
	}
	m->upgrade.reload_due = 0;
	/* One after the other: a store that is not there yet is no reason not to read the files. */
	for (const unsigned *what = (const unsigned []){ COMPILE_POLICY, COMPILE_KEYS, 0 }; *what != 0; what++)
		if ((due & *what) != 0)
			reload_request(&m->reload, *what, (struct reload_by){ GENERATION_BY_SIGNAL, 0 }, NULL);
	if (m->upgrade.again)
		upgrade_begin(m, NULL);
}

/* What was given away comes back, once the new master's children have let go of it. */
void
upgrade_fail(struct master *m, int exit_code, const char *fmt, ...)
{
	struct upgrade	*u = &m->upgrade;
	va_list		 ap;

	va_start(ap, fmt);
	vsnprintf(u->why, sizeof(u->why), fmt, ap);
	va_end(ap);
	u->state = UPGRADE_FAILED;
	u->recovers = true;
	u->ended_ms = loop_now_ms(m->loop);
	log_err(NULL, "upgrade refused, version %s goes on: %s", MCPGW_VERSION, u->why);
	upgrade_stop_reading(u);
	if (u->has_chan)
		chan_fini(&u->chan);
	u->has_chan = false;
	fd_close(&u->standin_own);
	if (!m->heir.is)
		fd_close(&u->standin_fd);
	if (u->pid != 0)
		kill(u->pid, SIGKILL);
	ctlsock_on_upgrade(&m->ctl, exit_code, u->why);
	if (m->stopping)
		return;
	upgrade_wait(m, on_again, u->record_given || u->want_record ? GONE_MS : 0);
	u->record_given |= u->want_record;
	u->want_record = false;
}

void
upgrade_on_limit(struct loop_timer *t, void *arg)
{
	struct master	*m = arg;

	(void)t;
	upgrade_fail(m, EX_TEMPFAIL, "%s", m->upgrade.state == UPGRADE_CHECKS ?
	    "the new program's check takes too long" :
	    "the new master does not come to serve; its own lines in the log may say why");
}

/* --- the new master ---------------------------------------------------------------------------- */

/* They belong to one at a time.  The others of this master can do without for a moment: records wait in the spool. */
static void
give_record(struct master *m)
{
	m->upgrade.want_record = true;
	child_quit(&m->scout, RECORD_MS);
	child_quit(&m->store, RECORD_MS);
	child_quit(&m->auditor, RECORD_MS);
	upgrade_look(m);
}

void
upgrade_look(struct master *m)
{
	struct upgrade	*u = &m->upgrade;

	if (!u->want_record || m->scout.state != CHILD_IDLE || m->store.state != CHILD_IDLE ||
	    m->auditor.state != CHILD_IDLE)
		return;
	u->want_record = false;
	u->record_given = true;
	if (heir_say(&u->chan, HEIR_FACT_RECORD_YOURS, 0, 0, "") != 0)
		upgrade_fail(m, EX_SOFTWARE, "the new master cannot be told");
}

/* From here on it is the gateway; we see to it that those who are served here are served to the end. */
static void
hand_over(struct master *m)
{
	struct upgrade	*u = &m->upgrade;
	const int32_t	 next = (int32_t)u->pid;
	char		 text[32];

	/* A service manager believes it of us alone, and hears READY of the other only after that. */
	snprintf(text, sizeof(text), "MAINPID=%ld", (long)u->pid);
	sdnotify_send(text);
	if (u->standin_fd != -1)
		(void)send(u->standin_fd, &next, sizeof(next), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (heir_say_slots(m, &u->chan) != 0 || heir_say(&u->chan, HEIR_FACT_TAKEN, 0, 0, "") != 0) {
		snprintf(text, sizeof(text), "MAINPID=%ld", (long)getpid());
		sdnotify_send(text);
		upgrade_fail(m, EX_SOFTWARE, "the new master cannot be told");
		return;
	}
	loop_timer_disarm(&u->timer);
	u->state = UPGRADE_HANDED;
	ctlsock_leave(&m->ctl);
	listen_give_up(&m->listeners, &m->listeners);
	fd_close(&m->dirs.pid_fd);
	fd_close(&m->dirs.marker_fd);
	log_notice(NULL, "mcpgw %s took over, pid %ld; %u workers finish within %llu s", u->version, (long)u->pid,
	    workers_filled(m), (unsigned long long)m->params.drain_timeout / 1000);
	if (u->reload_due != 0 || u->again)
		kill(u->pid, u->again ? SIGUSR2 : SIGHUP);
	stop_retire(m);
}

static void
on_msg(struct chan *c, const struct chan_msg *msg, void *arg)
{
	struct master			*m = arg;
	const struct msg_HEIR_FACT	*b = &msg->body->HEIR_FACT;

	(void)c;
	if (msg->type == MSG_TYPE_HEIRLOOM && msg->body->HEIRLOOM.kind == HEIRLOOM_PEER &&
	    msg->body->HEIRLOOM.number < MASTER_WORKERS_MAX)
		peers_take(&m->workers[msg->body->HEIRLOOM.number], (uint32_t)(msg->body->HEIRLOOM.value >> 32),
		    (uint32_t)msg->body->HEIRLOOM.value, msg->fds[0]);
	if (msg->type == MSG_TYPE_HEIRLOOM && msg->body->HEIRLOOM.kind == HEIRLOOM_OFFERED &&
	    m->upgrade.state == UPGRADE_HANDED)
		heir_take_offered(m, &msg->body->HEIRLOOM, &msg->fds[0]);
	if (msg->type != MSG_TYPE_HEIR_FACT)
		return;
	switch (b->kind) {
	case HEIR_FACT_VERSION:
		snprintf(m->upgrade.version, sizeof(m->upgrade.version), "%.*s", SPAN_FMT(b->name));
		break;
	case HEIR_FACT_PROTOCOL:
		m->upgrade.protocol = b->number;
		break;
	case HEIR_FACT_WANT_RECORD:
		if (m->upgrade.state == UPGRADE_STARTS && !m->upgrade.record_given)
			give_record(m);
		break;
	case HEIR_FACT_SERVES:
		if (m->upgrade.state == UPGRADE_STARTS && m->upgrade.record_given)
			hand_over(m);
		break;
	case HEIR_FACT_SETTLED:
		if (m->upgrade.state == UPGRADE_HANDED)
			ctlsock_on_upgrade(&m->ctl, 0, NULL);
		break;
	case HEIR_FACT_OFFERED:
		if (m->upgrade.state == UPGRADE_HANDED)
			heir_on_offered(m, b->number, b->value);
		break;
	case HEIR_FACT_HURRY:
		if (m->upgrade.state == UPGRADE_HANDED)
			stop_hurry(m);
		break;
	default:
		break;
	}
}

static void
on_closed(struct chan *c, int why, void *arg)
{
	struct master	*m = arg;

	(void)why;
	chan_fini(c);
	m->upgrade.has_chan = false;
	/* Its end is seen by wait(2), which knows how it ended. */
}

/* Ours, or the one that stands in for us and was told to end with us. */
static int
standin_pair(struct master *m)
{
	struct upgrade	*u = &m->upgrade;
	char		 manager[128];
	int		 pair[2];

	if (m->heir.standin_fd != -1) {
		if (u->standin_fd == -1)
			u->standin_fd = fcntl(m->heir.standin_fd, F_DUPFD_CLOEXEC, 0);
		return u->standin_fd == -1 ? E_SYS : 0;
	}
	if (!m->foreground || sdnotify_path(manager, sizeof(manager)))
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return E_SYS;
	u->standin_own = pair[0];
	u->standin_fd = pair[1];
	return 0;
}

int
upgrade_spawn(struct master *m, char **argv, int control, int out)
{
	const struct spawn_plan	plan = {
		.path = m->program, .argv = argv, .control = control, .out = out, .log = -1,
		.err = out != -1 ? out : STDERR_FILENO, .environment = true,
	};

	return spawn(&plan, &m->upgrade.pid);
}

void
upgrade_start(struct master *m)
{
	struct upgrade	*u = &m->upgrade;
	char		 name[] = "mcpgw", foreground[] = "-f", heir[] = "-H";
	char		*argv[SPAWN_ARGS_MAX + 5];
	int		 pair[2] = { -1, -1 };
	size_t		 n = 0;
	int		 r = E_SYS;

	argv[n++] = name;
	argv[n++] = heir;
	if (m->foreground)
		argv[n++] = foreground;
	options_for_compiler(m->options, m->where.config_dir, argv + n);
	u->state = UPGRADE_STARTS;
	u->version[0] = '\0';
	u->protocol = 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1 || (r = standin_pair(m)) != 0 ||
	    (r = upgrade_spawn(m, argv, pair[1], -1)) != 0 ||
	    (r = chan_init(&u->chan, m->loop, pair[0], ROLE_MASTER, ROLE_MASTER, on_msg, on_closed, m)) != 0) {
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		upgrade_fail(m, EX_OSERR, "the new master cannot be started: %s",
		    r == E_SYS ? strerror(errno) : err_text(r));
		return;
	}
	fd_close(&pair[1]);
	u->chan.ready = true;		/* there is no boot on this channel */
	u->has_chan = true;
	upgrade_wait(m, upgrade_on_limit, START_MS);
	/* One that has ended already: wait(2) says how. */
	if ((r = heir_bequeath(m, &u->chan)) != 0 && r != E_CLOSED)
		upgrade_fail(m, EX_SOFTWARE, "the new master does not take what there is: %s", err_text(r));
}

/* --- when it begins ---------------------------------------------------------------------------- */

/* Not beside a reload, nor while the workers of the one before finish: there are slots for two, not for three. */
static bool
may_begin(const struct master *m)
{
	return m->ready && m->reload.state == RELOAD_IDLE && !m->heir.lives && m->heir.busy == 0 &&
	    m->upgrade.pid == 0 && m->store.state == CHILD_READY && m->auditor.state == CHILD_READY;
}

static void
on_wait(struct loop_timer *t, void *arg)
{
	struct master	*m = arg;

	if (m->stopping || m->upgrade.state != UPGRADE_WAITS)
		return;
	if (may_begin(m))
		upgrade_check(m);
	else
		loop_timer_arm(t, WAIT_MS);
}

/* For what, and how long at most; to all of mcpgwctl that wait. */
static void
say_wait(struct master *m)
{
	const unsigned	workers = (unsigned)__builtin_popcountll(m->heir.busy);
	char		line[160];

	if (workers > 0 || m->heir.lives)
		snprintf(line, sizeof(line), "waits for %u worker%s of pid %ld, which finish%s within %llu s at most; "
		    "Ctrl-C calls it off", workers, workers == 1 ? "" : "s", (long)m->heir.old_pid,
		    workers == 1 ? "es" : "", (unsigned long long)m->params.drain_timeout / 1000);
	else
		snprintf(line, sizeof(line), "waits until %s; Ctrl-C calls it off", m->reload.state != RELOAD_IDLE ?
		    "a reload is done" : "the gateway's own processes are ready");
	ctlsock_note_upgrade(&m->ctl, LOG_LEVEL_NOTICE, line);
}

void
upgrade_begin(struct master *m, struct ctl_conn *c)
{
	struct upgrade	*u = &m->upgrade;

	if (c != NULL)
		c->wait = CTL_WAIT_UPGRADE;
	if (m->options->private) {
		log_warn(NULL, "a private gateway is not upgraded: its client starts the next one");
		ctlsock_on_upgrade(&m->ctl, EX_UNAVAILABLE, "a private gateway is not upgraded; its client starts "
		    "the next one");
		return;
	}
	if (under_way(m)) {
		/* Whoever asks while one is prepared gets that one. */
		u->again |= u->recovers || (u->state != UPGRADE_WAITS && c == NULL);
		u->signalled |= c == NULL;
		if (c != NULL && u->state == UPGRADE_WAITS && !u->recovers)
			say_wait(m);
		return;
	}
	u->state = UPGRADE_WAITS;
	u->again = false;
	u->signalled = c == NULL;
	u->began_ms = u->ended_ms = 0;
	u->warnings = 0;
	u->why[0] = '\0';
	if (may_begin(m)) {
		upgrade_check(m);
		return;
	}
	say_wait(m);
	upgrade_wait(m, on_wait, WAIT_MS);
}

void
upgrade_left(struct master *m)
{
	struct upgrade	*u = &m->upgrade;

	if (u->state != UPGRADE_WAITS || u->signalled || ctlsock_waits_upgrade(&m->ctl))
		return;
	loop_timer_disarm(&u->timer);
	u->state = UPGRADE_NONE;
	log_notice(NULL, "an upgrade that waited is called off: mcpgwctl was ended");
}

/* --- what else happens meanwhile ---------------------------------------------------------------- */

bool
upgrade_on_exit(struct master *m, pid_t pid, int status)
{
	struct upgrade	*u = &m->upgrade;

	if (u->pid == 0 || pid != u->pid)
		return false;
	u->pid = 0;
	u->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	switch (u->state) {
	case UPGRADE_CHECKS:
		upgrade_checked(m, status);
		break;
	case UPGRADE_STARTS:
		upgrade_fail(m, u->exit_code >= EX__BASE && u->exit_code <= EX__MAX ? u->exit_code : EX_SOFTWARE,
		    "the new master ended before it served (%s %d); its own lines in the log say why",
		    WIFEXITED(status) ? "exit code" : "signal",
		    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		break;
	case UPGRADE_HANDED:
		ctlsock_on_upgrade(&m->ctl, EX_SOFTWARE, "the new master ended when it had just begun to serve; "
		    "see the log");
		stop_hurry(m);
		break;
	default:
		break;
	}
	return true;
}

void
upgrade_abandon(struct master *m)
{
	struct upgrade	*u = &m->upgrade;

	if (!under_way(m) || u->state == UPGRADE_HANDED)
		return;
	if (u->timed)
		loop_timer_disarm(&u->timer);
	upgrade_stop_reading(u);
	u->state = UPGRADE_FAILED;
	u->recovers = u->want_record = false;
	if (u->pid != 0)
		kill(u->pid, SIGTERM);
	ctlsock_on_upgrade(&m->ctl, EX_TEMPFAIL, "the gateway is stopping");
}

bool
upgrade_is_pending(const struct master *m)
{
	return m->upgrade.pid != 0 && m->upgrade.state != UPGRADE_HANDED;
}

bool
upgrade_tell_over(struct master *m, uint32_t slot, uint32_t incarnation)
{
	struct upgrade	*u = &m->upgrade;

	if (!u->has_chan || (u->state != UPGRADE_HANDED && !u->record_given))
		return false;
	/* An auditor that does not hear of it finds out at its next start. */
	return heir_say(&u->chan, HEIR_FACT_WRITER_OVER, slot, incarnation, "") == 0;
}

void
upgrade_tell_mark(struct master *m, const struct msg_QUOTA_MARK *mark)
{
	struct upgrade	*u = &m->upgrade;

	if (u->has_chan && (u->state == UPGRADE_HANDED || u->record_given) && u->protocol == IPC_PROTOCOL &&
	    u->chan.queued_bytes == 0)
		(void)!chan_send(&u->chan, MSG_TYPE_QUOTA_MARK, 0, mark, NULL, 0);
}

bool
upgrade_pass_on(struct master *m, int signo)
{
	if (!upgrade_is_over_to_other(m) || m->upgrade.pid == 0)
		return false;
	kill(m->upgrade.pid, signo);
	return true;
}
