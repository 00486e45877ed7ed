/* SPDX-License-Identifier: Apache-2.0
 *
 * jsonl.c - audit_log: a line for each row that comes into the store, in the shape seed 001's readers know
 *
 * Process: mcpgw-audit.
 * Owns:    the file's descriptor; the master opened it.
 * Trusts:  no text of a row: clients and tools chose some of them.
 *
 * {timestamp, agent_id, operation, decision ALLOW|DENY|ERROR, latency_ms, metadata}.  A copy for reading: the
 * chain and its store stay what counts, so no call waits for this file or fails with it.
 */
#include <errno.h>
#include <time.h>

#include "audit/auditor/jsonl.h"
#include "audit/requestid.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"

#define BATCH_BYTES	(64 * 1024)
#define LINE_MAX_BYTES	(32 * 1024)

void
jsonl_init(struct jsonl *j)
{
	*j = (struct jsonl){ .fd = -1 };
}

void
jsonl_fini(struct jsonl *j)
{
	fd_close(&j->fd);
}

void
jsonl_take(struct jsonl *j, int *fd)
{
	fd_close(&j->fd);
	j->fd = *fd;
	*fd = -1;
}

void
jsonl_begin(struct jsonl *j, struct auditdb *db)
{
	struct chain	head;

	j->done = auditdb_head(db, &head) == 0 ? head.number : 0;
}

/* --- one row -------------------------------------------------------------------------------------- */

/* The discovery tool that was called, whether it came so far or not; of other requests the method. */
static struct span
operation_of(const struct audit_fields *f)
{
	if (span_is(f->kind, "meta") && f->object.n > 0)
		return f->object;
	if (span_is(f->kind, "tool"))
		return SPAN_LIT("execute_tool");
	if (span_is(f->kind, "server"))
		return f->server.n > 0 && f->object.n > 0 ? SPAN_LIT("execute_tool") : SPAN_LIT("get_server_tools");
	return f->method.n > 0 ? f->method : f->kind;
}

static const char *
decision_of(const struct audit_fields *f)
{
	if (span_is(f->decision, "deny") || span_is(f->error, "DENIED_BY_POLICY") ||
	    span_is(f->error, "INVALID_AGENT_ID") || span_is(f->error, "FALLBACK_AGENT_NOT_IN_RULES") ||
	    span_is(f->error, "NO_FALLBACK_CONFIGURED"))
		return "DENY";
	return f->outcome.n == 0 || span_is(f->outcome, "ok") ? "ALLOW" : "ERROR";
}

static int
put_time(struct buf *to, uint64_t ns)
{
	time_t		t = (time_t)(ns / UINT64_C(1000000000));
	struct tm	tm = { 0 };
	char		text[32] = "1970-01-01T00:00:00";

	if (gmtime_r(&t, &tm) != NULL)
		(void)strftime(text, sizeof(text), "%FT%T", &tm);
	return buf_put_fmt(to, "{\"timestamp\":\"%s.%03uZ\",\"agent_id\":", text, (unsigned)(ns / 1000000 % 1000));
}

static int
put_metadata(struct buf *to, const struct auditdb_row *row)
{
	const struct audit_fields	*f = &row->r.f;
	const bool			 own = span_is(f->kind, "meta");
	const struct { const char *name; struct span value; } rows[] = {
		{ "server", f->server }, { own || !span_is(f->kind, "tool") ? "object" : "tool", own ? SPAN_NONE :
		f->object }, { "rule", f->rule }, { "outcome", f->outcome }, { "error", f->error },
		{ "principal", f->principal },
	};
	char	id[REQUESTID_CHARS + 1];
	int	r;

	requestid_text(row->r.request, id);
	if ((r = buf_put_fmt(to, "\"metadata\":{\"request_id\":\"%s\"", id)) != 0)
		return r;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].value.n > 0 && ((r = buf_put_fmt(to, ",\"%s\":", rows[i].name)) != 0 ||
		    (r = json_put_string(to, rows[i].value)) != 0))
			return r;
	return buf_put_str(to, "}}\n");
}

int
jsonl_put(struct buf *to, const struct auditdb_row *row)
{
	const struct audit_fields	*f = &row->r.f;
	int				 r;

	if ((r = put_time(to, row->r.wall_ns)) != 0 ||
	    (r = f->agent.n > 0 ? json_put_string(to, f->agent) : buf_put_str(to, "null")) != 0 ||
	    (r = buf_put_str(to, ",\"operation\":")) != 0 || (r = json_put_string(to, operation_of(f))) != 0)
		return r;
	if ((r = buf_put_fmt(to, ",\"decision\":\"%s\",\"latency_ms\":%lu.%03u,", decision_of(f),
	    (unsigned long)(f->latency_us / 1000), (unsigned)(f->latency_us % 1000))) != 0)
		return r;
	return put_metadata(to, row);
}

/* --- all that are new ----------------------------------------------------------------------------- */

struct batch {
	struct buf	text;
	uint64_t	last;		/* row in it */
	int		error;
};

static bool
row_add(const struct auditdb_row *row, void *arg)
{
	struct batch	*b = arg;

	if ((b->error = jsonl_put(&b->text, row)) != 0)
		return false;
	b->last = row->number;
	return b->text.used < BATCH_BYTES;
}

void
jsonl_follow(struct jsonl *j, struct auditdb *db)
{
	struct batch	b;
	int		r = 0;

	while (j->fd != -1 && r == 0 && j->done < auditdb_rows(db)) {
		b = (struct batch){ .last = j->done };
		buf_init(&b.text, BATCH_BYTES + LINE_MAX_BYTES);
		if ((r = auditdb_each_number(db, j->done + 1, row_add, &b)) == 0)
			r = b.error;
		if (r == 0 && b.last == j->done)
			r = E_NOTFOUND;
		if (r == 0)
			r = fd_write_all(j->fd, buf_rest(&b.text));
		if (r == 0)
			j->done = b.last;
		else
			log_warn_repeat(NULL, "audit_log: %s", r == E_SYS ? strerror(errno) : err_text(r));
		buf_fini(&b.text);
	}
}
