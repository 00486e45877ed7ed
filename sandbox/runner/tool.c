/* SPDX-License-Identifier: Apache-2.0
 *
 * tool.c - one process: from SPAWN to SPAWN_EXITED
 *
 * Process: mcpgw-runner.  Owns: the list of all processes of the tenant, their descriptors.
 * Trusts:  the spawner for pids and descriptors; nothing that comes out of a pipe.
 *
 * The end of a tool has one order: stdin closed; some time; lifeline closed, whereupon the jail's
 * init dies and the kernel takes the whole tree; SPAWN_EXITED.  Only then is it freed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "sandbox/runner/tool_priv.h"

static void tool_on_timer(struct loop_timer *t, void *arg);

int
tool_start(struct server *s, struct instance *i, uint64_t key)
{
	struct runner		*r = s->r;
	struct msg_SPAWN	 m = { .profile = s->hash, .instance = key, .server = span_of(s->name) };
	struct tool		*t;
	int			 res;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return E_NOMEM;
	if ((res = lines_init(&t->lines)) != 0 ||
	    (res = chan_send(&r->spawner, MSG_TYPE_SPAWN, r->next_ref, &m, NULL, 0)) != 0) {
		lines_fini(&t->lines);
		free(t);
		return res;
	}
	t->magic = TOOL_MAGIC;
	t->r = r;
	t->server = s;
	t->instance = i;
	t->key = key;
	t->ref = r->next_ref++;
	t->feed.fd = t->out = t->err = t->life = t->pidfd = t->listener = -1;
	t->started_ms = t->window_ms = loop_now_ms(r->loop);
	loop_timer_init(r->loop, &t->timer, tool_on_timer, t);
	t->next = r->tools;
	r->tools = t;
	r->tool_count++;
	s->tool_count++;
	i->tool = t;
	return 0;
}

static void
tool_drop_lines(struct tool *t)
{
	lines_fini(&t->lines);
	tool_count_lines(t);
}

/* It is of no concern to memory.c any more. */
static void
tool_unstarve(struct tool *t)
{
	if (t->r->favourite == t)
		t->r->favourite = NULL;
	tool_starve(t, false);
}

static void
tool_free(struct tool *t)
{
	struct runner	*r = t->r;
	struct tool	**at;

	for (at = &r->tools; *at != t; at = &(*at)->next)
		;
	*at = t->next;
	for (at = &r->dirty; *at != NULL; at = &(*at)->dirty_next) {
		if (*at == t) {
			*at = t->dirty_next;
			break;
		}
	}
	r->tool_count--;
	t->server->tool_count--;
	t->server->touched = true;
	r->kick = true;
	tool_unstarve(t);
	tool_drop_lines(t);
	feed_fini(&t->feed);
	tool_count_replies(t);
	loop_timer_disarm(&t->timer);
	noise_fini(&t->noise);
	loop_io_fini(&t->out_io);
	loop_io_fini(&t->err_io);
	loop_io_fini(&t->pidfd_io);
	loop_io_fini(&t->listener_io);
	fd_close(&t->out);
	fd_close(&t->err);
	fd_close(&t->life);
	fd_close(&t->pidfd);
	fd_close(&t->listener);
	t->magic = 0;
	free(t);
	runner_wrote(r);
}

static void
tool_kill(struct tool *t)
{
	t->state = TOOL_KILLED;
	fd_close(&t->life);
	loop_timer_arm(&t->timer, KILL_WAIT_MS);
}

void
tool_stop(struct tool *t, uint64_t grace_ms)
{
	if (t->instance != NULL) {
		t->instance->tool = NULL;
		t->instance = NULL;
	}
	if (t->state != TOOL_RUNNING)
		return;			/* on its way, or SPAWNED will find it without instance */
	tool_drop_lines(t);
	feed_fini(&t->feed);
	tool_count_replies(t);
	tool_unstarve(t);
	if (grace_ms == 0) {
		tool_kill(t);
		return;
	}
	t->state = TOOL_CLOSING;
	loop_timer_arm(&t->timer, grace_ms);
}

void
tool_fail(struct tool *t, enum link_end why, const char *text)
{
	struct instance	*i = t->instance;

	if (i != NULL)
		instance_tool_gone(i, why, text, false);
	tool_stop(t, 0);
}

static void
tool_on_pidfd(struct loop_io *io, unsigned what, void *arg)
{
	struct tool	*t = arg;

	(void)what;
	MAGIC_CHECK(t, TOOL_MAGIC);
	/* The spawner will say with what status; but when it does not, dead is dead. */
	loop_io_arm(io, 0);
	t->left = true;
	loop_timer_arm(&t->timer, LEFT_WAIT_MS);
}

/* --- birth --------------------------------------------------------------------------------------- */

static struct tool *
tool_by_ref(struct runner *r, uint64_t ref)
{
	struct tool	*t;

	for (t = r->tools; t != NULL; t = t->next)
		if (t->state == TOOL_SPAWNING && t->ref == ref)
			break;
	return t;
}

static struct tool *
tool_by_pid(struct runner *r, uint32_t pid)
{
	struct tool	*t;

	for (t = r->tools; t != NULL; t = t->next)
		if (t->state != TOOL_SPAWNING && t->pid == pid)
			break;
	return t;
}

void
tool_spawned(struct runner *r, uint64_t ref, uint32_t pid, int *fds)
{
	struct tool	*t = tool_by_ref(r, ref);

	if (t == NULL)
		return;
	t->pid = pid;
	t->state = TOOL_RUNNING;
	t->started_ms = loop_now_ms(r->loop);
	t->out = jail_take_fd(&fds[1]);
	t->err = jail_take_fd(&fds[2]);
	t->life = jail_take_fd(&fds[3]);
	server_log_start(t->server, pid, t->instance != NULL && t->instance->state == INSTANCE_PROBING ?
	    "to ask for its revision" : "");
	if (tool_pipes_init(t, jail_take_fd(&fds[0])) != 0)
		tool_fail(t, LINK_END_UNAVAILABLE, "its pipes are not usable");
	else if (t->instance == NULL)
		tool_stop(t, 0);
	else
		instance_tool_up(t->instance);
}

void
tool_watch(struct runner *r, uint32_t pid, int *fds)
{
	struct tool	*t = tool_by_pid(r, pid);

	if (t == NULL || t->pidfd != -1)
		return;
	t->pidfd = jail_take_fd(&fds[0]);
	loop_io_init(r->loop, &t->pidfd_io, t->pidfd, tool_on_pidfd, t);
	loop_io_arm(&t->pidfd_io, LOOP_READ);
	if (t->server->listener)
		tool_listener_init(t, jail_take_fd(&fds[1]));
}

void
tool_spawn_failed(struct runner *r, uint64_t ref, enum link_end why, struct span text)
{
	struct tool	*t = tool_by_ref(r, ref);
	char		 copy[RUNNER_TEXT];

	if (t == NULL)
		return;
	snprintf(copy, sizeof(copy), "%.*s", SPAN_FMT(text));
	if (t->instance != NULL)
		instance_tool_gone(t->instance, why, copy, false);
	tool_free(t);
}

/* --- end ----------------------------------------------------------------------------------------- */

/* Its jail is no more.  What it wrote before is still in the pipes. */
static void
tool_gone(struct tool *t, const char *how, bool clean)
{
	const unsigned	failures = t->server->failures;
	char		text[RUNNER_TEXT];

	tool_drain(t);
	ring_tail_end(&t->tail, t->server->ring, loop_wall_ms(t->r->loop), t->pid);
	snprintf(text, sizeof(text), "%s after %.1f s", how, (double)(loop_now_ms(t->r->loop) - t->started_ms) / 1000);
	t->server->exiting = true;
	if (t->instance != NULL)
		instance_tool_gone(t->instance, LINK_END_DIED, text, clean);
	t->server->exiting = false;
	server_log_exit(t->server, t->pid, text, t->server->failures != failures);
	tool_free(t);
}

void
tool_exited(struct runner *r, uint32_t pid, int status, struct span why)
{
	struct tool	*t = tool_by_pid(r, pid);
	char		 how[RUNNER_TEXT - 32];

	if (t == NULL)
		return;
	if (why.n > 0)
		snprintf(how, sizeof(how), "%.*s", SPAN_FMT(why));
	else if (jail_end_signal(status) != 0)
		snprintf(how, sizeof(how), "was ended by signal %d", jail_end_signal(status));
	else if (WIFEXITED(status))
		snprintf(how, sizeof(how), "exit %d", WEXITSTATUS(status));
	else
		snprintf(how, sizeof(how), "ended");
	tool_gone(t, how, why.n == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
tool_on_timer(struct loop_timer *timer, void *arg)
{
	struct tool	*t = arg;

	(void)timer;
	MAGIC_CHECK(t, TOOL_MAGIC);
	if (t->left) {
		tool_gone(t, "ended", false);
		return;
	}
	switch (t->state) {
	case TOOL_SPAWNING:
		break;
	case TOOL_RUNNING:
		tool_fail(t, LINK_END_DIED, t->out_ended ? "closed its output" : "closed its input");
		break;
	case TOOL_CLOSING:
		tool_kill(t);
		break;
	case TOOL_KILLED:
		log_err(SERVER_SUBJECT(t->server), "the jail of pid %u did not end", t->pid);
		break;
	}
}

void
tools_spawner_gone(struct runner *r)
{
	struct tool	*t, *next;

	for (t = r->tools; t != NULL; t = next) {
		next = t->next;
		if (t->state == TOOL_SPAWNING) {
			if (t->instance != NULL)
				instance_tool_gone(t->instance, LINK_END_UNAVAILABLE,
				    "the tenant's spawner is gone", false);
			tool_free(t);
		}
	}
}

void
tools_stop_all(struct runner *r, uint64_t grace_ms_max)
{
	for (struct tool *t = r->tools; t != NULL; t = t->next)
		if (t->state == TOOL_RUNNING)
			tool_stop(t, t->server->stop_ms < grace_ms_max ? t->server->stop_ms : grace_ms_max);
}

bool
tools_any_leaving(const struct runner *r)
{
	for (const struct tool *t = r->tools; t != NULL; t = t->next)
		if (t->instance == NULL)
			return true;
	return false;
}

void
tools_free(struct runner *r)
{
	while (r->tools != NULL) {
		if (r->tools->instance != NULL) {
			r->tools->instance->tool = NULL;
			r->tools->instance = NULL;
		}
		tool_free(r->tools);
	}
}
