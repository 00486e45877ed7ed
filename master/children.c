/* SPDX-License-Identifier: Apache-2.0
 *
 * children.c - the child table: birth, watchdog, death, back-off
 *
 * Process: master.
 * Owns:    one struct child per place, its channel and its process.
 * Trusts:  wait(2); not a child's word about itself.
 *
 * One that served for a while is replaced at once.  One that dies early is replaced at once the first
 * time, then after 1 s, doubling to a minute, so that a crash loop never takes the machine down.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "master/boot.h"
#include "master/logfd.h"
#include "master/master.h"
#include "master/query.h"
#include "master/sdnotify.h"
#include "master/status.h"

#define CHILD_MAGIC	0xc411d001u
#define STEADY_MS	1000		/* READY for this long: not an early death */
#define BACKOFF_MS	1000
#define BACKOFF_MAX_MS	60000
#define BOOT_MS		60000		/* the auditor may have much to recover */
#define LEAVE_MS	2000		/* from a closed channel to the end of the process */
#define RETIRE_END_MS	3000		/* from the end of a retiring one's time to that of the process */
#define LAST_WORDS_MS	50		/* from the end of the process to that of its channel */

const struct log_subject *
child_subject(const struct child *c)
{
	static struct log_subject	subject;
	static char			name[24];

	snprintf(name, sizeof(name), "%u", c->slot);
	subject = (struct log_subject){ role_program(c->role), c->role == ROLE_WORKER ? name : "" };
	return &subject;
}

void
child_init(struct child *c, struct master *m, enum role role, uint32_t slot, struct tenant *t)
{
	*c = (struct child){ .magic = CHILD_MAGIC, .m = m, .role = role, .slot = slot, .tenant = t };
}

void
child_fini(struct child *c)
{
	if (c->magic != CHILD_MAGIC)
		return;
	BUG_ON(c->pid != 0);
	loop_timer_disarm(&c->timer);
	c->magic = 0;
}

static void
child_arm(struct child *c, loop_timer_fn *fn, uint64_t ms)
{
	loop_timer_disarm(&c->timer);
	loop_timer_init(c->m->loop, &c->timer, fn, c);
	loop_timer_arm(&c->timer, ms);
}

static void
child_signal_kill(struct child *c)
{
	if (c->pid != 0)
		kill(c->pid, SIGKILL);
}

static void
on_patience_over(struct loop_timer *t, void *arg)
{
	struct child	*c = arg;

	(void)t;
	MAGIC_CHECK(c, CHILD_MAGIC);
	log_warn(child_subject(c), "does not leave; killed, pid=%ld", (long)c->pid);
	child_signal_kill(c);
}

static void
on_boot_over(struct loop_timer *t, void *arg)
{
	(void)t;
	child_kill(arg, "took too long");
}

static void
on_backoff_over(struct loop_timer *t, void *arg)
{
	(void)t;
	child_start(arg);
}

void
child_kill(struct child *c, const char *why)
{
	MAGIC_CHECK(c, CHILD_MAGIC);
	if (c->pid == 0)
		return;
	log_warn(child_subject(c), "killed: %s, pid=%ld", why, (long)c->pid);
	c->asked = true;
	chan_fini(&c->chan);
	c->state = CHILD_LEAVING;
	child_signal_kill(c);
}

/* What the place does after its process ended. */
static void
child_next(struct child *c)
{
	uint64_t	now = loop_now_ms(c->m->loop), wait;

	if (c->ready_ms != 0 && now - c->ready_ms >= STEADY_MS)
		c->fails = 0;
	else if (c->ready_ms == 0 || !WIFSIGNALED(c->status) || WTERMSIG(c->status) != SIGKILL)
		c->fails++;	/* somebody else's KILL is no crash of its own */
	if (!c->respawn) {
		c->state = CHILD_IDLE;
		return;
	}
	c->state = CHILD_WAITING;
	wait = c->fails < 2 ? 0 : BACKOFF_MAX_MS;
	if (c->fails >= 2 && c->fails < 8)
		wait = (uint64_t)BACKOFF_MS << (c->fails - 2);
	if (wait > BACKOFF_MAX_MS)
		wait = BACKOFF_MAX_MS;
	if (wait > 0)
		log_warn(child_subject(c), "starts again in %llu s, fails=%u",
		    (unsigned long long)wait / 1000, c->fails);
	child_arm(c, on_backoff_over, wait);
}

/* Process and channel are both gone. */
static void
child_over(struct child *c)
{
	int	status = c->status;

	loop_timer_disarm(&c->timer);
	chan_fini(&c->chan);
	c->reaped = false;
	c->deaths++;
	child_next(c);
	status_on_death(c, status);
}

static void
on_last_words_over(struct loop_timer *t, void *arg)
{
	(void)t;
	child_over(arg);
}

static void
child_on_closed(struct chan *ch, int why, void *arg)
{
	struct child	*c = arg;

	MAGIC_CHECK(c, CHILD_MAGIC);
	if (c->reaped) {
		child_over(c);
		return;
	}
	if (why != E_CLOSED) {
		child_kill(c, err_text(why));
		return;
	}
	/* It is on its way out, and may have something to write down first. */
	chan_fini(ch);
	c->state = CHILD_LEAVING;
	child_arm(c, on_patience_over, LEAVE_MS);
}

static void
child_on_msg(struct chan *ch, const struct chan_msg *msg, void *arg)
{
	struct child	*c = arg;

	(void)ch;
	MAGIC_CHECK(c, CHILD_MAGIC);
	c->heard_ms = loop_now_ms(c->m->loop);
	c->pinged_ms = 0;
	status_on_message(c, msg);
}

int
child_send(struct child *c, uint16_t type, uint64_t ref, const void *msg, const int *fds,
    unsigned fd_count)
{
	int	r;

	if (!child_has_channel(c) || c->reaped)
		return E_CLOSED;
	r = chan_send(&c->chan, type, ref, msg, fds, fd_count);
	/* A closed channel is found, and told, by its reader. */
	if (r != 0 && r != E_CLOSED)
		child_kill(c, err_text(r));
	return r;
}

static int
child_spawn(struct child *c, int control)
{
	struct master	*m = c->m;
	char		 slot[16];
	char		*argv[SPAWN_ARGS_MAX + 3];
	char		 path[PATH_MAX + 64];
	size_t		 n = 0;
	bool		 syslog;
	int		 log = -1, r;
	struct spawn_plan plan = {
		.path = path, .argv = argv, .control = control, .out = -1,
		.err = m->foreground ? STDERR_FILENO : -1,
		.user = c->tenant == NULL ? m->user[c->role] : c->tenant->user, .environment = c->role == ROLE_COMPILE,
	};

	snprintf(path, sizeof(path), "%s/%s", m->libexec, role_program(c->role));
	snprintf(slot, sizeof(slot), "%u", c->slot);
	argv[n++] = (char *)(uintptr_t)role_program(c->role);
	argv[n++] = slot;
	for (size_t i = 0; c->more_args != NULL && c->more_args[i] != NULL && i < SPAWN_ARGS_MAX; i++)
		argv[n++] = c->more_args[i];
	argv[n] = NULL;
	if ((r = logfd_open(m->foreground, &log, &syslog)) != 0)
		return r;
	plan.log = log;
	r = spawn(&plan, &c->pid);
	if (r != 0)
		c->pid = 0;
	fd_close(&log);
	return r;
}

void
child_start(struct child *c)
{
	struct master	*m = c->m;
	int		 pair[2] = { -1, -1 };
	int		 r = E_SYS;

	MAGIC_CHECK(c, CHILD_MAGIC);
	BUG_ON(c->pid != 0 || c->reaped);
	loop_timer_disarm(&c->timer);
	loop_clock_update(m->loop);
	c->incarnation++;
	c->ready_ms = c->pinged_ms = 0;
	c->status = 0;
	c->asked = c->retires = false;
	memset(c->in_force, 0, sizeof(c->in_force));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		goto fail;
	if ((r = child_spawn(c, pair[1])) != 0)
		goto fail;
	fd_close(&pair[1]);
	LIST_INSERT_HEAD(&m->children.live, c, live);
	c->born_ms = c->heard_ms = loop_now_ms(m->loop);
	c->state = CHILD_BOOTING;
	if ((r = chan_init(&c->chan, m->loop, pair[0], ROLE_MASTER, c->role, child_on_msg,
	    child_on_closed, c)) != 0) {
		fd_close(&pair[0]);
		child_kill(c, err_text(r));
		return;
	}
	child_arm(c, on_boot_over, BOOT_MS);
	boot_child(c);
	return;
 fail:
	log_err(child_subject(c), "cannot be started: %s", strerror(errno));
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	c->deaths++;
	child_next(c);
}

void
child_ping(struct child *c)
{
	struct msg_PING	ping = { .token = ++c->m->children.token };

	/* One that hangs is not sent more than it has to take. */
	if (c->pinged_ms != 0)
		return;
	c->pinged_ms = loop_now_ms(c->m->loop);
	(void)child_send(c, MSG_TYPE_PING, 0, &ping, NULL, 0);
}

void
hold_tell(struct child *c)
{
	struct msg_RETIRE	hold = { .what = c->m->holds ? RETIRE_HOLD : RETIRE_SERVE };

	if (c->state == CHILD_READY)
		(void)child_send(c, MSG_TYPE_RETIRE, 0, &hold, NULL, 0);
}

void
child_is_ready(struct child *c)
{
	/* A compiler is ready long before it is done; its limit stands. */
	if (c->role != ROLE_COMPILE)
		loop_timer_disarm(&c->timer);
	c->state = CHILD_READY;
	c->ready_ms = loop_now_ms(c->m->loop);
	log_debug(child_subject(c), "ready, pid=%ld ms=%llu", (long)c->pid,
	    (unsigned long long)(c->ready_ms - c->born_ms));
}

static void
drain(struct child *c, uint64_t told_ms, uint64_t within_ms)
{
	struct msg_DRAIN	drain = { .within_ms = (uint32_t)told_ms };

	MAGIC_CHECK(c, CHILD_MAGIC);
	c->respawn = false;
	c->asked = true;
	switch (c->state) {
	case CHILD_WAITING:
		loop_timer_disarm(&c->timer);
		c->state = CHILD_IDLE;
		break;
	case CHILD_DRAINING:
		if (!c->retires)
			break;
		/* Now it is in a hurry. */
		/* FALLTHROUGH */
	case CHILD_READY:
		if (child_send(c, MSG_TYPE_DRAIN, 0, &drain, NULL, 0) != 0)
			break;
		c->state = CHILD_DRAINING;
		c->retires = false;
		child_arm(c, on_patience_over, within_ms);
		break;
	case CHILD_BOOTING:
		/* It serves nobody yet, and the end of its channel tells it to go. */
		chan_fini(&c->chan);
		c->state = CHILD_LEAVING;
		child_arm(c, on_patience_over, LEAVE_MS);
		break;
	case CHILD_IDLE:
	case CHILD_LEAVING:
	case CHILD_STATE_LIMIT:
		break;
	}
}

void
child_drain(struct child *c, uint64_t within_ms)
{
	drain(c, within_ms, within_ms);
}

void
child_quit(struct child *c, uint64_t patience_ms)
{
	drain(c, 1, patience_ms);
}

void
child_retire(struct child *c, uint64_t within_ms)
{
	struct msg_RETIRE	retire = { .what = RETIRE_LEAVE, .within_ms = (uint32_t)within_ms };

	MAGIC_CHECK(c, CHILD_MAGIC);
	if (c->state != CHILD_READY) {
		child_drain(c, within_ms);
		return;
	}
	c->respawn = false;
	c->asked = true;
	if (child_send(c, MSG_TYPE_RETIRE, 0, &retire, NULL, 0) != 0)
		return;
	c->state = CHILD_DRAINING;
	c->retires = true;
	child_arm(c, on_patience_over, within_ms + RETIRE_END_MS);
}

/* A line for each death that nobody asked for, and it is counted; those who do one thing end by themselves. */
static void
child_log_death(struct child *c, int status)
{
	bool		expected = c->asked || (!c->respawn && c->tenant == NULL && WIFEXITED(status));
	enum log_level	level = expected ? LOG_LEVEL_DEBUG : LOG_LEVEL_NOTICE;
	const char	*early = c->ready_ms == 0 ? " before it was ready" : "";

	c->m->children.deaths[c->role] += !expected;
	if (WIFSIGNALED(status))
		log_write(level, child_subject(c), "killed by signal %d%s, pid=%ld", WTERMSIG(status),
		    early, (long)c->pid);
	else
		log_write(level, child_subject(c), "exited %d%s, pid=%ld", WEXITSTATUS(status), early,
		    (long)c->pid);
}

static void
child_reaped(struct child *c, int status)
{
	LIST_REMOVE(c, live);
	child_log_death(c, status);
	c->pid = 0;
	c->status = status;
	c->reaped = true;
	/* Its last words may still be in the socket; the end of file comes behind them. */
	if (child_has_channel(c))
		child_arm(c, on_last_words_over, LAST_WORDS_MS);
	else
		child_over(c);
}

void
children_reap(struct master *m)
{
	struct child	*c;
	pid_t		 pid;
	int		 status;

	loop_clock_update(m->loop);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		LIST_FOREACH(c, &m->children.live, live)
			if (c->pid == pid)
				break;
		if (c == NULL && !upgrade_on_exit(m, pid, status))
			query_on_exit(m, pid, status);
		else if (c != NULL)
			child_reaped(c, status);
	}
}

static void
on_watch(struct loop_timer *t, void *arg)
{
	struct master	*m = arg;
	struct child	*c, *next;
	uint64_t	 now = loop_now_ms(m->loop), patience = m->params.watchdog, wait;

	if (patience == 0)		/* no parameters yet */
		patience = BOOT_MS;
	for (c = LIST_FIRST(&m->children.live); c != NULL; c = next) {
		next = LIST_NEXT(c, live);
		if (c->state != CHILD_READY || c->role == ROLE_COMPILE)
			continue;
		if (now - c->heard_ms > patience)
			child_kill(c, "silent for longer than watchdog");
		else
			child_ping(c);
	}
	sdnotify_send("WATCHDOG=1");
	wait = patience / 3 + 1;
	if (sdnotify_alive_ms() != 0 && sdnotify_alive_ms() < wait)
		wait = sdnotify_alive_ms();
	loop_timer_arm(t, wait);
}

void
children_init(struct master *m)
{
	LIST_INIT(&m->children.live);
	loop_timer_init(m->loop, &m->children.watch, on_watch, m);
	loop_timer_arm(&m->children.watch, 1000);
}

bool
children_alive(const struct master *m, unsigned roles)
{
	struct child	*c;

	LIST_FOREACH(c, &m->children.live, live)
		if ((roles & ROLE_BIT(c->role)) != 0)
			return true;
	return false;
}

void
children_kill_all(struct master *m)
{
	struct child	*c;
	int		 status;

	while ((c = LIST_FIRST(&m->children.live)) != NULL) {
		LIST_REMOVE(c, live);
		loop_timer_disarm(&c->timer);
		chan_fini(&c->chan);
		child_signal_kill(c);
		while (waitpid(c->pid, &status, 0) == -1 && errno == EINTR)
			;
		c->pid = 0;
		c->state = CHILD_IDLE;
	}
}
