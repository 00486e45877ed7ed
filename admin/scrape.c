/* SPDX-License-Identifier: Apache-2.0
 *
 * scrape.c - all numbers of tables/metrics.def, as text for Prometheus or as JSON
 *
 * Process: mcpgw-admin.  Owns: nothing.
 * Trusts:  nothing: workers write the slabs, so a number may be nonsense, but the form never is.
 */
#include <inttypes.h>
#include <string.h>

#include "admin/scrape.h"

#define SAMPLES_MAX	((size_t)ROLE_LIMIT + (size_t)SERVER_STATE_LIMIT)	/* more than either */

/* A value that only the master knows, and of what it is. */
struct sample {
	const char	*label;		/* NULL: of the whole */
	uint64_t	 value;
};

static const char *const type_name[] = {
	[METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram",
};

static const char *const label_name[] = {
	[METRIC_SCOPE_PROGRAM] = "program", [METRIC_SCOPE_STATE] = "state", [METRIC_SCOPE_VERSION] = "version",
};

static const char *const state_name[SERVER_STATE_LIMIT] = {
	[SERVER_STATE_IDLE] = "idle", [SERVER_STATE_UP] = "up", [SERVER_STATE_BROKEN] = "broken",
	[SERVER_STATE_DISABLED] = "disabled", [SERVER_STATE_NO_JAIL] = "no_jail",
};

/* Those in the configuration that nothing was heard of are idle, too. */
static uint64_t
servers_in(const struct scrape *s, unsigned state)
{
	uint64_t	others = 0;

	if (state == SERVER_STATE_DISABLED)
		return s->disabled;
	if (state != SERVER_STATE_IDLE)
		return s->view->servers[state];
	for (unsigned i = 0; i < SERVER_STATE_LIMIT; i++)
		if (i != SERVER_STATE_IDLE)
			others += servers_in(s, i);
	return s->servers > others ? s->servers - others : 0;
}

static uint64_t
of_master(const struct scrape *s, enum metric_id id)
{
	switch (id) {
	case METRIC_ready:
		return s->ready;
	case METRIC_start_time_seconds:
		return s->view->start_ms / 1000;
	case METRIC_config_generation:
		return s->view->generation;
	case METRIC_workers_configured:
		return s->view->workers;
	case METRIC_workers_serving:
		return s->view->serving;
	case METRIC_audit_behind_records:
		return s->view->audit_behind;
	case METRIC_breakers_open:
		return s->view->breakers_open;
	default:
		return 0;
	}
}

/* What is not counted by workers.  mcpgwctl is no process of the gateway. */
static size_t
samples_of(const struct scrape *s, enum metric_id id, struct sample to[SAMPLES_MAX])
{
	const struct view	*v = s->view;
	size_t			 n = 0;

	switch (metric_row(id)->scope) {
	case METRIC_SCOPE_VERSION:
		to[n++] = (struct sample){ MCPGW_VERSION, 1 };
		break;
	case METRIC_SCOPE_MASTER:
		if (v->known || id == METRIC_ready)
			to[n++] = (struct sample){ NULL, of_master(s, id) };
		break;
	case METRIC_SCOPE_PROGRAM:
		for (unsigned role = 0; v->known && role < ROLE_LIMIT; role++)
			if (role != ROLE_CTL)
				to[n++] = (struct sample){ role_program((enum role)role),
				    id == METRIC_processes ? v->processes[role] : v->deaths[role] };
		break;
	case METRIC_SCOPE_STATE:
		for (unsigned state = 0; v->known && state < SERVER_STATE_LIMIT; state++)
			to[n++] = (struct sample){ state_name[state], servers_in(s, state) };
		break;
	case METRIC_SCOPE_GLOBAL:
		break;
	}
	return n;
}

/* --- each metric that has a value now ------------------------------------------------------------- */

struct values {
	const struct metric_row		*row;
	const struct metric_value	*slab;		/* what workers count, or NULL */
	const struct sample		*samples;	/* else these */
	size_t				 count;
};

typedef int values_put_fn(const struct values *v, bool first, struct buf *out);

static int
put_each(const struct scrape *s, values_put_fn *put, struct buf *out)
{
	struct sample		samples[SAMPLES_MAX];
	struct metric_value	value;
	bool			first = true;
	int			r = 0;

	for (int id = 0; r == 0 && id < METRIC_ID_LIMIT; id++) {
		struct values	v = { .row = metric_row((enum metric_id)id), .samples = samples };

		if (v.row->scope == METRIC_SCOPE_GLOBAL) {
			metric_read(s->metrics, (enum metric_id)id, &value);
			v.slab = &value;
		} else if ((v.count = samples_of(s, (enum metric_id)id, samples)) == 0) {
			continue;
		}
		r = put(&v, first, out);
		first = false;
	}
	return r;
}

/* --- Prometheus --------------------------------------------------------------------------------- */

static int
text_histogram(const char *name, const struct metric_value *v, struct buf *out)
{
	uint64_t	us;
	int		r = 0;

	for (unsigned b = 0; r == 0 && b < METRIC_BUCKETS; b++)
		if ((us = metric_bound_us(b)) != 0)
			r = buf_put_fmt(out, "mcpgw_%s_bucket{le=\"%" PRIu64 ".%06" PRIu64 "\"} %" PRIu64 "\n", name,
			    us / 1000000, us % 1000000, v->up_to[b]);
		else
			r = buf_put_fmt(out, "mcpgw_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, v->up_to[b]);
	if (r != 0)
		return r;
	return buf_put_fmt(out, "mcpgw_%s_sum %" PRIu64 ".%06" PRIu64 "\nmcpgw_%s_count %" PRIu64 "\n", name,
	    v->sum_us / 1000000, v->sum_us % 1000000, name, v->up_to[METRIC_BUCKETS - 1]);
}

static int
text_slab(const struct metric_row *row, const struct metric_value *v, struct buf *out)
{
	if (row->kind == METRIC_HISTOGRAM)
		return text_histogram(row->name, v, out);
	return buf_put_fmt(out, "mcpgw_%s %" PRIu64 "\n", row->name, v->value);
}

static int
text_sample(const struct metric_row *row, const struct sample *sample, struct buf *out)
{
	if (sample->label == NULL)
		return buf_put_fmt(out, "mcpgw_%s %" PRIu64 "\n", row->name, sample->value);
	return buf_put_fmt(out, "mcpgw_%s{%s=\"%s\"} %" PRIu64 "\n", row->name, label_name[row->scope], sample->label,
	    sample->value);
}

static int
text_values(const struct values *v, bool first, struct buf *out)
{
	const struct metric_row	*row = v->row;
	int			 r;

	(void)first;
	r = buf_put_fmt(out, "# HELP mcpgw_%s %s\n# TYPE mcpgw_%s %s\n", row->name, row->doc, row->name,
	    type_name[row->kind]);
	if (r == 0 && v->slab != NULL)
		r = text_slab(row, v->slab, out);
	for (size_t i = 0; r == 0 && i < v->count; i++)
		r = text_sample(row, &v->samples[i], out);
	return r;
}

int
scrape_text(const struct scrape *s, struct buf *out)
{
	return put_each(s, text_values, out);
}

/* --- JSON --------------------------------------------------------------------------------------- */

static int
json_histogram(const struct metric_value *v, struct buf *out)
{
	uint64_t	us;
	int		r;

	r = buf_put_fmt(out, "{\"count\":%" PRIu64 ",\"sum\":%" PRIu64 ".%06" PRIu64 ",\"buckets\":{",
	    v->up_to[METRIC_BUCKETS - 1], v->sum_us / 1000000, v->sum_us % 1000000);
	for (unsigned b = 0; r == 0 && b < METRIC_BUCKETS; b++)
		if ((us = metric_bound_us(b)) != 0)
			r = buf_put_fmt(out, "\"%" PRIu64 ".%06" PRIu64 "\":%" PRIu64 ",", us / 1000000, us % 1000000,
			    v->up_to[b]);
		else
			r = buf_put_fmt(out, "\"+Inf\":%" PRIu64, v->up_to[b]);
	return r != 0 ? r : buf_put_str(out, "}}");
}

static int
json_samples(const struct sample *samples, size_t n, struct buf *out)
{
	int	r;

	if (n == 1 && samples[0].label == NULL)
		return buf_put_fmt(out, "%" PRIu64, samples[0].value);
	r = buf_put_str(out, "{");
	for (size_t i = 0; r == 0 && i < n; i++)
		r = buf_put_fmt(out, "%s\"%s\":%" PRIu64, i == 0 ? "" : ",", samples[i].label, samples[i].value);
	return r != 0 ? r : buf_put_str(out, "}");
}

static int
json_values(const struct values *v, bool first, struct buf *out)
{
	int	r = buf_put_fmt(out, "%s\n\"mcpgw_%s\":", first ? "{" : ",", v->row->name);

	if (r != 0)
		return r;
	if (v->slab == NULL)
		return json_samples(v->samples, v->count, out);
	return v->row->kind == METRIC_HISTOGRAM ? json_histogram(v->slab, out) :
	    buf_put_fmt(out, "%" PRIu64, v->slab->value);
}

int
scrape_json(const struct scrape *s, struct buf *out)
{
	int	r = put_each(s, json_values, out);

	return r != 0 ? r : buf_put_str(out, "\n}\n");
}
