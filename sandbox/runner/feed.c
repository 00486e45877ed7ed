/* SPDX-License-Identifier: Apache-2.0
 *
 * feed.c - lines on their way into a tool's stdin
 *
 * Process: mcpgw-runner.  Owns: our end of the pipe and the lines not yet written.
 * Trusts:  nothing: a tool may read as slowly as it likes, or never.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/runner/feed.h"

#define LINES_PER_WRITE	16

struct feed_line {
	struct feed_line	*next;
	char			*data;
	size_t			 bytes, at;
	void			*tag;
	size_t			*counted;	/* where its bytes are counted; NULL: nowhere */
};

static void
feed_on_io(struct loop_io *io, unsigned what, void *arg)
{
	(void)io;
	(void)what;
	feed_flush(arg);
}

int
feed_init(struct feed *f, struct loop *l, int fd, feed_done_fn *done, feed_moved_fn *moved, void *arg)
{
	*f = (struct feed){ .fd = fd, .done = done, .moved = moved, .arg = arg };
	f->last = &f->first;
	loop_io_init(l, &f->io, fd, feed_on_io, f);
	return fd_set_nonblock(fd);
}

static void
line_pop(struct feed *f)
{
	struct feed_line	*line = f->first;

	if ((f->first = line->next) == NULL)
		f->last = &f->first;
	if (line->counted != NULL)
		*line->counted -= line->bytes;
	free(line->data);
	free(line);
}

void
feed_fini(struct feed *f)
{
	if (f->last == NULL)
		return;
	loop_io_fini(&f->io);
	while (f->first != NULL)
		line_pop(f);
	fd_close(&f->fd);
}

static int
feed_add(struct feed *f, char **data, size_t bytes, void *tag, size_t *counted)
{
	struct feed_line	*line = NULL;

	if (f->fd == -1 || f->broken || (line = calloc(1, sizeof(*line))) == NULL) {
		free(*data);
		*data = NULL;
		return f->fd == -1 || f->broken ? E_CLOSED : E_NOMEM;
	}
	line->data = *data;
	line->bytes = bytes;
	line->tag = tag;
	line->counted = counted;
	*data = NULL;
	if (f->first == NULL)
		f->moved_ms = loop_now_ms(f->io.loop);
	*f->last = line;
	f->last = &line->next;
	if (counted != NULL)
		*counted += bytes;
	return 0;
}

int
feed_take(struct feed *f, char **data, size_t bytes, void *tag)
{
	return feed_add(f, data, bytes, tag, tag == NULL ? &f->own_bytes : NULL);
}

int
feed_take_reply(struct feed *f, char **data, size_t bytes)
{
	return feed_add(f, data, bytes, NULL, &f->reply_bytes);
}

bool
feed_begun(const struct feed *f, const void *tag)
{
	return f->first != NULL && f->first->tag == tag && f->first->at > 0;
}

void
feed_drop(struct feed *f, const void *tag)
{
	struct feed_line	**at, *line;

	for (at = &f->first; (line = *at) != NULL; at = &line->next)
		if (line->tag == tag)
			break;
	if (line == NULL)
		return;
	if (line->at > 0) {
		line->tag = NULL;
		return;
	}
	if ((*at = line->next) == NULL)
		f->last = at;
	free(line->data);
	free(line);
}

/* The first `n` bytes of the queue are written. */
static void
feed_wrote(struct feed *f, size_t n)
{
	f->moved_ms = loop_now_ms(f->io.loop);
	while (n > 0) {
		struct feed_line	*line = f->first;
		size_t			 left = line->bytes - line->at;

		if (n < left) {
			line->at += n;
			return;
		}
		n -= left;
		if (line->tag != NULL)
			f->done(line->tag);
		line_pop(f);
	}
}

void
feed_flush(struct feed *f)
{
	struct iovec	 iov[LINES_PER_WRITE];
	ssize_t		 n;
	int		 count;

	while (f->first != NULL && !f->broken && f->fd != -1) {
		count = 0;
		for (struct feed_line *l = f->first; l != NULL && count < LINES_PER_WRITE; l = l->next)
			iov[count++] = (struct iovec){ l->data + l->at, l->bytes - l->at };
		if ((n = writev(f->fd, iov, count)) == -1) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN)
				f->broken = true;
			break;
		}
		feed_wrote(f, (size_t)n);
	}
	if (f->fd == -1)
		return;
	loop_io_arm(&f->io, f->first != NULL && !f->broken ? LOOP_WRITE : 0);
	f->moved(f->arg);
}
