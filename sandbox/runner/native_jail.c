/* SPDX-License-Identifier: Apache-2.0
 *
 * native_jail.c - one program: from SPAWN_NATIVE to SPAWN_EXITED, its pipes and its end
 *
 * Process: mcpgw-runner.
 * Owns:    its descriptors; what it wrote, bounded.
 * Trusts:  the spawner for pids and descriptors; nothing that comes out of a pipe.
 *
 * As with a tool that speaks MCP (tool.c), the end of the lifeline is the end of the jail, and what it leaves in
 * its pipes counts.  It counts as a place until the spawner says that the jail is gone.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "sandbox/runner/jail_end.h"
#include "sandbox/runner/memory.h"
#include "sandbox/runner/native_priv.h"

static void native_on_timer(struct loop_timer *t, void *arg);

int
native_start(struct native *n)
{
	struct runner			*r = n->r;
	struct msg_SPAWN_NATIVE		 m = { .profile = n->server->hash, .tool = n->index,
					    .server = span_of(n->server->name), .values = buf_rest(&n->wire) };
	int				 res;

	if ((res = chan_send(&r->spawner, MSG_TYPE_SPAWN_NATIVE, r->next_ref, &m, NULL, 0)) != 0)
		return res;
	n->ref = r->next_ref++;
	n->state = NATIVE_SPAWNING;
	n->started_ms = loop_now_ms(r->loop);
	n->wants_place = false;
	loop_timer_disarm(&n->timer);
	loop_timer_init(r->loop, &n->timer, native_on_timer, n);
	buf_init(&n->output, n->tool->max_output);
	buf_fini(&n->wire);
	call_started(n->call);
	r->tool_count++;
	n->server->tool_count++;
	return 0;
}

/* Its jail is no more. */
static void
native_gone(struct native *n)
{
	n->r->tool_count--;
	n->server->tool_count--;
	native_free(n);
}

void
native_kill(struct native *n)
{
	if (n->state != NATIVE_RUNNING)
		return;
	n->state = NATIVE_KILLED;
	feed_fini(&n->feed);
	fd_close(&n->life);
	loop_timer_arm(&n->timer, KILL_WAIT_MS);
}

/* --- what it writes --------------------------------------------------------------------------- */

static void
native_overflow(struct native *n, int r)
{
	native_kill(n);
	if (r == E_TOOBIG)
		native_answer_failure(n, "Ended: it wrote more than %u bytes; ask for less.", n->tool->max_output);
	else
		call_end(n->call, LINK_END_BUSY, "out of memory");
}

/* The one that came first of those that have an answer to write. */
static bool
is_oldest(const struct native *n)
{
	const struct native	*o = n->r->natives;

	while (o != n && (o->state != NATIVE_RUNNING || o->call == NULL))
		o = o->next;
	return o == n;
}

/* Others may hold what memory there is: that is no fault of this one.  It waits, and its time goes on. */
static bool
may_read(const struct native *n)
{
	const struct runner	*r = n->r;

	return r->held_bytes <= r->memory_max || n->call == NULL || n->output.used + NATIVE_READ <= MEMORY_SMALL ||
	    (r->held_bytes < r->memory_max + MEMORY_ABOVE && is_oldest(n));
}

static void
native_starve(struct native *n, bool starve)
{
	if (starve == n->starved)
		return;
	n->starved = starve;
	if (starve)
		n->r->natives_starved++;
	else
		n->r->natives_starved--;
	loop_io_arm(&n->out_io, starve ? 0 : LOOP_READ);
}

void
natives_feed(struct runner *r)
{
	for (struct native *n = r->natives; n != NULL; n = n->next)
		if (n->starved && may_read(n))
			native_starve(n, false);
}

/* Answers false when the pipe is empty, or at its end. */
static bool
native_read_out(struct native *n)
{
	static char	room[NATIVE_READ];	/* one process, one thread, and no handler nests */
	ssize_t		got = read(n->out, room, sizeof(room));
	int		r;

	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0) {
		loop_io_arm(&n->out_io, 0);
		return false;
	}
	if (n->call == NULL)
		return true;
	r = buf_put(&n->output, span_make(room, (size_t)got));
	n->r->held_bytes += n->output.used - n->counted;
	n->counted = n->output.used;
	if (r != 0)
		native_overflow(n, r);
	return true;
}

static void
native_on_out(struct loop_io *io, unsigned what, void *arg)
{
	struct native	*n = arg;

	(void)io;
	(void)what;
	MAGIC_CHECK(n, NATIVE_MAGIC);
	if (may_read(n))
		(void)native_read_out(n);
	else
		native_starve(n, true);
}

/* The last of it stays. */
static void
keep_errors(struct native *n, struct span bytes)
{
	size_t	keep;

	if (bytes.n > NATIVE_ERRORS)
		bytes = span_part(bytes, bytes.n - NATIVE_ERRORS, NATIVE_ERRORS);
	keep = NATIVE_ERRORS - bytes.n < n->error_bytes ? NATIVE_ERRORS - bytes.n : n->error_bytes;
	memmove(n->errors, n->errors + n->error_bytes - keep, keep);
	memcpy(n->errors + keep, bytes.p, bytes.n);
	n->error_bytes = keep + bytes.n;
}

static void
native_arm_noise(struct native *n)
{
	unsigned	what = noise_waits(&n->noise) ? 0 : LOOP_READ;

	if (n->err != -1 && !n->err_ended)
		loop_io_arm(&n->err_io, what);
	if (n->listener != -1 && !n->listener_ended)
		loop_io_arm(&n->listener_io, what);
}

static void
native_on_noise_timer(struct loop_timer *timer, void *arg)
{
	struct native	*n = arg;

	(void)timer;
	MAGIC_CHECK(n, NATIVE_MAGIC);
	native_arm_noise(n);
}

void
native_noise_init(struct native *n)
{
	noise_init(&n->noise, n->r->loop, native_on_noise_timer, n);
}

static void
native_noise(struct native *n, size_t bytes, size_t asks)
{
	if (noise_add(&n->noise, bytes, asks))
		native_arm_noise(n);
}

/* How many bytes; 0 when the pipe is empty, or at its end. */
static size_t
native_read_err(struct native *n)
{
	char	room[16 * 1024];
	ssize_t	got = read(n->err, room, sizeof(room));

	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0) {
		n->err_ended = true;
		loop_io_arm(&n->err_io, 0);
		return 0;
	}
	ring_tail_put(&n->tail, n->server->ring, loop_wall_ms(n->r->loop), n->pid, span_make(room, (size_t)got));
	keep_errors(n, span_make(room, (size_t)got));
	return (size_t)got;
}

static void
native_on_err(struct loop_io *io, unsigned what, void *arg)
{
	struct native	*n = arg;

	(void)io;
	(void)what;
	MAGIC_CHECK(n, NATIVE_MAGIC);
	native_noise(n, native_read_err(n), 0);
}

static void
native_on_listener(struct loop_io *io, unsigned what, void *arg)
{
	struct native	*n = arg;
	int		 r;

	(void)what;
	MAGIC_CHECK(n, NATIVE_MAGIC);
	if ((r = server_on_notify(n->server, n->listener, NULL, n->call)) == 0) {
		native_noise(n, 0, 1);
	} else if (r != E_AGAIN) {
		n->listener_ended = true;
		loop_io_arm(io, 0);
	}
}

/* What a dead program has left in its pipes; all who could write to them are dead too. */
static void
native_drain(struct native *n)
{
	size_t	most = n->tool->max_output / NATIVE_READ + 2;

	for (size_t i = 0; i < 16 && n->err != -1 && native_read_err(n) > 0; i++)
		;
	for (size_t i = 0; i < most && n->call != NULL && n->out != -1 && native_read_out(n); i++)
		;
}

/* --- its end ---------------------------------------------------------------------------------- */

static void
native_ended(struct native *n, int status)
{
	if (n->state == NATIVE_RUNNING)
		native_drain(n);
	ring_tail_end(&n->tail, n->server->ring, loop_wall_ms(n->r->loop), n->pid);
	if (n->call != NULL)
		native_answer_output(n, status);
	native_gone(n);
}

static void
native_on_pidfd(struct loop_io *io, unsigned what, void *arg)
{
	struct native	*n = arg;

	(void)what;
	MAGIC_CHECK(n, NATIVE_MAGIC);
	/* The spawner will say with what status; but when it does not, dead is dead. */
	loop_io_arm(io, 0);
	n->left = true;
	loop_timer_arm(&n->timer, n->r->spawner.dead ? LEFT_WAIT_MS : NATIVE_LOST_MS);
}

static void
native_on_timer(struct loop_timer *timer, void *arg)
{
	struct native	*n = arg;

	(void)timer;
	MAGIC_CHECK(n, NATIVE_MAGIC);
	if (n->left) {
		if (n->state == NATIVE_RUNNING)
			native_drain(n);
		ring_tail_end(&n->tail, n->server->ring, loop_wall_ms(n->r->loop), n->pid);
		if (n->call != NULL)
			native_answer_lost(n);
		native_gone(n);
	} else if (n->state == NATIVE_RUNNING) {
		native_kill(n);
		if (n->call != NULL)
			native_answer_failure(n, "Ended: it took longer than %.1f s.",
			    (double)n->tool->timeout_ms / 1000);
	} else if (n->state == NATIVE_KILLED) {
		log_err(SERVER_SUBJECT(n->server), "the jail of pid %u did not end", n->pid);
	}
}

/* --- its beginning ---------------------------------------------------------------------------- */

static struct native *
by_ref(struct runner *r, uint64_t ref)
{
	struct native	*n;

	for (n = r->natives; n != NULL; n = n->next)
		if (n->state == NATIVE_SPAWNING && n->ref == ref)
			break;
	return n;
}

static struct native *
by_pid(struct runner *r, uint32_t pid)
{
	struct native	*n;

	for (n = r->natives; n != NULL; n = n->next)
		if (n->state >= NATIVE_RUNNING && n->pid == pid)
			break;
	return n;
}

static void
no_line(void *tag)
{
	(void)tag;
}

/* The pipe took what it had room for.  All of it, or broken: the program sees the end. */
static void
native_fed(void *arg)
{
	struct native	*n = arg;

	if (n->feed.first == NULL || n->feed.broken)
		feed_fini(&n->feed);
}

static int
native_pipes_init(struct native *n, int in)
{
	struct loop	*l = n->r->loop;
	size_t		 bytes = n->input.used;
	char		*text = n->input.data;
	int		 r;

	if ((r = feed_init(&n->feed, l, in, no_line, native_fed, n)) != 0 ||
	    (r = fd_set_nonblock(n->out)) != 0 || (r = fd_set_nonblock(n->err)) != 0)
		return r;
	loop_io_init(l, &n->out_io, n->out, native_on_out, n);
	loop_io_init(l, &n->err_io, n->err, native_on_err, n);
	loop_io_arm(&n->out_io, LOOP_READ);
	loop_io_arm(&n->err_io, LOOP_READ);
	/* The buffer's memory becomes the feed's. */
	buf_init(&n->input, 0);
	if (text != NULL && (r = feed_take(&n->feed, &text, bytes, NULL)) != 0)
		return r;
	feed_flush(&n->feed);
	return 0;
}

bool
native_spawned(struct runner *r, uint64_t ref, uint32_t pid, int *fds)
{
	struct native	*n = by_ref(r, ref);

	if (n == NULL)
		return false;
	n->pid = pid;
	n->state = NATIVE_RUNNING;
	n->started_ms = loop_now_ms(r->loop);
	n->out = jail_take_fd(&fds[1]);
	n->err = jail_take_fd(&fds[2]);
	n->life = jail_take_fd(&fds[3]);
	server_came_up(n->server);
	server_ended_well(n->server, UINT64_MAX);
	if (native_pipes_init(n, jail_take_fd(&fds[0])) != 0) {
		native_kill(n);
		if (n->call != NULL)
			call_end(n->call, LINK_END_UNAVAILABLE, "its pipes are not usable");
	} else if (n->call == NULL) {
		native_kill(n);
	} else if (n->tool->timeout_ms > 0) {
		loop_timer_arm(&n->timer, n->tool->timeout_ms);
	}
	return true;
}

bool
native_watch(struct runner *r, uint32_t pid, int *fds)
{
	struct native	*n = by_pid(r, pid);

	if (n == NULL)
		return false;
	if (n->pidfd != -1)
		return true;
	n->pidfd = jail_take_fd(&fds[0]);
	loop_io_init(r->loop, &n->pidfd_io, n->pidfd, native_on_pidfd, n);
	loop_io_arm(&n->pidfd_io, LOOP_READ);
	if (n->server->listener) {
		n->listener = jail_take_fd(&fds[1]);
		loop_io_init(r->loop, &n->listener_io, n->listener, native_on_listener, n);
		loop_io_arm(&n->listener_io, LOOP_READ);
	}
	return true;
}

bool
native_spawn_failed(struct runner *r, uint64_t ref, enum link_end why, int32_t error, struct span text)
{
	struct native	*n = by_ref(r, ref);
	char		 named[RUNNER_TEXT];

	if (n == NULL)
		return false;
	snprintf(named, sizeof(named), "%s: %.*s", n->server->name, text.n > 400 ? 400 : (int)text.n,
	    text.p == NULL ? "" : text.p);
	/* One machine without jails: nobody tries for a while.  Else it may be this tool's program alone.  What was
	 * asked for before the last failure is part of that. */
	if (why == LINK_END_NO_JAIL) {
		if (n->started_ms > n->server->failed_ms)
			server_failed(n->server, 0, named);
		n->server->no_jail = true;
	}
	/* Nothing of it ran, so whoever asked may ask again. */
	n->state = NATIVE_WAITING;
	r->tool_count--;
	n->server->tool_count--;
	if (n->call == NULL)
		native_free(n);
	else if (why == LINK_END_UNAVAILABLE && error == E_RANGE)
		native_answer_failure(n, "Refused: %.*s.", SPAN_FMT(text));
	else
		call_end(n->call, why, named);
	return true;
}

bool
native_exited(struct runner *r, uint32_t pid, int status)
{
	struct native	*n = by_pid(r, pid);

	if (n == NULL)
		return false;
	native_ended(n, status);
	return true;
}

void
natives_spawner_gone(struct runner *r)
{
	struct native	*n, *next;

	for (n = r->natives; n != NULL; n = next) {
		next = n->next;
		if (n->left)
			loop_timer_arm(&n->timer, LEFT_WAIT_MS);
		if (n->state != NATIVE_SPAWNING)
			continue;
		if (n->call != NULL)
			call_end(n->call, LINK_END_UNAVAILABLE, "the tenant's spawner is gone");
		native_gone(n);
	}
}
