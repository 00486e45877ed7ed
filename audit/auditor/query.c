/* SPDX-License-Identifier: Apache-2.0
 *
 * query.c - the reading form of mcpgw-audit
 *
 * Process: mcpgw-audit --query, started by the master for mcpgwctl, or by mcpgwctl without a master.
 * Owns:    a read-only environment.
 * Trusts:  no row.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "audit/auditor/groups.h"
#include "audit/auditor/query.h"
#include "audit/auditor/row.h"
#include "audit/requestid.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/num.h"
#include "sandbox/confine.h"

#define OUT_BYTES	(64 * 1024)
#define FOLLOW_MS	200
#define NS_PER_S	UINT64_C(1000000000)
/* A request's id is as old as its first byte; its record may follow so much later. */
#define REQUEST_BEFORE_NS	(10 * NS_PER_S)
#define REQUEST_AFTER_NS	(900 * NS_PER_S)

struct query {
	struct options	 o;
	struct auditdb	*db;
	struct buf	 out;
	struct groups	*groups;
	uint64_t	*numbers;	/* of the newest rows, newest first */
	size_t		 count, room;
	uint64_t	 last;		/* the last row seen */
	uint64_t	 last_ns;	/* its time */
	uint64_t	 upto;		/* rows that come while we read are left to follow() */
	int		 error;
};

static int
out_flush(struct query *q)
{
	int	r = fd_write_all(STDOUT_FILENO, buf_rest(&q->out));

	buf_clear(&q->out);
	return r;
}

/* Enough for one write.  That comes when the walk is over: as long as one is on, the writer uses no page again, and
 * whoever reads us may take hours (less(1)). */
static bool
out_is_full(struct query *q)
{
	return buf_rest(&q->out).n > OUT_BYTES / 2;
}

/* False at its end as well: there are more rows when the output is full. */
static bool
print_row(const struct auditdb_row *row, void *arg)
{
	struct query	*q = arg;

	q->last = row->number;
	q->last_ns = row->r.wall_ns;
	if (row->number > q->upto || !row_wanted(row, &q->o) ||
	    (q->o.has_until && row->r.wall_ns > q->o.until_ns))
		return true;
	q->error = row_put(&q->out, row);
	return q->error == 0 && !out_is_full(q);
}

/* Of rows of one time those that were printed before come again. */
static bool
print_later(const struct auditdb_row *row, void *arg)
{
	struct query	*q = arg;

	return (row->r.wall_ns == q->last_ns && row->number <= q->last) || print_row(row, arg);
}

static int
print_by_time(struct query *q)
{
	int	r;

	q->last_ns = q->o.since_ns;
	for (;;) {
		r = auditdb_each_time(q->db, q->last_ns, q->o.until_ns, false, print_later, q);
		if (r != 0 || (r = q->error) != 0 || !out_is_full(q))
			return r;
		if ((r = out_flush(q)) != 0)
			return r;
	}
}

static int
print_by_number(struct query *q)
{
	bool	more = true;
	int	r = 0;

	while (more && r == 0) {
		if ((r = auditdb_each_number(q->db, q->last + 1, print_row, q)) != 0 || (r = q->error) != 0)
			break;
		more = out_is_full(q);
		r = out_flush(q);
	}
	return r;
}

/* The newest `limit` ones are found from the end, and printed from the front. */
static bool
note_row(const struct auditdb_row *row, void *arg)
{
	struct query	*q = arg;

	if (row->number > q->upto || !row_wanted(row, &q->o))
		return true;
	if (q->count == q->room) {
		size_t room = q->room == 0 ? 256 : q->room * 2;
		uint64_t *v = realloc(q->numbers, room * sizeof(*v));

		if (v == NULL) {
			q->error = E_NOMEM;
			return false;
		}
		q->numbers = v;
		q->room = room;
	}
	q->numbers[q->count++] = row->number;
	return q->count < q->o.limit;
}

static bool
print_one(const struct auditdb_row *row, void *arg)
{
	(void)print_row(row, arg);
	return false;
}

static int
print_newest(struct query *q)
{
	int	r;

	r = auditdb_each_time(q->db, q->o.since_ns, q->o.until_ns, true, note_row, q);
	for (size_t i = q->count; i > 0 && r == 0 && q->error == 0; i--)
		if ((r = auditdb_each_number(q->db, q->numbers[i - 1], print_one, q)) == 0 && out_is_full(q))
			r = out_flush(q);
	free(q->numbers);
	q->numbers = NULL;
	return r != 0 ? r : q->error;
}

static bool
group_row(const struct auditdb_row *row, void *arg)
{
	struct query	*q = arg;

	if (row->number <= q->upto && row_wanted(row, &q->o))
		q->error = groups_add(q->groups, row);
	return q->error == 0;
}

static int
on_group(void *arg)
{
	struct query	*q = arg;

	return out_is_full(q) ? out_flush(q) : 0;
}

static int
print_groups(struct query *q)
{
	int	r;

	if ((r = groups_new(&q->groups)) != 0)
		return r;
	r = auditdb_each_time(q->db, q->o.since_ns, q->o.until_ns, false, group_row, q);
	if (r == 0 && (r = q->error) == 0)
		r = groups_print(q->groups, &q->out, on_group, q);
	groups_free(&q->groups);
	return r;
}

static int
print_rows(struct query *q)
{
	if (q->o.group)
		return print_groups(q);
	if (q->o.limit != 0)
		return print_newest(q);
	return print_by_time(q);
}

/* Rows as they come, until whoever reads has gone. */
static int
follow(struct query *q)
{
	struct pollfd	gone = { .fd = STDOUT_FILENO };
	int		r = 0;

	while (r == 0) {
		if ((r = print_by_number(q)) != 0)
			break;
		if (poll(&gone, 1, FOLLOW_MS) > 0 && gone.revents & (POLLERR | POLLHUP))
			break;
	}
	return r;
}

static int
run(struct query *q)
{
	struct chain	head;
	int		r;

	if (q->o.has_request) {
		uint64_t at = requestid_wall_ms(q->o.request) * UINT64_C(1000000);

		q->o.since_ns = at < REQUEST_BEFORE_NS ? 0 : at - REQUEST_BEFORE_NS;
		q->o.until_ns = at + REQUEST_AFTER_NS;
	}
	if ((r = auditdb_head(q->db, &head)) != 0)
		return r;
	q->upto = head.number;
	if ((r = print_rows(q)) != 0 || (r = out_flush(q)) != 0)
		return r;
	q->last = head.number;
	q->upto = UINT64_MAX;
	return q->o.follow ? follow(q) : 0;
}

struct verify {
	struct chain	chain, head;	/* as found; as the writer noted it */
	uint64_t	bad;		/* the first row that does not follow; 0 none */
};

static bool
verify_row(const struct auditdb_row *row, void *arg)
{
	struct verify	*v = arg;

	if (chain_follow(&v->chain, row->number, &row->before, row->content) != 0 ||
	    (row->number == v->head.number && !crypt_equal(&v->chain.head, &v->head.head,
	    sizeof(v->head.head))))
		v->bad = row->number;
	return v->bad == 0;
}

static int
verify(struct query *q)
{
	struct verify	v = { .bad = 0 };
	char		hex[2 * CRYPT_SHA256_BYTES + 1];
	int		r;

	/* The noted head first: rows that come meanwhile are behind it. */
	if ((r = auditdb_head(q->db, &v.head)) != 0)
		return EX_SOFTWARE;
	r = auditdb_each_number(q->db, 0, verify_row, &v);
	if (r != 0 || v.bad != 0) {
		printf("record %" PRIu64 ": %s\n", v.bad != 0 ? v.bad : v.chain.number + 1,
		    r != 0 ? "unreadable" : "changed, or does not follow the one before");
		return 1;
	}
	if (v.chain.number < v.head.number) {
		printf("records after %" PRIu64 " are missing, there were %" PRIu64 "\n", v.chain.number,
		    v.head.number);
		return 1;
	}
	num_hex(v.chain.head.bytes, sizeof(v.chain.head.bytes), hex);
	printf("%" PRIu64 " records, chain whole, head %s\n", v.chain.number, hex);
	return EX_OK;
}

static int
complain(struct query *q, int r)
{
	if (r == E_SYS && errno == EPIPE)
		return EX_OK;
	if (r == E_FULL)
		log_err(NULL, "more than %d kinds of calls; ask for fewer: --since TIME, --tenant TENANT", GROUPS_MAX);
	else if (r == E_FORMAT)
		log_err(NULL, "the audit in %s is damaged", q->o.folder);
	else if (r == E_SYS)
		log_err(NULL, "the audit in %s: %m", q->o.folder);
	else
		log_err(NULL, "the audit in %s: %s", q->o.folder, err_text(r));
	return r == E_SYS && errno == EACCES ? EX_NOPERM : EX_UNAVAILABLE;
}

/* Root reads as the folder's owner: what LMDB may have to make must stay the auditor's. */
static int
become_owner(const char *folder)
{
	struct stat	st;

	if (geteuid() != 0 || stat(folder, &st) == -1 || st.st_uid == 0)
		return 0;
	return confine_become(st.st_uid, st.st_gid);
}

int
query_main(int argc, char **argv)
{
	static struct query	q;
	struct timespec		now;
	const char		*wrong, *folders[2] = { NULL, NULL };
	int			 r, code = EX_OK;

	log_init("mcpgw-audit", STDERR_FILENO, LOG_FORM_PLAIN);
	clock_gettime(CLOCK_REALTIME, &now);
	r = options_parse(argc, argv, (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec, &q.o, &wrong);
	if (r != 0) {
		if (q.o.value != NULL)
			log_err(NULL, "%s %s: want %s", wrong, q.o.value, options_wanted(wrong));
		else
			log_err(NULL, "not understood: %s", wrong);
		return EX_USAGE;
	}
	buf_init(&q.out, OUT_BYTES);
	folders[0] = q.o.folder;
	if ((r = become_owner(q.o.folder)) == 0)
		r = auditdb_open(q.o.folder, true, &q.db);
	if (r == E_NOTFOUND) {
		if (q.o.verify)
			printf("0 records\n");
		return EX_OK;			/* nothing was ever recorded */
	}
	if (r == 0)
		r = confine_process(CONFINE_AUDITOR, folders, NULL);
	if (r == 0 && q.o.verify)
		code = verify(&q);
	else if (r == 0)
		r = run(&q);
	if (r != 0)
		code = complain(&q, r);
	auditdb_close(&q.db);
	buf_fini(&q.out);
	return code;
}
