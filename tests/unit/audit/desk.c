/* SPDX-License-Identifier: Apache-2.0
 *
 * desk.c - what the audit's tests work on
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/seghead.h"
#include "desk.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/segfile.h"

void
desk_init(struct desk *d)
{
	log_set_level(LOG_LEVEL_ERR);	/* hundreds of expected warnings hide the one that matters */
	*d = (struct desk){ .spool_fd = -1 };
	strcpy(d->path, "/tmp/mcpgw-audit-XXXXXX");
	cr_assert(mkdtemp(d->path) != NULL);
	snprintf(d->spool_path, sizeof(d->spool_path), "%s/spool", d->path);
	snprintf(d->db_path, sizeof(d->db_path), "%s/db", d->path);
	cr_assert(eq(int, mkdir(d->spool_path, 0700), 0));
	cr_assert(eq(int, mkdir(d->db_path, 0700), 0));
	d->spool_fd = open(d->spool_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(d->spool_fd != -1);
}

static void
empty_folder(const char *path)
{
	char		 name[512];
	DIR		*dir = opendir(path);
	struct dirent	*e;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		unlink(name);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(path);
}

void
desk_fini(struct desk *d)
{
	spool_free(&d->spool);
	loop_free(&d->loop);
	fd_close(&d->spool_fd);
	empty_folder(d->spool_path);
	empty_folder(d->db_path);
	rmdir(d->path);
}

int
desk_segment(struct desk *d, uint32_t incarnation, uint32_t number)
{
	struct segment_head	head;
	char			name[SEGMENT_NAME_MAX];
	int			fd;

	segment_name(DESK_BOOT, 1, incarnation, number, name);
	segment_head_init(&head, DESK_BOOT, 1, incarnation, number);
	cr_assert(eq(int, segfile_make(d->spool_fd, name, SEGMENT_BYTES, span_make(&head, sizeof(head)),
	    &fd), 0));
	return fd;
}

static void
on_want(uint32_t number, void *arg)
{
	((struct desk *)arg)->wanted = number;
}

static void
on_not_kept(uint64_t first_seq, void *arg)
{
	struct desk	*d = arg;

	d->not_kept = first_seq;
	d->not_kept_calls++;
}

void
desk_spool(struct desk *d)
{
	static const struct spool_ops ops = { on_want, on_not_kept };

	cr_assert(eq(int, loop_new(&d->loop), 0));
	cr_assert(eq(int, spool_new(d->loop, &ops, d, NULL, &d->spool), 0));
}

void
desk_turn(struct desk *d)
{
	loop_turn(d->loop, false);
}

unsigned
desk_segments(struct desk *d)
{
	DIR		*dir = opendir(d->spool_path);
	struct dirent	*e;
	unsigned	 n = 0;

	cr_assert(dir != NULL);
	while ((e = readdir(dir)) != NULL)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

struct audit_fields
desk_large_fields(void)
{
	static char		x[RECORD_MAX];
	struct audit_fields	f;

	memset(x, 'x', sizeof(x));
#define text(field) f.field = span_make(x, sizeof(x));
#define u64(field) f.field = UINT64_MAX;
#define FIELD(field, id, type, max, when, doc) type(field)
#include "tables/auditfields.def"
#undef FIELD
#undef u64
#undef text
	return f;
}

struct audit_fields
desk_fields(const char *object)
{
	return (struct audit_fields){ .tenant = SPAN_LIT("default"), .agent = SPAN_LIT("backend"),
	    .principal = SPAN_LIT("ci-bot"), .server = SPAN_LIT("postgres"), .object = span_of(object),
	    .decision = SPAN_LIT("allow"), .outcome = SPAN_LIT("ok"), .latency_us = 3800 };
}

static bool
count_row(const struct auditdb_row *row, void *arg)
{
	struct desk_rows	*n = arg;

	n->all++;
	n->marks += row->r.kind == RECORD_MARK;
	n->unknown += span_is(row->r.f.outcome, "unknown");
	n->ok += span_is(row->r.f.outcome, "ok");
	return true;
}

struct desk_rows
desk_rows(struct auditdb *db)
{
	struct desk_rows	n = { 0 };

	cr_assert(eq(int, auditdb_each_number(db, 0, count_row, &n), 0));
	return n;
}

struct object_count {
	const char	*object;
	unsigned	 n;
};

static bool
count_object(const struct auditdb_row *row, void *arg)
{
	struct object_count	*c = arg;

	c->n += span_is(row->r.f.object, c->object);
	return true;
}

unsigned
desk_rows_of(struct auditdb *db, const char *object)
{
	struct object_count	c = { object, 0 };

	cr_assert(eq(int, auditdb_each_number(db, 0, count_object, &c), 0));
	return c.n;
}
