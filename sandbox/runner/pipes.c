/* SPDX-License-Identifier: Apache-2.0
 *
 * pipes.c - a tool's stdin, stdout, stderr and seccomp listener
 *
 * Process: mcpgw-runner.  Owns: what is on its way in them.
 * Trusts:  nothing that comes out of a pipe.  Nothing here blocks; every read is bounded, so that one
 *          tool's flood costs the others one read a turn.
 */
#include <errno.h>
#include <unistd.h>

#include "lib/bug.h"
#include "lib/fd.h"
#include "sandbox/runner/tool_priv.h"

void
tool_count_lines(struct tool *t)
{
	t->r->held_bytes += t->lines.used;
	t->r->held_bytes -= t->lines_counted;
	t->lines_counted = t->lines.used;
}

void
tool_count_replies(struct tool *t)
{
	t->r->reply_bytes += t->feed.reply_bytes;
	t->r->reply_bytes -= t->replies_counted;
	t->replies_counted = t->feed.reply_bytes;
}

/* --- stdin -------------------------------------------------------------------------------------- */

void
tool_arm_out(struct tool *t)
{
	if (t->out != -1 && !t->out_ended)
		loop_io_arm(&t->out_io, t->starved || t->feed.own_bytes > TOOL_OWN_MAX ? 0 : LOOP_READ);
}

/* Its feed has something new. */
static void
tool_stain(struct tool *t)
{
	if (!t->dirty) {
		t->dirty = true;
		t->dirty_next = t->r->dirty;
		t->r->dirty = t;
	}
	runner_wrote(t->r);
}

int
tool_put(struct tool *t, char **line, size_t bytes, void *tag)
{
	int	r = feed_take(&t->feed, line, bytes, tag);

	if (r == 0)
		tool_stain(t);
	return r;
}

void
tool_say(struct tool *t, struct buf *text)
{
	char	*line = text->data;
	size_t	 bytes = text->used;

	/* The buffer's memory becomes the line's. */
	buf_init(text, 0);
	if (line != NULL && tool_put(t, &line, bytes, NULL) == 0)
		tool_arm_out(t);
}

int
tool_reply(struct tool *t, struct buf *text)
{
	char	*line = text->data;
	size_t	 bytes = text->used;
	int	 r;

	if (bytes > TOOL_REPLIES_MAX - t->feed.reply_bytes)
		return E_FULL;
	buf_init(text, 0);
	if ((r = feed_take_reply(&t->feed, &line, bytes)) != 0)
		return r;
	tool_count_replies(t);
	tool_stain(t);
	return 0;
}

static void
tool_line_written(void *tag)
{
	call_written(tag);
}

static void
tool_fed(void *arg)
{
	struct tool	*t = arg;

	/* It closed its input; mostly because it is leaving, and then we shall hear why. */
	if (t->feed.broken && t->state == TOOL_RUNNING && !t->timer.armed)
		loop_timer_arm(&t->timer, LEFT_WAIT_MS);
	tool_count_replies(t);
	/* It took replies of ours, so it may ask more. */
	tool_arm_out(t);
}

void
tools_flush(struct runner *r)
{
	struct tool	*t;

	while ((t = r->dirty) != NULL) {
		r->dirty = t->dirty_next;
		t->dirty = false;
		feed_flush(&t->feed);
	}
}

/* --- stdout ------------------------------------------------------------------------------------- */

void
tool_unasked(struct tool *t, size_t bytes)
{
	uint64_t	now = loop_now_ms(t->r->loop);

	if (now - t->window_ms >= TOOL_WINDOW_MS) {
		t->window_ms = now;
		t->window_lines = t->window_bytes = 0;
	}
	t->window_lines++;
	t->window_bytes += bytes;
	if (t->window_lines > TOOL_WINDOW_LINES || t->window_bytes > TOOL_WINDOW_BYTES)
		tool_fail(t, LINK_END_BABBLE, "floods us with messages nobody asked for");
}

static void
tool_garbage(struct tool *t, size_t lines, size_t bytes)
{
	if (lines > 0 && t->garbage_total++ == 0)
		log_warn(SERVER_SUBJECT(t->server), "writes lines to stdout that are not MCP; they are skipped");
	t->garbage_row += (unsigned)lines;
	t->garbage_bytes += bytes;
	if (t->garbage_row > TOOL_GARBAGE_LINES)
		tool_fail(t, LINK_END_BABBLE, "wrote more than 100 lines in a row that are not MCP");
	else if (t->garbage_bytes > TOOL_GARBAGE_BYTES)
		tool_fail(t, LINK_END_BABBLE, "wrote more than 1 MiB that is not MCP");
}

static void
tool_take(struct tool *t, struct span chunk)
{
	struct line	line;
	int		r = 0;

	while (t->instance != NULL && (r = lines_next(&t->lines, &chunk, &line)) == 1) {
		if (line.kind == LINE_GARBAGE) {
			/* Bytes of a long line were counted as they came. */
			tool_garbage(t, 1, line.bytes - t->garbage_seen);
			t->garbage_seen = 0;
			continue;
		}
		t->garbage_row = 0;
		t->garbage_bytes = t->garbage_seen = 0;
		instance_tool_line(t->instance, &line);
	}
	if (t->instance == NULL)
		return;
	if (r == E_TOOBIG)
		tool_fail(t, LINK_END_TOO_BIG, "wrote a line of more than 16 MiB");
	else if (r == E_NOMEM)
		tool_fail(t, LINK_END_TOO_BIG, "wrote more than there is memory for");
	else if (t->lines.bad && !t->lines.told && t->lines.bytes > t->garbage_seen) {
		size_t	more = t->lines.bytes - t->garbage_seen;

		t->garbage_seen = t->lines.bytes;
		tool_garbage(t, 0, more);
	}
}

/* Answers false when the pipe is empty, or at its end. */
static bool
tool_read_out(struct tool *t)
{
	static char	room[TOOL_READ];	/* one process, one thread, and no handler nests */
	ssize_t		n = read(t->out, room, sizeof(room));

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		t->out_ended = true;
		loop_io_arm(&t->out_io, 0);
		if (t->state == TOOL_RUNNING && !t->timer.armed)
			loop_timer_arm(&t->timer, LEFT_WAIT_MS);
		return false;
	}
	if (t->instance == NULL)
		return true;
	tool_take(t, span_make(room, (size_t)n));
	tool_count_lines(t);
	return true;
}

static void
tool_on_out(struct loop_io *io, unsigned what, void *arg)
{
	struct tool	*t = arg;

	(void)io;
	(void)what;
	MAGIC_CHECK(t, TOOL_MAGIC);
	(void)tool_read_out(t);
	tool_arm_out(t);
}

size_t
tool_held(const struct tool *t)
{
	return t->lines.used + (t->instance == NULL ? 0 : t->instance->held_bytes);
}

void
tool_starve(struct tool *t, bool starve)
{
	if (starve == t->starved)
		return;
	t->starved = starve;
	if (starve)
		t->r->starved_count++;
	else
		t->r->starved_count--;
	tool_arm_out(t);
}

/* --- stderr, listener, pidfd --------------------------------------------------------------------- */

static void
tool_arm_noise(struct tool *t)
{
	bool	waits = noise_waits(&t->noise);

	if (t->err != -1 && !t->err_ended)
		loop_io_arm(&t->err_io, waits ? 0 : LOOP_READ);
	if (t->listener != -1 && !t->listener_ended)
		loop_io_arm(&t->listener_io, waits ? 0 : LOOP_READ);
}

static void
tool_on_noise_timer(struct loop_timer *timer, void *arg)
{
	(void)timer;
	tool_arm_noise(arg);
}

static void
tool_noise(struct tool *t, size_t bytes, size_t asks)
{
	if (noise_add(&t->noise, bytes, asks))
		tool_arm_noise(t);
}

/* How many bytes; 0 when the pipe is empty, or at its end. */
static size_t
tool_read_err(struct tool *t)
{
	char	room[16 * 1024];
	ssize_t	n = read(t->err, room, sizeof(room));

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		t->err_ended = true;
		loop_io_arm(&t->err_io, 0);
		return 0;
	}
	ring_tail_put(&t->tail, t->server->ring, loop_wall_ms(t->r->loop), t->pid, span_make(room, (size_t)n));
	return (size_t)n;
}

static void
tool_on_err(struct loop_io *io, unsigned what, void *arg)
{
	struct tool	*t = arg;

	(void)io;
	(void)what;
	MAGIC_CHECK(t, TOOL_MAGIC);
	tool_noise(t, tool_read_err(t), 0);
}

static void
tool_on_listener(struct loop_io *io, unsigned what, void *arg)
{
	struct tool	*t = arg;
	int		 r;

	(void)what;
	MAGIC_CHECK(t, TOOL_MAGIC);
	if ((r = server_on_notify(t->server, t->listener, t->instance, NULL)) == 0) {
		tool_noise(t, 0, 1);
	} else if (r != E_AGAIN) {
		t->listener_ended = true;
		loop_io_arm(io, 0);
	}
}

/* --- beginning and end --------------------------------------------------------------------------- */

int
tool_pipes_init(struct tool *t, int in)
{
	int	r;

	if ((r = feed_init(&t->feed, t->r->loop, in, tool_line_written, tool_fed, t)) != 0 ||
	    (r = fd_set_nonblock(t->out)) != 0 || (r = fd_set_nonblock(t->err)) != 0)
		return r;
	loop_io_init(t->r->loop, &t->out_io, t->out, tool_on_out, t);
	loop_io_init(t->r->loop, &t->err_io, t->err, tool_on_err, t);
	noise_init(&t->noise, t->r->loop, tool_on_noise_timer, t);
	loop_io_arm(&t->err_io, LOOP_READ);
	tool_arm_out(t);
	return 0;
}

void
tool_listener_init(struct tool *t, int fd)
{
	t->listener = fd;
	loop_io_init(t->r->loop, &t->listener_io, fd, tool_on_listener, t);
	loop_io_arm(&t->listener_io, LOOP_READ);
}

void
tool_drain(struct tool *t)
{
	size_t	most = LINK_LINE_MAX / TOOL_READ + 1;

	for (size_t n = 0; n < most && t->err != -1 && tool_read_err(t) > 0; n++)
		;
	for (size_t n = 0; n < most && t->instance != NULL && t->out != -1 && tool_read_out(t); n++)
		;
}
