/* SPDX-License-Identifier: Apache-2.0
 *
 * ctlsock.c - ctl.sock: connections, and who may ask
 *
 * Process: master.
 * Owns:    the listening socket and its connections.
 * Trusts:  the kernel for who is calling (SO_PEERCRED, SO_PEERGROUPS); the socket's mode keeps most
 *          out, the check here is what counts.
 */
#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/spare.h"
#include "master/ctlconn.h"
#include "master/master.h"

#define CONN_MAGIC	0xc71c0001u
#define CONNS_MAX	64
#define PER_TURN	16	/* then others have theirs */
#define PAUSE_MS	100
#define GROUPS_MAX	256
#define ADMIN_GROUP	"mcpgw-admin"

static void
conn_free(struct ctl_conn *c)
{
	const bool	 upgrades = c->wait == CTL_WAIT_UPGRADE;
	struct master	*m = c->s->m;

	if (c->wait == CTL_WAIT_RELOAD) {
		reload_forget(&c->s->m->reload, &c->reload);
		ctlcmd_on_reload_abandoned(c);
	} else if (c->wait == CTL_WAIT_QUERY)
		query_forget(c->s->m, c);
	/* Whoever asked has left; whether it is done nobody here knows. */
	ctlnote_end(c, c->wait == CTL_WAIT_STOP || c->wait == CTL_WAIT_RELOAD ? "ok" : "unknown");
	TAILQ_REMOVE(&c->s->conns, c, next);
	c->s->count--;
	chan_fini(&c->chan);
	fd_close(&c->out);
	fd_close(&c->err);
	free(c->args);
	c->magic = 0;
	free(c);
	if (upgrades)
		upgrade_left(m);
}

int
ctl_send(struct ctl_conn *c, uint16_t type, const void *msg, const int *fds, unsigned fd_count)
{
	/* A slow or gone mcpgwctl loses its own answer; nobody waits for it. */
	return chan_send(&c->chan, type, 0, msg, fds, fd_count);
}

void
ctl_note(struct ctl_conn *c, unsigned level, struct span line)
{
	struct msg_CTL_NOTE	note = { .level = level, .line = line };

	(void)ctl_send(c, MSG_TYPE_CTL_NOTE, &note, NULL, 0);
}

static void
ctl_done_full(struct ctl_conn *c, int exit_code, const struct reload_result *r)
{
	struct msg_CTL_DONE	done = { .exit_code = exit_code };

	if (r != NULL) {
		done.generation = r->generation;
		done.ms = r->ms;
		done.workers = r->workers;
	}
	c->wait = CTL_WAIT_NONE;
	/* What is done and not yet everywhere is done. */
	ctlnote_end(c, exit_code == 0 || r != NULL ? "ok" : "refused");
	/* Nothing comes after it, so whoever cannot be told is told by the end; the channel hears of that as well. */
	if (ctl_send(c, MSG_TYPE_CTL_DONE, &done, NULL, 0) != 0)
		(void)shutdown(c->chan.fd, SHUT_RDWR);
}

void
ctl_done(struct ctl_conn *c, int exit_code)
{
	ctl_done_full(c, exit_code, NULL);
}

void
ctl_refuse(struct ctl_conn *c, int exit_code, const char *fmt, ...)
{
	char	line[512];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	ctl_note(c, LOG_LEVEL_ERR, span_of(line));
	ctl_done(c, exit_code);
}

static struct ctl_conn *
conn_of(struct reload_waiter *w)
{
	return (struct ctl_conn *)(void *)((char *)w - offsetof(struct ctl_conn, reload));
}

static void
conn_on_reload_note(struct reload_waiter *w, unsigned level, struct span line)
{
	ctl_note(conn_of(w), level, line);
}

static void
conn_on_reload_done(struct reload_waiter *w, const struct reload_result *result)
{
	if (result->exit_code == RELOAD_EXIT_REFUSED)
		ctlcmd_on_reload_refused(conn_of(w));
	ctl_done_full(conn_of(w), result->exit_code, result);
}

static void
conn_on_closed(struct chan *ch, int why, void *arg)
{
	struct ctl_conn	*c = arg;

	(void)ch;
	(void)why;
	MAGIC_CHECK(c, CONN_MAGIC);
	conn_free(c);
}

static void
conn_on_msg(struct chan *ch, const struct chan_msg *msg, void *arg)
{
	struct ctl_conn	*c = arg;

	(void)ch;
	MAGIC_CHECK(c, CONN_MAGIC);
	if (c->asked) {
		conn_free(c);
		return;
	}
	c->asked = true;
	ctlcmd_run(c, msg);
}

/* Is the caller in group mcpgw-admin, by any of the groups its socket was made with? */
static bool
peer_is_admin(int fd)
{
	struct group	*gr = getgrnam(ADMIN_GROUP);
	gid_t		 gids[GROUPS_MAX];
	socklen_t	 bytes = sizeof(gids);

	if (gr == NULL || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gids, &bytes) == -1)
		return false;
	for (size_t i = 0; i < bytes / sizeof(gids[0]); i++)
		if (gids[i] == gr->gr_gid)
			return true;
	return false;
}

static bool
peer_may_ask(int fd, uint32_t *uid)
{
	struct ucred	cred;
	socklen_t	bytes = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &bytes) == -1)
		return false;
	*uid = cred.uid;
	return cred.uid == 0 || cred.uid == geteuid() || peer_is_admin(fd);
}

/* For somebody who gets one line and no connection. */
static void
turn_away(int fd, int exit_code, const char *line)
{
	struct msg_CTL_NOTE	note = { .level = LOG_LEVEL_ERR, .line = span_of(line) };
	struct msg_CTL_DONE	done = { .exit_code = exit_code };

	if (chan_send_wait(fd, MSG_TYPE_CTL_NOTE, 0, &note, NULL, 0) != 0 ||
	    chan_send_wait(fd, MSG_TYPE_CTL_DONE, 0, &done, NULL, 0) != 0)
		log_debug(NULL, "ctl.sock: a caller left before its answer");
	fd_close(&fd);
}

static void
conn_new(struct ctlsock *s, int fd)
{
	struct ctl_conn	*c;
	uint32_t	 uid;

	if (!peer_may_ask(fd, &uid)) {
		turn_away(fd, EX_NOPERM, "ctl.sock: you are not root, the owner, or in group " ADMIN_GROUP);
		return;
	}
	if (s->count >= CONNS_MAX || (c = calloc(1, sizeof(*c))) == NULL) {
		turn_away(fd, EX_TEMPFAIL, "too many commands at the same time; try again");
		return;
	}
	*c = (struct ctl_conn){ .magic = CONN_MAGIC, .s = s, .uid = uid, .out = -1, .err = -1,
	    .reload = { conn_on_reload_note, conn_on_reload_done, NULL } };
	if (chan_init(&c->chan, s->m->loop, fd, ROLE_MASTER, ROLE_CTL, conn_on_msg, conn_on_closed,
	    c) != 0) {
		fd_close(&fd);
		free(c);
		return;
	}
	c->chan.ready = true;		/* there is no boot on this channel */
	TAILQ_INSERT_TAIL(&s->conns, c, next);
	s->count++;
}

static void
ctlsock_on_pause_over(struct loop_timer *t, void *arg)
{
	struct ctlsock	*s = arg;

	(void)t;
	loop_io_arm(&s->io, LOOP_READ);
}

/* There is no descriptor for another one, or no memory: it is told, and the next ones wait. */
static void
ctlsock_pause(struct ctlsock *s, bool descriptors)
{
	int	fd;

	log_warn_repeat(NULL, "ctl.sock: %s; commands wait", descriptors ? "out of descriptors" : "out of memory");
	if (descriptors && (fd = spare_accept(&s->spare, s->fd)) != -1)
		turn_away(fd, EX_TEMPFAIL, "the gateway has no descriptors left; try again, or raise LimitNOFILE of "
		    "its service");
	spare_take(&s->spare, s->fd);
	loop_io_arm(&s->io, 0);
	loop_timer_arm(&s->pause, PAUSE_MS);
}

static void
ctlsock_on_readable(struct loop_io *io, unsigned what, void *arg)
{
	struct ctlsock	*s = arg;
	int		 fd;

	(void)io;
	(void)what;
	for (int i = 0; i < PER_TURN; i++) {
		if ((fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) != -1) {
			conn_new(s, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			ctlsock_pause(s, errno == EMFILE || errno == ENFILE);
		return;
	}
}

int
ctlsock_open(struct ctlsock *s, struct master *m)
{
	int	r;

	*s = (struct ctlsock){ .m = m, .fd = -1, .spare = -1 };
	TAILQ_INIT(&s->conns);
	if (snprintf(s->path, sizeof(s->path), "%s/ctl.sock", m->dirs.run_dir) >= (int)sizeof(s->path))
		return E_TOOBIG;
	if (m->heir.is && m->heir.ctl_fd != -1) {
		s->fd = m->heir.ctl_fd;		/* who waits there is not lost */
		m->heir.ctl_fd = -1;
	} else if ((r = listen_unix(s->path, SOCK_SEQPACKET, 0660, m->personal ? NULL : ADMIN_GROUP, &s->fd)) != 0) {
		log_err(LOG_SUBJECT(s->path, ""), "%s", strerror(errno));
		return r;
	}
	spare_take(&s->spare, s->fd);
	loop_timer_init(m->loop, &s->pause, ctlsock_on_pause_over, s);
	loop_io_init(m->loop, &s->io, s->fd, ctlsock_on_readable, s);
	loop_io_arm(&s->io, LOOP_READ);
	return 0;
}

void
ctlsock_close(struct ctlsock *s)
{
	struct ctl_conn	*c;

	if (s->m == NULL || (s->fd == -1 && !s->left))
		return;
	while ((c = TAILQ_FIRST(&s->conns)) != NULL) {
		if (c->wait == CTL_WAIT_STOP)
			ctl_done(c, 0);
		conn_free(c);
	}
	if (s->left)
		return;			/* it is another master's */
	loop_io_fini(&s->io);
	loop_timer_disarm(&s->pause);
	fd_close(&s->spare);
	fd_close(&s->fd);
	(void)unlink(s->path);
}

void
ctlsock_leave(struct ctlsock *s)
{
	loop_io_fini(&s->io);
	fd_close(&s->fd);
	s->left = true;
}

static struct ctl_conn *
conn_waiting(struct ctlsock *s, enum ctl_wait wait, uint64_t ref)
{
	struct ctl_conn	*c;

	TAILQ_FOREACH(c, &s->conns, next)
		if (c->wait == wait && (ref == 0 || c->ref == ref))
			return c;
	return NULL;
}

void
ctlsock_on_dump(struct ctlsock *s, uint64_t ref, int fd)
{
	struct ctl_conn	*c = s->m == NULL || ref == 0 ? NULL : conn_waiting(s, CTL_WAIT_STORE, ref);

	if (c != NULL)
		ctlcmd_on_dump(c, fd);
}

void
ctlsock_on_token(struct ctlsock *s, uint64_t ref, const struct msg_TOKEN_IS *b)
{
	struct ctl_conn	*c = s->m == NULL || ref == 0 ? NULL : conn_waiting(s, CTL_WAIT_STORE, ref);

	if (c != NULL)
		ctlkeys_on_token(c, b);
}

void
ctlsock_on_store_done(struct ctlsock *s, uint64_t ref, int error, struct span line)
{
	struct ctl_conn	*c = s->m == NULL || ref == 0 ? NULL : conn_waiting(s, CTL_WAIT_STORE, ref);

	if (c != NULL)
		ctlcmd_on_store_done(c, error, line);
	else if (error != 0 && s->m != NULL)
		log_warn(LOG_SUBJECT("store", ""), "%.*s", SPAN_FMT(line));
}

void
ctlsock_on_caught_up(struct ctlsock *s, uint64_t ref)
{
	struct ctl_conn	*c = s->m == NULL || ref == 0 ? NULL : conn_waiting(s, CTL_WAIT_AUDITOR, ref);

	if (c != NULL)
		ctlcmd_on_caught_up(c);
}

void
ctlsock_on_log(struct ctlsock *s, uint64_t ref, int fd, uint64_t bytes, struct span why)
{
	struct ctl_conn	*c = s->m == NULL || ref == 0 ? NULL : conn_waiting(s, CTL_WAIT_RUNNER, ref);

	if (c != NULL)
		ctlcmd_on_log(c, fd, bytes, why);
}

void
ctlsock_on_restarted(struct ctlsock *s, uint64_t ref, uint32_t stopped, uint32_t finishing)
{
	struct ctl_conn	*c = s->m == NULL || ref == 0 ? NULL : conn_waiting(s, CTL_WAIT_RUNNER, ref);

	if (c != NULL)
		ctlcmd_on_restarted(c, stopped, finishing);
}

void
ctlsock_on_pins(struct ctlsock *s, bool late)
{
	struct ctl_conn	*c;

	if (s->m == NULL)
		return;
	TAILQ_FOREACH(c, &s->conns, next) {
		if (c->wait != CTL_WAIT_PINS)
			continue;
		if (pins_everywhere(s->m, c->ref))
			ctl_done(c, 0);
		else if (late)
			ctl_refuse(c, EX_TEMPFAIL, "decided, but not every worker has it yet");
	}
}

void
ctlsock_on_refused(struct ctlsock *s, uint64_t ref, struct span lines)
{
	struct ctl_conn	*c = s->m == NULL || ref == 0 ? NULL : conn_waiting(s, CTL_WAIT_RUNNER, ref);

	if (c != NULL)
		ctlcmd_on_refused(c, lines);
}

void
ctlsock_on_worker_says(struct ctlsock *s, uint64_t ref, uint32_t slot, int fd, uint64_t bytes)
{
	struct ctl_conn	*c = s->m == NULL || ref == 0 ? NULL : conn_waiting(s, CTL_WAIT_WORKERS, ref);

	if (c != NULL)
		ctlask_on_says(c, slot, fd, bytes);
}

void
ctlsock_on_worker_death(struct ctlsock *s, uint32_t slot)
{
	struct ctl_conn	*c, *next;

	for (c = s->m == NULL ? NULL : TAILQ_FIRST(&s->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, next);
		if (c->wait == CTL_WAIT_WORKERS)
			ctlask_on_worker_death(c, slot);
	}
}

static void
lose_all(struct ctlsock *s, enum ctl_wait wait, const char *who)
{
	struct ctl_conn	*c;

	while (s->m != NULL && (c = conn_waiting(s, wait, 0)) != NULL)
		ctlcmd_on_lost(c, who);
}

void
ctlsock_on_store_death(struct ctlsock *s)
{
	lose_all(s, CTL_WAIT_STORE, "mcpgw-store");
}

void
ctlsock_on_auditor_death(struct ctlsock *s)
{
	lose_all(s, CTL_WAIT_AUDITOR, "mcpgw-audit");
}

void
ctlsock_on_scout_death(struct ctlsock *s)
{
	lose_all(s, CTL_WAIT_SCOUT, "mcpgw-scout");
}

void
ctlsock_on_login(struct ctlsock *s, uint64_t ref, const struct msg_LOGIN_IS *b)
{
	struct ctl_conn	*c = s->m == NULL || ref == 0 ? NULL : conn_waiting(s, CTL_WAIT_SCOUT, ref);

	if (c != NULL)
		ctllogin_on_answer(c, b);
}

void
ctlsock_on_runner_death(struct ctlsock *s)
{
	lose_all(s, CTL_WAIT_RUNNER, "mcpgw-runner");
}

void
ctlsock_on_query_end(struct ctl_conn *c, int exit_code)
{
	ctl_done(c, exit_code);
}

bool
ctlsock_waits_upgrade(struct ctlsock *s)
{
	return s->m != NULL && conn_waiting(s, CTL_WAIT_UPGRADE, 0) != NULL;
}

void
ctlsock_note_upgrade(struct ctlsock *s, unsigned level, const char *line)
{
	struct ctl_conn	*c;

	if (s->m == NULL)
		return;
	TAILQ_FOREACH(c, &s->conns, next)
		if (c->wait == CTL_WAIT_UPGRADE)
			ctl_note(c, level, span_of(line));
}

void
ctlsock_on_upgrade(struct ctlsock *s, int exit_code, const char *why)
{
	struct ctl_conn	*c;

	while (s->m != NULL && (c = conn_waiting(s, CTL_WAIT_UPGRADE, 0)) != NULL) {
		upgrade_report(s->m, c);
		if (why == NULL)
			ctl_done(c, exit_code);
		else
			ctl_refuse(c, exit_code, "%s%s", upgrade_is_over_to_other(s->m) ? "" : "version "
			    MCPGW_VERSION " goes on: ", why);
	}
}
