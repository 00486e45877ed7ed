/* SPDX-License-Identifier: Apache-2.0
 *
 * segments.c - the workers' spool segments, made on request (day-one 9)
 *
 * Process: master.
 * Owns:    nothing: its copy of a segment is closed at once, because a held one counts as a writer.
 * Trusts:  a worker's number no further than as part of a file name that must not exist yet.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "audit/seghead.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/segfile.h"
#include "master/master.h"
#include "master/segments.h"

void
segments_give(struct child *c, uint32_t number)
{
	struct master		*m = c->m;
	struct msg_SEGMENT	 segment = { .number = number };
	struct msg_SEGMENT_NONE	 none = { .number = number };
	struct segment_head	 head;
	char			 name[SEGMENT_NAME_MAX];
	int			 dir, fd = -1, r = E_SYS;

	segment_name(m->boot, c->slot, c->incarnation, number, name);
	segment_head_init(&head, m->boot, c->slot, c->incarnation, number);
	dir = open(m->spool_dir, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_RDONLY);
	if (dir != -1)
		r = segfile_make(dir, name, SEGMENT_BYTES, span_make(&head, sizeof(head)), &fd);
	if (r == 0) {
		(void)child_send(c, MSG_TYPE_SEGMENT, 0, &segment, &fd, 1);
	} else {
		none.why = span_of(r == E_SYS ? strerror(errno) : err_text(r));
		log_warn_repeat(LOG_SUBJECT("audit segment", name), "%.*s", SPAN_FMT(none.why));
		(void)child_send(c, MSG_TYPE_SEGMENT_NONE, 0, &none, NULL, 0);
	}
	fd_close(&fd);
	fd_close(&dir);
}
