/* SPDX-License-Identifier: Apache-2.0
 *
 * rlimit.c - resource limits of a tool
 *
 * Process: the branch that becomes a tool.  Owns: nothing.
 * Trusts:  the profile, as far as rlimit_fault() lets it.
 */
#include <sys/resource.h>

#include "sandbox/rlimit.h"

#define KIB	UINT64_C(1024)
#define MIB	(KIB * 1024)

static const struct jail_rlimit built_in[] = {
	{ RLIMIT_NOFILE, 256 },
	{ RLIMIT_CORE, 0 },
	{ RLIMIT_FSIZE, 64 * MIB },
	{ RLIMIT_NPROC, 64 },
	{ RLIMIT_MEMLOCK, 64 * KIB },
	{ RLIMIT_MSGQUEUE, 0 },
	{ RLIMIT_NICE, 0 },
	{ RLIMIT_RTPRIO, 0 },
};

const char *
rlimit_fault(const struct jail_rlimit *limits, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (limits[i].resource < 0 || limits[i].resource >= (int)RLIM_NLIMITS)
			return "unknown resource";
		if (limits[i].resource == RLIMIT_NPROC && limits[i].value < RLIMIT_NPROC_LEAST)
			return "fewer than 8 processes: node would hang instead of failing";
	}
	return NULL;
}

static int
apply_one(const struct jail_rlimit *l)
{
	struct rlimit	now, want = { l->value, l->value };

	if (getrlimit((__rlimit_resource_t)l->resource, &now) == -1)
		return E_SYS;
	if (want.rlim_max > now.rlim_max)
		want.rlim_cur = want.rlim_max = now.rlim_max;
	return setrlimit((__rlimit_resource_t)l->resource, &want) == -1 ? E_SYS : 0;
}

int
rlimit_apply(const struct jail_rlimit *limits, size_t count)
{
	int	r;

	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++) {
		const struct jail_rlimit *l = &built_in[i];

		/* The last row of a resource wins, and a limit once lowered stays low. */
		for (size_t k = 0; k < count; k++)
			if (limits[k].resource == built_in[i].resource)
				l = &limits[k];
		if ((r = apply_one(l)) != 0)
			return r;
	}
	for (size_t k = 0; k < count; k++)
		if ((r = apply_one(&limits[k])) != 0)
			return r;
	return 0;
}
