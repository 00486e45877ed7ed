/* SPDX-License-Identifier: Apache-2.0
 *
 * row.c - one row of the audit as one line of JSON
 *
 * Process: mcpgw-audit in its query form.  Owns: nothing.
 * Trusts:  no text of a row: clients and tools chose some of them.
 */
#include <inttypes.h>
#include <time.h>

#include "audit/auditor/row.h"
#include "audit/requestid.h"
#include "lib/glob.h"
#include "lib/json.h"
#include "lib/num.h"

static int
put_text(struct buf *to, const char *name, struct span value)
{
	int	r;

	if (value.n == 0)
		return 0;
	if ((r = buf_put_fmt(to, ",\"%s\":", name)) != 0)
		return r;
	return json_put_string(to, value);
}

static int
put_u64(struct buf *to, const char *name, uint64_t value)
{
	if (value == 0)
		return 0;
	if (strcmp(name, "latency_us") == 0)
		return buf_put_fmt(to, ",\"ms\":%" PRIu64 ".%03u", value / 1000,
		    (unsigned)(value % 1000));
	return buf_put_fmt(to, ",\"%s\":%" PRIu64, name, value);
}

static int
put_time(struct buf *to, uint64_t ns)
{
	time_t		t = (time_t)(ns / UINT64_C(1000000000));
	struct tm	tm;
	char		text[32];

	if (ns == 0 || gmtime_r(&t, &tm) == NULL || strftime(text, sizeof(text), "%FT%T", &tm) == 0)
		return 0;
	return buf_put_fmt(to, ",\"time\":\"%s.%03uZ\"", text, (unsigned)(ns / 1000000 % 1000));
}

int
row_put(struct buf *to, const struct auditdb_row *row)
{
	const struct audit_fields	*f = &row->r.f;
	char				 id[REQUESTID_CHARS + 1], hash[2 * CRYPT_SHA256_BYTES + 1];
	int				 r;

	if ((r = buf_put_fmt(to, "{\"number\":%" PRIu64, row->number)) != 0)
		return r;
	requestid_text(row->r.request, id);
	if (row->r.request != 0 && (r = buf_put_fmt(to, ",\"request_id\":\"%s\"", id)) != 0)
		return r;
	if ((r = put_time(to, row->r.wall_ns)) != 0)
		return r;
#define text	put_text
#define u64	put_u64
#define FIELD(name, id_, type, max, when, doc)		\
	if ((r = type(to, #name, f->name)) != 0)	\
		return r;
#include "tables/auditfields.def"
#undef FIELD
#undef u64
#undef text
	num_hex(row->hash.bytes, sizeof(row->hash.bytes), hash);
	return buf_put_fmt(to, ",\"generation\":%" PRIu64 ",\"boot\":\"%016" PRIx64 "\",\"slot\":%u,"
	    "\"incarnation\":%u,\"seq\":%" PRIu64 ",\"hash\":\"%s\"}\n", row->r.generation,
	    row->writer.boot, row->writer.slot, row->writer.incarnation, row->r.seq, hash);
}

/* The pattern is over "server.tool", as rules and people write it. */
static bool
tool_matches(const struct audit_fields *f, struct span pattern)
{
	char	name[RECORD_MAX];

	if (f->server.n + 1 + f->object.n > sizeof(name))
		return false;
	memcpy(name, f->server.p == NULL ? "" : f->server.p, f->server.n);
	name[f->server.n] = '.';
	memcpy(name + f->server.n + 1, f->object.p == NULL ? "" : f->object.p, f->object.n);
	return glob_match(pattern, span_make(name, f->server.n + 1 + f->object.n));
}

static bool
is_or_any(struct span wanted, struct span got)
{
	return wanted.n == 0 || span_eq(wanted, got);
}

bool
row_wanted(const struct auditdb_row *row, const struct options *o)
{
	const struct audit_fields	*f = &row->r.f;

	return (!o->has_request || o->request == row->r.request) && is_or_any(o->agent, f->agent) &&
	    is_or_any(o->tenant, f->tenant) && is_or_any(o->decision, f->decision) &&
	    is_or_any(o->outcome, f->outcome) && is_or_any(o->server, f->server) &&
	    is_or_any(o->kind, f->kind) && (o->tool.n == 0 || tool_matches(f, o->tool));
}
