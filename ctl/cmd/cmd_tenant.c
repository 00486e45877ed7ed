/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_tenant.c - tenant list, tenant show: who shares this gateway, and how each stands
 *
 * Process: mcpgwctl.
 * Owns:    the rows, for one run.
 * Trusts:  the master for what is in force; the folders for what is not yet.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/compare/compiled.h"
#include "ctl/files/pending.h"
#include "ctl/files/tenantdirs.h"
#include "ctl/folders.h"
#include "ctl/known.h"
#include "ctl/lines.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/show/status.h"
#include "ctl/show/tenantinfo.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/log.h"
#include "policy/quotatext.h"

struct row {
	char		name[TENANT_NAME_MAX + 1];
	bool		in_force, in_files, runs;	/* runs: its processes do */
	uint64_t	servers, agents, keys, in_flight;
};

struct rows {
	struct ctl	*ctl;
	struct row	*all;			/* sorted by name */
	size_t		 count;
	struct status	 status;		/* of a gateway that runs */
	bool		 gateway;
	struct snap	*policy;		/* in force, or of the files */
};

/* ---- gathering --------------------------------------------------------------------------------------- */

static int
row_cmp(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

static struct row *
row_find(struct rows *rows, struct span name)
{
	struct row	key;

	if (name.n >= sizeof(key.name))
		return NULL;
	snprintf(key.name, sizeof(key.name), "%.*s", SPAN_FMT(name));
	return rows->count == 0 ? NULL : bsearch(&key, rows->all, rows->count, sizeof(key), row_cmp);
}

static void
row_add(struct rows *rows, struct span name)
{
	if (name.n == 0 || name.n > TENANT_NAME_MAX)
		return;
	if ((rows->all = realloc(rows->all, (rows->count + 1) * sizeof(*rows->all))) == NULL)
		fatal(EX_OSERR, "out of memory");
	rows->all[rows->count] = (struct row){ .in_force = false };
	snprintf(rows->all[rows->count++].name, sizeof(rows->all->name), "%.*s", SPAN_FMT(name));
}

static void
names_gather(struct rows *rows, const struct tenantdirs *dirs)
{
	const struct rec_tenant	*t;
	size_t			 kept = 0;

	row_add(rows, SPAN_LIT(TENANT_DEFAULT));
	for (size_t i = 0; i < dirs->count; i++)
		row_add(rows, span_of(dirs->names[i]));
	for (uint64_t i = 0; rows->policy != NULL && (t = SNAP_AT(rows->policy, TENANT, i)) != NULL; i++)
		row_add(rows, snap_text(rows->policy, t->name));
	qsort(rows->all, rows->count, sizeof(*rows->all), row_cmp);
	for (size_t i = 0; i < rows->count; i++)
		if (kept == 0 || row_cmp(&rows->all[kept - 1], &rows->all[i]) != 0)
			rows->all[kept++] = rows->all[i];
	rows->count = kept;
}

static void
count_call(struct json_value object, void *arg)
{
	struct row	*r;
	char		 tenant[64];

	if ((r = row_find(arg, span_of(lines_text(object, "tenant", tenant, sizeof(tenant))))) != NULL)
		r->in_flight++;
}

static void
rows_fini(struct rows *rows)
{
	free(rows->all);
	if (rows->gateway)
		status_free(&rows->status);
	else
		snap_release(&rows->policy);
}

static void
rows_fill(struct rows *rows, const struct tenantdirs *dirs, const struct tenantkeys *keys)
{
	const struct rec_tenant	*t;
	struct row		*r;

	for (size_t i = 0; i < rows->count; i++) {
		r = &rows->all[i];
		r->keys = tenantkeys_of(keys, span_of(r->name));
		r->in_files = strcmp(r->name, TENANT_DEFAULT) == 0;
		if (rows->policy == NULL || (t = policy_tenant_find(rows->policy, span_of(r->name))) == NULL)
			continue;
		r->in_force = rows->gateway;
		r->servers = t->server_count;
		r->agents = t->agent_count;
	}
	for (size_t i = 0; i < dirs->count; i++)
		if ((r = row_find(rows, span_of(dirs->names[i]))) != NULL)
			r->in_files = true;
	for (size_t i = 0; rows->gateway && i < rows->status.process_count; i++)
		if ((r = row_find(rows, span_of(rows->status.processes[i].tenant))) != NULL)
			r->runs = true;
}

static int
rows_gather(struct ctl *ctl, struct rows *rows)
{
	struct compiled_plan	plan = { .what = COMPILE_POLICY };
	struct tenantdirs	dirs;
	struct tenantkeys	keys;
	int			r;

	*rows = (struct rows){ .ctl = ctl };
	if ((r = tenantdirs_read(ctl, &dirs)) != 0)
		return r;
	if ((r = tenantkeys_read(ctl, &keys)) == 0) {
		if (status_gather(ctl, false, &rows->status) == 0) {
			rows->gateway = true;
			rows->policy = rows->status.policy;
		} else {
			status_free(&rows->status);
			(void)compiled_read(ctl, &plan, &rows->policy);
		}
		names_gather(rows, &dirs);
		rows_fill(rows, &dirs, &keys);
		if (rows->gateway)
			(void)lines_each(ctl, CTLCMD_ps, NULL, false, count_call, rows);
		tenantkeys_fini(&keys);
	}
	tenantdirs_fini(&dirs);
	return r;
}

/* ---- showing ------------------------------------------------------------------------------------------ */

static const char *
state_of(const struct rows *rows, const struct row *r)
{
	if (!rows->gateway)
		return "off";
	if (!r->in_force)
		return "not yet";
	return !r->in_files ? "goes" : r->runs ? "up" : "idle";
}

static void
json_list(const char *name, const struct buf *elements)
{
	struct buf	b;

	buf_init(&b, 1024 * 1024 + 2);
	if (buf_put_fmt(&b, "[%.*s]", SPAN_FMT(buf_rest(elements))) == 0)
		out_json_raw(name, buf_rest(&b));
	buf_fini(&b);
}

static void
json_names(const struct snap *s, const struct rec_tenant *t)
{
	const struct rec_server	*v;
	const struct rec_agent	*a;
	struct buf		 b;
	int			 r = 0;

	buf_init(&b, 1024 * 1024);
	for (uint64_t i = 0; r == 0 && (v = policy_server_of(s, t, i)) != NULL; i++)
		if ((r = buf_put_str(&b, i == 0 ? "" : ",")) == 0)
			r = json_put_string(&b, snap_text(s, v->name));
	if (r == 0)
		json_list("server_names", &b);
	buf_clear(&b);
	for (uint32_t i = 0; r == 0 && i < t->agent_count &&
	    (a = SNAP_AT(s, AGENT, (uint64_t)t->agent_first + i)) != NULL; i++)
		if ((r = buf_put_str(&b, i == 0 ? "" : ",")) == 0)
			r = json_put_string(&b, snap_text(s, a->name));
	if (r == 0)
		json_list("agent_names", &b);
	buf_fini(&b);
}

/* The quota of this number that all calls of the tenant have, whichever limit's it is; NULL: there is none. */
static const struct rec_quota *
quota_of(const struct snap *s, const struct rec_tenant *t, uint32_t number)
{
	const struct rec_limit	*l;

	for (uint32_t i = 0; i < t->limit_count &&
	    (l = SNAP_AT(s, TENANT_LIMIT, (uint64_t)t->limit_first + i)) != NULL; i++) {
		if (l->of != LIMIT_OF_TENANT)
			continue;
		if (number < l->quota_count)
			return policy_quota(s, l, number);
		number -= l->quota_count;
	}
	return NULL;
}

static void
json_quotas(const struct snap *s, const struct rec_tenant *t)
{
	const struct rec_quota	*q;
	struct buf		 b;
	char			 text[QUOTA_TEXT];
	int			 r = 0;

	buf_init(&b, 4096);
	for (uint32_t i = 0; r == 0 && (q = quota_of(s, t, i)) != NULL; i++)
		r = buf_put_fmt(&b, "%s\"%s\"", i == 0 ? "" : ",", quota_text(q, text));
	if (r == 0)
		json_list("quotas", &b);
	buf_fini(&b);
}

/* list: what stands in its row; else all that is known. */
static void
print_json(struct rows *rows, const struct row *r, bool list)
{
	const struct rec_tenant	*t = rows->policy == NULL ? NULL : policy_tenant_find(rows->policy, span_of(r->name));
	char			 rate[32];

	out_json_begin();
	out_json_text("tenant", span_of(r->name));
	out_json_text("state", span_of(state_of(rows, r)));
	out_json_u64("servers", r->servers);
	out_json_u64("agents", r->agents);
	out_json_u64("keys", r->keys);
	out_json_u64("in_flight", r->in_flight);
	if (!list)
		out_json_text("files", span_of(folders_tenant_dir(rows->ctl)));
	if (!list && t != NULL) {
		if (rows->ctl->where.system)
			out_json_text("runs_as", snap_text(rows->policy, t->user));
		if (t->interval_ns > 0) {
			out_json_text("rate", span_of(out_rate(t->interval_ns, rate, sizeof(rate))));
			out_json_u64("burst", t->burst);
		}
		json_quotas(rows->policy, t);
		out_json_u64("instances_at_most", t->max_instances);
		json_names(rows->policy, t);
	}
	out_json_end();
}

int
cmd_tenant_list(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt		none[] = { { NULL, NULL, NULL } };
	static const struct out_column	columns[] = {
		{ "TENANT", false, true }, { "STATE", false, true }, { "SERVERS", true, true },
		{ "AGENTS", true, true }, { "KEYS", true, true }, { "INFLIGHT", true, true },
	};
	struct out_table	*t = NULL;
	struct rows		 rows;
	int			 r;

	(void)opts_take(none, argc, argv, 0, 0);
	if ((r = rows_gather(ctl, &rows)) == 0 && !ctl->json)
		t = out_table_new(columns, 6);
	for (size_t i = 0; r == 0 && i < rows.count; i++) {
		const struct row	*one = &rows.all[i];

		if (ctl->json) {
			print_json(&rows, one, true);
			continue;
		}
		out_cell(t, "%s", one->name);
		out_cell(t, "%s", state_of(&rows, one));
		out_cell(t, "%" PRIu64, one->servers);
		out_cell(t, "%" PRIu64, one->agents);
		out_cell(t, "%" PRIu64, one->keys);
		out_cell(t, "%" PRIu64, one->in_flight);
	}
	if (t != NULL)
		out_table_end(&t);
	rows_fini(&rows);
	return out_end(r);
}

static void
say(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
say(const char *name, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	printf("%-10s", name);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

static void
say_names(const struct snap *s, const struct rec_tenant *t)
{
	const struct rec_server	*v;
	const struct rec_agent	*a;

	for (uint64_t i = 0; (v = policy_server_of(s, t, i)) != NULL; i++)
		say(i == 0 ? "servers" : "", "%.*s", SPAN_FMT(snap_text(s, v->name)));
	for (uint32_t i = 0; i < t->agent_count && (a = SNAP_AT(s, AGENT, (uint64_t)t->agent_first + i)) != NULL; i++)
		say(i == 0 ? "agents" : "", "%.*s", SPAN_FMT(snap_text(s, a->name)));
}

static void
show(const struct rows *rows, const struct row *r)
{
	const struct rec_tenant	*t = rows->policy == NULL ? NULL : policy_tenant_find(rows->policy, span_of(r->name));
	const struct rec_quota	*q;
	char			 rate[32], quota[QUOTA_TEXT];

	say("tenant", "%s", r->name);
	say("state", "%s", state_of(rows, r));
	say("files", "%s", folders_tenant_dir(rows->ctl));
	say("keys", "%" PRIu64, r->keys);
	say("in flight", "%" PRIu64, r->in_flight);
	if (t == NULL)
		return;
	if (rows->ctl->where.system)
		say("runs as", "%.*s", SPAN_FMT(snap_text(rows->policy, t->user)));
	if (t->interval_ns > 0)
		say("rate", "%s, burst %u", out_rate(t->interval_ns, rate, sizeof(rate)), t->burst);
	for (uint32_t i = 0; (q = quota_of(rows->policy, t, i)) != NULL; i++)
		say(i == 0 ? "quotas" : "", "%s", quota_text(q, quota));
	say("instances", "%u at most", t->max_instances);
	say_names(rows->policy, t);
}

int
cmd_tenant_show(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	none[] = { { NULL, NULL, NULL } };
	const struct row	*one;
	struct rows		 rows;
	char			 hint[KNOWN_HINT];
	int			 r;

	(void)opts_take(none, argc, argv, 1, 1);
	if ((r = rows_gather(ctl, &rows)) == 0) {
		if ((one = row_find(&rows, span_of(argv[0]))) == NULL) {
			out_error("no tenant \"%s\"%s", argv[0], known_hint(rows.policy, KNOWN_TENANT, SPAN_NONE,
			    argv[0], "; see mcpgwctl tenant list", hint));
			r = EX_DATAERR;
		} else {
			if (one->in_files)
				ctl->tenant = argv[0];
			if (ctl->json)
				print_json(&rows, one, false);
			else
				show(&rows, one);
		}
	}
	rows_fini(&rows);
	return out_end(r);
}
