/* SPDX-License-Identifier: Apache-2.0
 *
 * bounds.c - "limits" of a server with a command: what its tool may use of the machine
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  the operator's words, within the bounds of each row.  Whether this machine has a cgroup to
 *          hold memory, pids and cpu is not known here: the spawner says when it has none.
 */
#include <string.h>
#include <sys/resource.h>

#include "policy/compiler/bounds.h"
#include "policy/compiler/typed.h"

#define KiB		UINT64_C(1024)
#define MiB		(KiB * 1024)
#define GiB		(MiB * 1024)

#define NPROC_LEAST	8		/* below, node hangs instead of failing */
#define CPU_LEAST	10		/* thousandths of a processor */
#define CPU_MOST	(1024 * 1000)

struct limit_row {
	const char	*key;		/* NULL: not to be changed */
	uint32_t	 resource;
	uint64_t	 normal, min, max;
};

/* threats-and-jail J7. */
static const struct limit_row limit_rows[] = {
	{ "nofile", RLIMIT_NOFILE, 256, 16, 65536 },
	{ "nproc", RLIMIT_NPROC, 64, NPROC_LEAST, 4096 },
	{ "fsize", RLIMIT_FSIZE, 64 * MiB, 0, 1024 * GiB },
	{ "data", RLIMIT_DATA, 2 * GiB, 16 * MiB, 1024 * GiB },
	{ NULL, RLIMIT_CORE, 0, 0, 0 },
	{ NULL, RLIMIT_MEMLOCK, 64 * KiB, 0, 0 },
	{ NULL, RLIMIT_MSGQUEUE, 0, 0, 0 },
};

struct reading {
	struct server		*sv;
	const struct conf_node	*limits;	/* NULL: none written */
	struct digest		*digest;
};

static bool
read_size(struct reading *r, const char *key, uint64_t min, uint64_t max, uint64_t *out)
{
	return r->limits != NULL && typed_size(r->sv->job, r->sv->source, r->limits, key, min, max, out);
}

/* A number below the least one has a reason worth telling. */
static bool
read_processes(struct reading *r, const char *key, uint64_t max, uint64_t *out)
{
	const struct conf_node	*n = conf_find(r->limits, key);

	if (n != NULL && n->type == JSON_NUMBER && n->text.n == 1 && n->text.p[0] >= '0' &&
	    n->text.p[0] < '0' + NPROC_LEAST) {
		job_error(r->sv->job, r->sv->source, n, "%.*s: want at least %d; with fewer processes and "
		    "threads node hangs instead of failing", SHOWN(n->text), NPROC_LEAST);
		return false;
	}
	return read_size(r, key, NPROC_LEAST, max, out);
}

static uint64_t
put_rlimits(struct reading *r, struct build *b, struct rec_profile *p)
{
	uint64_t	nproc = 0;

	p->rlimit_first = (uint32_t)build_count(b, SECTION_RLIMIT);
	for (size_t i = 0; i < sizeof(limit_rows) / sizeof(limit_rows[0]); i++) {
		const struct limit_row	*row = &limit_rows[i];
		struct rec_rlimit	 l = { .resource = row->resource, .value = row->normal };

		if (row->resource == RLIMIT_NPROC)
			(void)read_processes(r, row->key, row->max, &l.value);
		else if (row->key != NULL)
			(void)read_size(r, row->key, row->min, row->max, &l.value);
		if (row->resource == RLIMIT_NPROC)
			nproc = l.value;
		put_record(b, SECTION_RLIMIT, &l);
		p->rlimit_count++;
		digest_number(r->digest, l.resource);
		digest_number(r->digest, l.value);
	}
	return nproc;
}

/* "0.5", 2, 1.25: thousandths of a processor.  False when it is none. */
static bool
processors_parse(struct span text, uint64_t *out)
{
	uint64_t	v = 0, unit = 1000;
	bool		point = false;

	if (text.n == 0 || text.n > 8 || text.p[0] == '.' || text.p[text.n - 1] == '.')
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '.' && !point) {
			point = true;
			continue;
		}
		if (c < '0' || c > '9' || (point && unit == 1))
			return false;
		if (point)
			unit /= 10;
		v = v * 10 + (uint64_t)(c - '0');
	}
	*out = v * unit;
	return true;
}

static bool
read_processors(struct reading *r, uint64_t *out)
{
	const struct conf_node	*n = conf_find(r->limits, "cpu");
	uint64_t		 v = 0;

	if (n == NULL)
		return false;
	if ((n->type != JSON_NUMBER && n->type != JSON_STRING) || !processors_parse(n->text, &v) ||
	    v < CPU_LEAST || v > CPU_MOST) {
		job_error(r->sv->job, r->sv->source, n, "%.*s: want a number of processors, such as 0.5, from "
		    "0.01 to 1024", SHOWN(n->text));
		return false;
	}
	*out = v;
	return true;
}

static bool
keeps_state(uint32_t isolation)
{
	return isolation != ISOLATION_SESSION && isolation != ISOLATION_CALL;
}

void
bounds_read(struct server *sv, struct build *b, struct digest *digest, struct rec_profile *p)
{
	static const char *const	keys[] = { "nofile", "nproc", "fsize", "data", "memory", "pids", "cpu",
					    "tmp", "state", NULL };
	struct reading			r = { .sv = sv, .digest = digest };
	uint64_t			memory = GiB, pids, cpu = 0, tmp = 64 * MiB, state = 0;

	if (typed_list(sv->job, sv->source, sv->node, "limits", JSON_OBJECT, false, &r.limits))
		typed_keys(sv->job, sv->source, r.limits, keys);
	pids = put_rlimits(&r, b, p) + 1;	/* the jail's init beside them */
	if (read_size(&r, "memory", 16 * MiB, 1024 * GiB, &memory))
		p->written |= LIMIT_MEMORY;
	if (read_processes(&r, "pids", 65536, &pids))
		p->written |= LIMIT_PIDS;
	if (read_processors(&r, &cpu))
		p->written |= LIMIT_CPU;
	/* A home in memory is as large as /tmp unless it says otherwise. */
	if (!read_size(&r, "state", 64 * KiB, 1024 * GiB, &state) && keeps_state(sv->rec.isolation))
		state = job_number(sv->job, PARAM_ID_state_quota);
	p->state_bytes = state;
	p->tenant_bytes = job_number(sv->job, PARAM_ID_state_quota_tenant);
	(void)read_size(&r, "tmp", 64 * KiB, 2 * GiB, &tmp);
	if (p->written != 0)
		sv->rec.flags |= SERVER_FLAG_CGROUP_LIMITS;
	p->memory_bytes = memory;
	p->pids = (uint32_t)pids;
	p->cpu_milli = (uint32_t)cpu;
	p->tmp_bytes = (uint32_t)tmp;
	digest_number(digest, memory);
	digest_number(digest, pids);
	digest_number(digest, cpu);
	digest_number(digest, tmp);
	digest_number(digest, state);
	digest_number(digest, p->written);
}
