/* SPDX-License-Identifier: Apache-2.0
 *
 * sources.h - the segments in the spool folder, in the order in which they are to be read
 */
#ifndef AUDIT_AUDITOR_SOURCES_H
#define AUDIT_AUDITOR_SOURCES_H

#include <dirent.h>

#include "audit/segment.h"

struct source {
	struct segment_id	id;
	char			name[SEGMENT_NAME_MAX];
	uint64_t		taken_to;	/* in the store */
	uint64_t		at;		/* in the transaction under way */
	bool			live;		/* somebody held it when we looked last */
	bool			through;	/* nobody does, and nothing is left in it */
	bool			seen, gap_seen;
};

struct sources {
	int		 dir_fd;
	DIR		*dir;
	struct source	*v;		/* sorted by segment_id_cmp() */
	size_t		 count, room;
};

/* 0, E_NOMEM or E_SYS. */
must_check int	sources_init(struct sources *s, const char *path);
void		sources_fini(struct sources *s);
/* Adds what came to the folder, forgets what went.  Moves the array.  0, E_NOMEM or E_SYS. */
must_check int	sources_scan(struct sources *s);
/* Deletes what is through; *deleted: was there any?  What cannot be deleted is read again. */
void		sources_delete(struct sources *s, bool *deleted);

bool		sources_any_live(const struct sources *s);
/* Of one writer: does it hold any segment; are all read to their end; is there any? */
bool		sources_writer_is_live(const struct sources *s, const struct segment_id *writer);
bool		sources_writer_is_read(const struct sources *s, const struct segment_id *writer);
bool		sources_writer_has_any(const struct sources *s, const struct segment_id *writer);

/* What makers of other boots left half made: they have a dot before their name, and were never
 * handed out. */
void		sources_drop_unready(struct sources *s, uint64_t boot);

#endif
