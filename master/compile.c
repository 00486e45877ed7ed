/* SPDX-License-Identifier: Apache-2.0
 *
 * compile.c - one run of mcpgw-compile
 *
 * Process: master.
 * Owns:    the compiler's place and what it made, until somebody takes that.
 * Trusts:  seals, head, length and sum of a snapshot, checked here; a note is only passed on.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/secretfile.h"
#include "master/master.h"
#include "policy/tenants.h"

#define LEAST_MS	5000		/* for a run, however short the watchdog's patience is */
#define MOST_MS		60000		/* before there are parameters */

/* Twice what a process may be silent: it answers no ping while it works, and waits for disks that others may use. */
static uint64_t
most_ms(const struct compile *c)
{
	const uint64_t	ms = c->child.m->params.watchdog * 2;

	return ms == 0 ? MOST_MS : ms < LEAST_MS ? LEAST_MS : ms;
}

static void
on_limit(struct loop_timer *t, void *arg)
{
	struct compile	*c = arg;

	(void)t;
	c->late = true;
	child_kill(&c->child, "took too long");
}

const char *
compile_why(const struct compile *c, int result)
{
	static char	text[80];

	if (c->late)
		snprintf(text, sizeof(text), "took longer than %llu s, twice what watchdog says",
		    (unsigned long long)(most_ms(c) / 1000));
	else
		snprintf(text, sizeof(text), "%s", result == E_CLOSED ? "ended before it was done" :
		    result == E_DENIED ? "made what cannot be used" : err_text(result));
	return text;
}

void
compile_init(struct compile *c, struct master *m)
{
	*c = (struct compile){ .dump = -1 };
	child_init(&c->child, m, ROLE_COMPILE, 0, NULL);
	snapset_init(&c->made);
	loop_timer_init(m->loop, &c->limit, on_limit, c);
	options_for_compiler(m->options, m->where.config_dir, c->args);
	c->child.more_args = c->args;
}

void
compile_fini(struct compile *c)
{
	loop_timer_disarm(&c->limit);
	child_fini(&c->child);
	snapset_fini(&c->made);
}

void
compile_start(struct compile *c, unsigned what, uint64_t generation, int dump,
    compile_note_fn *on_note, compile_done_fn *on_done, void *arg)
{
	BUG_ON(c->busy);
	snapset_fini(&c->made);
	c->what = what;
	c->generation = generation;
	c->dump = dump;
	c->result = E_CLOSED;
	c->busy = true;
	c->finished = c->late = false;
	c->on_note = on_note;
	c->on_done = on_done;
	c->arg = arg;
	loop_timer_arm(&c->limit, most_ms(c));
	child_start(&c->child);
	if (c->child.state == CHILD_IDLE)
		compile_on_death(c, 0);
}

void
compile_boot(struct child *child)
{
	struct compile		*c = &child->m->compile;
	struct msg_COMPILE_JOB	 job = { .what = c->what, .generation = c->generation };
	int			 null, fd = c->dump;

	if ((null = open("/dev/null", O_RDONLY | O_CLOEXEC)) == -1) {
		child_kill(child, "/dev/null");
		return;
	}
	if (fd == -1)
		fd = null;
	(void)child_send(child, MSG_TYPE_COMPILE_JOB, 0, &job, &fd, 1);
	fd_close(&null);
	learn_tell(&child->m->learn, child);
}

/* What a file that only the master reads holds, or why there is none. */
static void
answer_secret(struct compile *c, uint64_t ref, struct span name, int r, int fd, const char *why)
{
	if (r == 0)
		(void)child_send(&c->child, MSG_TYPE_SECRET, ref, &(struct msg_SECRET){ .name = name }, &fd, 1);
	else
		(void)child_send(&c->child, MSG_TYPE_SECRET_NONE, ref,
		    &(struct msg_SECRET_NONE){ .name = name, .why = span_of(why) }, NULL, 0);
	fd_close(&fd);
}

static void
on_cred_want(struct compile *c, uint64_t ref, const struct msg_CRED_WANT *m)
{
	const char	*why;
	int		 fd = -1, r = credfile_open(m->tenant, m->name, &fd, &why);

	answer_secret(c, ref, m->name, r, fd, why);
}

static void
on_secret_want(struct compile *c, uint64_t ref, const struct msg_SECRET_WANT *m)
{
	const char	*why = "no such tenant";
	char		 dir[PATH_MAX];
	int		 fd = -1, r;

	if ((r = tenants_folder(c->child.m->where.config_dir, m->tenant, dir)) == 0)
		r = secretfile_open(dir, m->name, &fd, &why);
	answer_secret(c, ref, m->name, r, fd, why);
}

static void
on_cert_want(struct compile *c, uint64_t ref, const struct msg_CERT_WANT *m)
{
	struct msg_CERT		 cert = { .name = m->name };
	struct msg_CERT_NONE	 none = { .name = m->name };
	const char		*why;
	int			 fd;

	if (certfile_open(c->child.m->where.config_dir, m->name, &fd, &why) == 0) {
		(void)child_send(&c->child, MSG_TYPE_CERT, ref, &cert, &fd, 1);
		fd_close(&fd);
		return;
	}
	none.why = span_of(why);
	(void)child_send(&c->child, MSG_TYPE_CERT_NONE, ref, &none, NULL, 0);
}

/* Which kinds may come of a job: a snapshot that was not asked for is never put in force. */
static bool
kind_was_asked(unsigned what, uint32_t kind)
{
	switch (kind) {
	case SNAP_POLICY:
		return (what & (COMPILE_POLICY | COMPILE_PARAMS)) != 0;
	case SNAP_PROFILE:
	case SNAP_SECRETS:
		return (what & COMPILE_POLICY) != 0;
	case SNAP_KEYS:
		return (what & COMPILE_KEYS) != 0;
	default:
		return false;
	}
}

static void
take_snapshot(struct compile *c, const struct chan_msg *msg)
{
	const struct msg_COMPILE_MADE	*made = &msg->body->COMPILE_MADE;
	char				 note[160];
	int				 r = E_UNTIMELY;

	if (kind_was_asked(c->what, made->kind))
		r = snapset_take(&c->made, &msg->fds[0], made->kind, made->consumer, c->generation);
	if (r == 0)
		return;
	/* The note is in the log as well. */
	snprintf(note, sizeof(note), "mcpgw-compile: what it made (snapshot of kind %u) is refused: %s%s", made->kind,
	    err_text(r), r == E_VERSION ? "; it is of another release than mcpgw" : "");
	c->on_note(LOG_LEVEL_ERR, span_of(note), c->arg);
	c->result = E_DENIED;
}

void
compile_on_message(struct compile *c, const struct chan_msg *msg)
{
	const union msg_any	*b = msg->body;

	switch (msg->type) {
	case MSG_TYPE_COMPILE_NOTE:
		c->on_note(b->COMPILE_NOTE.level, b->COMPILE_NOTE.line, c->arg);
		break;
	case MSG_TYPE_SECRET_WANT:
		on_secret_want(c, msg->ref, &msg->body->SECRET_WANT);
		break;
	case MSG_TYPE_CRED_WANT:
		on_cred_want(c, msg->ref, &msg->body->CRED_WANT);
		break;
	case MSG_TYPE_CERT_WANT:
		on_cert_want(c, msg->ref, &msg->body->CERT_WANT);
		break;
	case MSG_TYPE_COMPILE_MADE:
		take_snapshot(c, msg);
		break;
	case MSG_TYPE_COMPILE_DONE:
		c->finished = true;
		if (b->COMPILE_DONE.errors > 0)
			c->result = E_FORMAT;
		else if (c->result == E_CLOSED)
			c->result = 0;
		break;
	default:
		break;
	}
}

void
compile_on_death(struct compile *c, int status)
{
	if (!c->busy)
		return;
	c->busy = false;
	loop_timer_disarm(&c->limit);
	c->exit_code = c->finished || !WIFEXITED(status) ? 0 : WEXITSTATUS(status);
	if (!c->finished)
		c->result = E_CLOSED;
	if (c->result != 0)
		snapset_fini(&c->made);
	c->on_done(c->result, c->arg);
}
