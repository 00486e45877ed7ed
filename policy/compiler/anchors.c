/* SPDX-License-Identifier: Apache-2.0
 *
 * anchors.c - whom an https server's certificate must lead to: ANCHOR records
 *
 * Process: mcpgw-compile.  Owns: the sets of this job, one for each file that was read.
 * Trusts:  the operator's files.  A certificate that does not parse makes the whole file useless.
 */
#include <stdlib.h>

#include "lib/cert.h"
#include "lib/sum.h"
#include "policy/compiler/expand.h"
#include "policy/compiler/files.h"
#include "policy/compiler/server.h"
#include "policy/compiler/typed.h"
#include "policy/compiler/vars.h"

#define FILE_MAX	(8 * 1024 * 1024)
#define ANCHORS_MAX	4096		/* of one file */

struct gather {
	struct job		*job;
	struct rec_anchor	*all;
	size_t			 count;
	uint64_t		 digest;
};

static int
on_certificate(struct span der, uint32_t subject, void *arg)
{
	struct gather	*g = arg;

	if (g->count == ANCHORS_MAX)
		return E_FULL;
	g->all = list_more(g->all, g->count, sizeof(*g->all));
	g->all[g->count++] = (struct rec_anchor){ .subject = subject, .der = put_text(g->job->policy, der) };
	g->digest = sum64_more(g->digest, der);
	return 0;
}

static int
anchor_cmp(const void *a, const void *b)
{
	const struct rec_anchor	*x = a, *y = b;

	if (x->subject != y->subject)
		return x->subject < y->subject ? -1 : 1;
	return x->der.at < y->der.at ? -1 : x->der.at > y->der.at;
}

/* A secret of ours could stand in it by mistake, so the text is not kept, and nothing of it is said. */
static void
set_read(struct job *j, struct anchor_set *set)
{
	struct gather	 g = { .job = j };
	const char	*why = NULL;
	char		*text;
	size_t		 bytes;
	int		 r;

	if ((r = file_read(j, set->path.p, FILE_MAX, &text, &bytes, &why)) != 0) {
		set->absent = r == E_NOTFOUND;
		set->why = job_fmt(j, "%s", why);
		return;
	}
	if ((r = cert_each(span_make(text, bytes), on_certificate, &g, &why)) != 0)
		set->why = r == E_FULL ? "holds more than 4096 certificates" : why != NULL ? why : err_text(r);
	free(text);
	if (set->why == NULL) {
		qsort(g.all, g.count, sizeof(*g.all), anchor_cmp);
		set->first = (uint32_t)build_count(j->policy, SECTION_ANCHOR);
		set->count = (uint32_t)g.count;
		set->digest = g.digest;
		for (size_t i = 0; i < g.count; i++)
			put_record(j->policy, SECTION_ANCHOR, &g.all[i]);
	}
	free(g.all);
}

static const struct anchor_set *
set_find(struct job *j, struct span path, bool *known)
{
	struct anchor_set	*set;

	for (size_t i = 0; i < j->anchor_count; i++)
		if (span_eq(j->anchors[i].path, path)) {
			*known = true;
			return &j->anchors[i];
		}
	*known = false;
	j->anchors = list_more(j->anchors, j->anchor_count, sizeof(*j->anchors));
	set = &j->anchors[j->anchor_count++];
	*set = (struct anchor_set){ .path = job_dup(j, path) };
	set_read(j, set);
	return set;
}

/* The file of the parameter.  That nobody has put the usual one there is no mistake in a configuration. */
static const struct anchor_set *
usual(struct server *sv, const struct conf_node *url)
{
	struct job		*j = sv->job;
	const struct setting	*setting = &j->settings[PARAM_ID_upstream_ca_file];
	const struct anchor_set	*set;
	bool			 known;

	if (setting->wrong)
		return NULL;
	set = set_find(j, job_value(j, PARAM_ID_upstream_ca_file), &known);
	if (set->why == NULL)
		return set;
	if (set->absent && strcmp(setting->source, "default") == 0)
		server_down(sv, url, "nobody is trusted for https: %.*s is not there; install ca-certificates, or set "
		    "upstream_ca_file", SHOWN(set->path));
	else if (!known)
		setting_error(j, PARAM_ID_upstream_ca_file, "%.*s: %s", SHOWN(set->path), set->why);
	return NULL;
}

bool
anchors_of_setting(struct job *j, enum param_id id, uint32_t *first, uint32_t *count)
{
	const struct anchor_set	*set;
	bool			 known;

	if (j->settings[id].wrong)
		return false;
	set = set_find(j, job_value(j, id), &known);
	if (set->why != NULL) {
		setting_error(j, id, "%.*s: %s", SHOWN(set->path), set->why);
		return false;
	}
	*first = set->first;
	*count = set->count;
	return true;
}

void
anchors_read(struct server *sv, const struct conf_node *url, struct digest *d)
{
	struct job		*j = sv->job;
	const struct conf_node	*ca = NULL;
	const struct anchor_set	*set;
	struct vars_value	 v;
	bool			 known;

	if (!typed_string(j, sv->source, sv->node, "ca", &ca)) {
		if (conf_find(sv->node, "ca") != NULL || (set = usual(sv, url)) == NULL)
			return;
	} else {
		if (!vars_expand(j, sv->source, ca, false, &v))
			return;
		if (v.missing) {
			server_down(sv, ca, "%s", v.why);
			return;
		}
		if (v.text.n == 0) {
			job_error(j, sv->source, ca, "want the name of a file of certificates (PEM)");
			return;
		}
		set = set_find(j, v.text, &known);
		if (set->why != NULL) {
			job_error(j, sv->source, ca, "%.*s: %s", SHOWN(set->path), set->why);
			return;
		}
	}
	sv->rec.anchor_first = set->first;
	sv->rec.anchor_count = set->count;
	digest_number(d, set->digest);
}
