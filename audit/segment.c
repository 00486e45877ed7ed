/* SPDX-License-Identifier: Apache-2.0
 *
 * segment.c - reading spool segments that somebody may still be writing
 *
 * Process: mcpgw-audit.
 * Owns:    the descriptor and the window read last.
 * Trusts:  the file's name and the kernel's lock on it; no byte inside, and not its length.  Never maps the file: its
 *          writer could shorten it under us.  Never reads behind SEGMENT_BYTES: there could be a hole of terabytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/segment.h"
#include "lib/fd.h"
#include "lib/num.h"
#include "lib/segfile.h"

#define WINDOW_FIRST	4096		/* a quiet segment costs one small read a look */
#define WINDOW_BYTES	(64 * 1024)

/* One decimal part of a name, up to `end`. */
static int
part(struct span *rest, char end, uint32_t *out)
{
	const char	*stop = end == '\0' ? NULL : memchr(rest->p, end, rest->n);
	size_t		 n = end == '\0' ? rest->n : stop == NULL ? 0 : (size_t)(stop - rest->p);
	uint64_t	 v;

	if (n == 0 || num_u64(span_part(*rest, 0, n), &v) != 0 || v > UINT32_MAX)
		return E_FORMAT;
	if (n > 1 && rest->p[0] == '0')
		return E_FORMAT;
	*out = (uint32_t)v;
	*rest = span_part(*rest, n + 1, rest->n);
	return 0;
}

int
segment_id_parse(const char *name, struct segment_id *out)
{
	struct span	rest = span_of(name);
	uint64_t	boot = 0;

	for (size_t i = 0; i < 16; i++) {
		static const char hex[] = "0123456789abcdef";
		const char *d = i < rest.n ? memchr(hex, rest.p[i], 16) : NULL;

		if (d == NULL)
			return E_FORMAT;
		boot = boot << 4 | (uint64_t)(d - hex);
	}
	if (rest.n < 17 || rest.p[16] != '-')
		return E_FORMAT;
	rest = span_part(rest, 17, rest.n);
	*out = (struct segment_id){ .boot = boot };
	if (part(&rest, '-', &out->slot) != 0 || part(&rest, '-', &out->incarnation) != 0 ||
	    part(&rest, '\0', &out->number) != 0)
		return E_FORMAT;
	return 0;
}

int
segment_id_cmp(const struct segment_id *a, const struct segment_id *b)
{
	if (a->boot != b->boot)
		return a->boot < b->boot ? -1 : 1;
	if (a->slot != b->slot)
		return a->slot < b->slot ? -1 : 1;
	if (a->incarnation != b->incarnation)
		return a->incarnation < b->incarnation ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

int
segment_open(int dirfd, const char *name, struct segment_reader *out)
{
	struct stat	st;

	*out = (struct segment_reader){ .at = sizeof(struct segment_head) };
	out->fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (out->fd == -1)
		return E_SYS;
	if (fstat(out->fd, &st) == -1) {
		fd_close(&out->fd);
		return E_SYS;
	}
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct segment_head)) {
		fd_close(&out->fd);
		return E_FORMAT;
	}
	if ((out->window = malloc(WINDOW_BYTES)) == NULL) {
		fd_close(&out->fd);
		return E_NOMEM;
	}
	out->size = st.st_size < SEGMENT_BYTES ? (uint64_t)st.st_size : SEGMENT_BYTES;
	segment_seek(out, out->at);
	return 0;
}

void
segment_close(struct segment_reader *s)
{
	fd_close(&s->fd);
	free(s->window);
	s->window = NULL;
}

bool
segment_is_live(const struct segment_reader *s)
{
	return segfile_has_writer(s->fd);
}

void
segment_seek(struct segment_reader *s, uint64_t at)
{
	s->at = at;
	s->window_used = 0;
	s->window_want = WINDOW_FIRST;
}

/* Reads from s->at on; each further window of one look is larger. */
static int
fill(struct segment_reader *s)
{
	const uint64_t	left = s->at < SEGMENT_BYTES ? SEGMENT_BYTES - s->at : 0;
	ssize_t		n;

	do {
		n = pread(s->fd, s->window, left < s->window_want ? (size_t)left : s->window_want, (off_t)s->at);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return E_SYS;
	s->window_at = s->at;
	s->window_used = (size_t)n;
	s->window_want = s->window_want * 4 > WINDOW_BYTES ? WINDOW_BYTES : s->window_want * 4;
	return 0;
}

static struct span
window_rest(const struct segment_reader *s)
{
	if (s->at < s->window_at || s->at >= s->window_at + s->window_used)
		return span_make(s->window, 0);
	return span_part(span_make(s->window, s->window_used), (size_t)(s->at - s->window_at),
	    s->window_used);
}

int
segment_next(struct segment_reader *s, struct record_look *out)
{
	struct span	rest = window_rest(s);
	int		r;

	r = record_check(rest, out);
	if (r == E_SHORT) {
		if (fill(s) != 0)
			return E_SYS;
		rest = window_rest(s);
		if (rest.n == 0)
			r = E_EOF;
		else if ((r = record_check(rest, out)) == E_SHORT)
			r = E_FORMAT;		/* the file ends inside it */
	}
	if (r != 0) {
		/* What is there now may be more by the next look. */
		segment_seek(s, s->at);
		return r;
	}
	s->at += out->all.n;
	return 0;
}

int
segment_skip(struct segment_reader *s, uint64_t *skipped)
{
	uint64_t		from = s->at;
	struct record_look	look;
	struct span		rest;

	*skipped = 0;
	s->window_want = WINDOW_BYTES;
	for (s->at += RECORD_ALIGN; s->at < s->size; s->at += RECORD_ALIGN) {
		if (window_rest(s).n < RECORD_MAX && fill(s) != 0)
			break;
		rest = window_rest(s);
		if (rest.n == 0)
			break;
		if (record_check(rest, &look) == 0) {
			*skipped = s->at - from;
			return 0;
		}
	}
	segment_seek(s, from);
	return E_EOF;
}

bool
segment_has_rest(struct segment_reader *s)
{
	uint64_t	from = s->at;
	bool		found = false;

	s->window_want = WINDOW_BYTES;
	while (!found && fill(s) == 0 && s->window_used > 0) {
		for (size_t i = 0; i < s->window_used && !found; i++)
			found = s->window[i] != '\0';
		s->at += s->window_used;
	}
	segment_seek(s, from);
	return found;
}
