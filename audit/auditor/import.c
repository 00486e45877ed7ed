/* SPDX-License-Identifier: Apache-2.0
 *
 * import.c - from the spool folder into the audit store, each record exactly once
 *
 * Process: mcpgw-audit.
 * Owns:    the list of segments, and how far each is in the store.
 * Trusts:  names in the folder (only the master makes them) and the kernel's locks.
 *
 * A record is taken when the transaction that holds it is committed; a segment is deleted after
 * that, when nobody holds it and nothing is left in it.  Dying anywhere between repeats work and
 * `done` drops the repeats.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit/auditor/import.h"
#include "audit/auditor/sources.h"
#include "lib/log.h"

#define PASS_BYTES	(8 * 1024 * 1024)
#define GROW_TRIES	16

struct import {
	struct auditdb		*db;
	struct sources		 src;
	uint64_t		 boot;
	struct segment_id	*over;		/* dead writers whose calls are to be closed */
	size_t			 over_count, over_room;
	uint64_t		 budget;
	bool			 changed;	/* something for the store in this transaction */
	bool			 more;		/* and there is more than it took */
};

int
import_new(struct auditdb *db, const char *spool_path, uint64_t boot, struct import **out)
{
	struct import	*im;
	int		 r;

	*out = NULL;
	if ((im = calloc(1, sizeof(*im))) == NULL)
		return E_NOMEM;
	im->db = db;
	im->boot = boot;
	if ((r = sources_init(&im->src, spool_path)) != 0) {
		free(im);
		return r;
	}
	*out = im;
	return 0;
}

void
import_free(struct import **imp)
{
	struct import	*im = *imp;

	*imp = NULL;
	if (im == NULL)
		return;
	sources_fini(&im->src);
	free(im->over);
	free(im);
}

/* Damage inside, or a tail that was torn when its writer died: what was torn was never answered for,
 * because a call goes out only after the whole write. */
static int
over_damage(struct import *im, struct source *s, struct segment_reader *reader)
{
	static struct log_repeat repeat;
	char		text[128];
	uint64_t	skipped, from = reader->at;
	int		n, r;

	if (segment_skip(reader, &skipped) != 0) {
		if (segment_has_rest(reader))
			log_notice(LOG_SUBJECT("segment", s->name), "torn at byte %llu",
			    (unsigned long long)from);
		return E_EOF;
	}
	n = snprintf(text, sizeof(text), "%llu bytes of %s are damaged at %llu",
	    (unsigned long long)skipped, s->name, (unsigned long long)from);
	/* Each has its mark; of lines a worker that is an enemy gets no more than these. */
	if (log_repeat_ok(&repeat, 5))
		log_err(NULL, "audit: %s", text);
	r = auditdb_mark(im->db, &s->id, 0, span_make(text, (size_t)n));
	im->changed = true;
	return r;
}

/* 0: read to its present end (`through` says whether for good); E_AGAIN: not to its end. */
static int
take_records(struct import *im, struct source *s, struct segment_reader *reader)
{
	struct record_look	rec;
	int			r;

	for (;;) {
		if (im->budget == 0)
			return E_AGAIN;
		s->at = reader->at;
		r = segment_next(reader, &rec);
		if (r == E_SYS || r == E_NOMEM)
			return r;
		if (r != 0) {
			if (s->live)
				return 0;
			if (r == E_EOF && !segment_has_rest(reader))
				break;
			if ((r = over_damage(im, s, reader)) == E_EOF)
				break;
			if (r != 0)
				return r;
			continue;
		}
		/* A record out of turn: the folder may have been read while segments were made.  Believed
		 * the second time. */
		if ((r = auditdb_take(im->db, &s->id, &rec, s->gap_seen)) == E_AGAIN)
			s->gap_seen = true;
		if (r == 0)
			im->changed = true;
		else if (r != E_EXISTS)
			return r;
		im->budget -= rec.all.n < im->budget ? rec.all.n : im->budget;
	}
	s->through = true;
	return 0;
}

static int
take_source(struct import *im, struct source *s)
{
	struct segment_reader	reader;
	int			r;

	s->at = s->taken_to;
	s->through = false;
	s->live = false;
	r = segment_open(im->src.dir_fd, s->name, &reader);
	if (r == E_FORMAT) {
		s->through = true;		/* no file of ours: nothing to take */
		return 0;
	}
	if (r != 0)
		return r;
	/* Before reading: what a writer adds after this look makes it live, and it is read again. */
	s->live = segment_is_live(&reader);
	segment_seek(&reader, s->at);
	r = take_records(im, s, &reader);
	segment_close(&reader);
	return r;
}

static int
take_sources(struct import *im)
{
	for (size_t i = 0; i < im->src.count; i++) {
		struct source *s = &im->src.v[i];
		int r;

		/* A later segment of a writer only after the whole of the one before: else its records
		 * would make the earlier ones look like doubles. */
		if (i > 0 && !s[-1].through && segment_id_same_writer(&s[-1].id, &s->id)) {
			s->through = false;
			s->live = true;
			s->at = s->taken_to;
			continue;
		}
		r = take_source(im, s);
		im->more |= r == E_AGAIN;
		if (r != 0 && r != E_AGAIN)
			return r;
	}
	return 0;
}

static int
close_dead(struct import *im)
{
	uint64_t	closed;
	int		r;

	for (size_t i = 0; i < im->over_count; i++) {
		if (!sources_writer_is_read(&im->src, &im->over[i]))
			continue;
		if ((r = auditdb_close_orphans(im->db, &im->over[i], &closed)) != 0)
			return r;
		if (closed == 0)
			continue;
		im->changed = true;
		log_notice(NULL, "worker %u died with calls open: %llu, outcome=unknown",
		    im->over[i].slot, (unsigned long long)closed);
	}
	return 0;
}

/* What the transaction did is now so.  After a deleted segment there may be more: its writer may have
 * gone on in one that was made after the folder was read. */
static int
settle(struct import *im)
{
	size_t	kept = 0;
	bool	any = false;
	int	r;

	for (size_t i = 0; i < im->over_count; i++)
		if (!sources_writer_is_read(&im->src, &im->over[i]))
			im->over[kept++] = im->over[i];
	im->over_count = kept;
	for (size_t i = 0; i < im->src.count; i++) {
		im->src.v[i].taken_to = im->src.v[i].at;
		any |= im->src.v[i].through;
	}
	if (!any)
		return 0;
	if ((r = auditdb_sync(im->db)) != 0)
		return r;
	sources_delete(&im->src, &any);
	im->more |= any;
	return 0;
}

static int
pass_once(struct import *im)
{
	int	r;

	im->changed = im->more = false;
	im->budget = PASS_BYTES;
	if ((r = auditdb_begin(im->db)) != 0)
		return r;
	if ((r = take_sources(im)) == 0)
		r = close_dead(im);
	if (r == 0 && im->changed)
		return auditdb_commit(im->db);
	auditdb_abort(im->db);
	return r;
}

int
import_pass(struct import *im, enum import_news *news)
{
	int	r;

	*news = IMPORT_QUIET;
	if ((r = sources_scan(&im->src)) != 0)
		return r;
	for (int i = 0; (r = pass_once(im)) == E_FULL; i++) {
		if (i == GROW_TRIES)
			return E_FULL;
		if ((r = auditdb_grow(im->db)) != 0)
			return r;
	}
	if (r == 0)
		r = settle(im);
	if (r == 0)
		*news = im->more ? IMPORT_MORE : im->changed ? IMPORT_MOVED : IMPORT_QUIET;
	return r;
}

int
import_all(struct import *im)
{
	enum import_news	news = IMPORT_MORE;
	int			r = 0;

	while (news == IMPORT_MORE && r == 0)
		r = import_pass(im, &news);
	return r;
}

static int
over_add(struct import *im, const struct segment_id *writer)
{
	struct segment_id	*v;

	for (size_t i = 0; i < im->over_count; i++)
		if (segment_id_same_writer(&im->over[i], writer))
			return 0;
	if (im->over_count == im->over_room) {
		size_t room = im->over_room == 0 ? 16 : im->over_room * 2;

		if ((v = realloc(im->over, room * sizeof(*v))) == NULL)
			return E_NOMEM;
		im->over = v;
		im->over_room = room;
	}
	im->over[im->over_count++] = *writer;
	return 0;
}

int
import_writer_over(struct import *im, uint32_t slot, uint32_t incarnation)
{
	return over_add(im, &(struct segment_id){ im->boot, slot, incarnation, 0 });
}

int
import_all_over(struct import *im)
{
	struct segment_id	writer = { 0 };
	int			r;

	if ((r = auditdb_begin(im->db)) != 0)
		return r;
	while ((r = auditdb_next_open(im->db, &writer)) == 0)
		if (!sources_writer_is_live(&im->src, &writer) && (r = over_add(im, &writer)) != 0)
			break;
	auditdb_abort(im->db);
	return r == E_NOTFOUND ? import_all(im) : r;
}

uint64_t
import_behind(struct import *im)
{
	uint64_t	n = 0;

	if (sources_scan(&im->src) != 0)
		return 0;
	for (size_t i = 0; i < im->src.count; i++) {
		struct segment_reader reader;
		struct record_look rec;

		if (segment_open(im->src.dir_fd, im->src.v[i].name, &reader) != 0)
			continue;
		segment_seek(&reader, im->src.v[i].taken_to);
		while (segment_next(&reader, &rec) == 0)
			n++;
		segment_close(&reader);
	}
	return n;
}

bool
import_has_live(const struct import *im)
{
	return sources_any_live(&im->src);
}

int
import_tidy(struct import *im)
{
	struct segment_id	writer = { 0 };
	int			r;

	sources_drop_unready(&im->src, im->boot);
	/* Deleted segments must not come back once nobody would know their records. */
	if (fsync(im->src.dir_fd) == -1 || (r = sources_scan(&im->src)) != 0)
		return E_SYS;
	if ((r = auditdb_begin(im->db)) != 0)
		return r;
	while ((r = auditdb_next_done(im->db, &writer)) == 0) {
		if (writer.boot == im->boot || sources_writer_has_any(&im->src, &writer))
			continue;
		if ((r = auditdb_forget(im->db, &writer)) != 0)
			break;
	}
	if (r == E_NOTFOUND)
		return auditdb_commit(im->db);
	auditdb_abort(im->db);
	return r;
}
