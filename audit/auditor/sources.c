/* SPDX-License-Identifier: Apache-2.0
 *
 * sources.c - the segments in the spool folder
 *
 * Process: mcpgw-audit.
 * Owns:    the folder's descriptor and the list.
 * Trusts:  names in the folder: only the master makes them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit/auditor/sources.h"
#include "lib/fd.h"
#include "lib/log.h"

int
sources_init(struct sources *s, const char *path)
{
	int	fd = -1;

	*s = (struct sources){ .dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	if (s->dir_fd == -1 || (fd = fcntl(s->dir_fd, F_DUPFD_CLOEXEC, 3)) == -1 ||
	    (s->dir = fdopendir(fd)) == NULL) {
		fd_close(&fd);
		fd_close(&s->dir_fd);
		return E_SYS;
	}
	return 0;
}

void
sources_fini(struct sources *s)
{
	int	saved = errno;

	if (s->dir != NULL)
		closedir(s->dir);
	s->dir = NULL;
	fd_close(&s->dir_fd);
	free(s->v);
	s->v = NULL;
	s->count = s->room = 0;
	errno = saved;
}

static int
source_add(struct sources *s, const struct segment_id *id, const char *name)
{
	struct source	*v;
	size_t		 at = s->count;

	if (s->count == s->room) {
		size_t room = s->room == 0 ? 32 : s->room * 2;

		if ((v = realloc(s->v, room * sizeof(*v))) == NULL)
			return E_NOMEM;
		s->v = v;
		s->room = room;
	}
	while (at > 0 && segment_id_cmp(&s->v[at - 1].id, id) > 0)
		at--;
	v = &s->v[at];
	memmove(v + 1, v, (s->count - at) * sizeof(*v));
	*v = (struct source){ .id = *id, .seen = true, .taken_to = sizeof(struct segment_head) };
	memcpy(v->name, name, strlen(name) + 1);
	s->count++;
	return 0;
}

static struct source *
source_find(struct sources *s, const struct segment_id *id)
{
	size_t	low = 0, high = s->count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int cmp = segment_id_cmp(&s->v[mid].id, id);

		if (cmp == 0)
			return &s->v[mid];
		if (cmp < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

int
sources_scan(struct sources *s)
{
	struct dirent		*d;
	struct segment_id	 id;
	struct source		*known;
	size_t			 kept = 0;
	int			 r;

	for (size_t i = 0; i < s->count; i++)
		s->v[i].seen = false;
	rewinddir(s->dir);
	while (errno = 0, (d = readdir(s->dir)) != NULL) {
		if (strlen(d->d_name) >= SEGMENT_NAME_MAX || segment_id_parse(d->d_name, &id) != 0)
			continue;
		if ((known = source_find(s, &id)) != NULL)
			known->seen = true;
		else if ((r = source_add(s, &id, d->d_name)) != 0)
			return r;
	}
	if (errno != 0)
		return E_SYS;
	for (size_t i = 0; i < s->count; i++)
		if (s->v[i].seen)
			s->v[kept++] = s->v[i];
	s->count = kept;
	return 0;
}

void
sources_delete(struct sources *s, bool *deleted)
{
	size_t	kept = 0;

	*deleted = false;
	for (size_t i = 0; i < s->count; i++) {
		struct source *v = &s->v[i];

		if (v->through && unlinkat(s->dir_fd, v->name, 0) == -1 && errno != ENOENT) {
			log_warn_repeat(LOG_SUBJECT("segment", v->name), "cannot be deleted: %m");
			v->through = false;
		}
		if (v->through)
			*deleted = true;
		else
			s->v[kept++] = *v;
	}
	s->count = kept;
}

bool
sources_any_live(const struct sources *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->v[i].live)
			return true;
	return false;
}

bool
sources_writer_is_live(const struct sources *s, const struct segment_id *writer)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->v[i].live && segment_id_same_writer(&s->v[i].id, writer))
			return true;
	return false;
}

bool
sources_writer_is_read(const struct sources *s, const struct segment_id *writer)
{
	for (size_t i = 0; i < s->count; i++)
		if (!s->v[i].through && segment_id_same_writer(&s->v[i].id, writer))
			return false;
	return true;
}

bool
sources_writer_has_any(const struct sources *s, const struct segment_id *writer)
{
	for (size_t i = 0; i < s->count; i++)
		if (segment_id_same_writer(&s->v[i].id, writer))
			return true;
	return false;
}

void
sources_drop_unready(struct sources *s, uint64_t boot)
{
	struct dirent		*d;
	struct segment_id	 id;

	rewinddir(s->dir);
	while ((d = readdir(s->dir)) != NULL)
		if (d->d_name[0] == '.' && segment_id_parse(d->d_name + 1, &id) == 0 && id.boot != boot)
			(void)unlinkat(s->dir_fd, d->d_name, 0);
}
