/* SPDX-License-Identifier: Apache-2.0
 *
 * filter.h - the tools' system call filters: a tier and a net to a BPF program (threats-and-jail J5)
 *
 * The rows are in tables/syscalls.def.  The result goes into SECTION_FILTER and SECTION_BPF of a
 * tenant's profile snapshot; the tool's own branch loads it with a bare seccomp().
 */
#ifndef POLICY_COMPILER_FILTER_H
#define POLICY_COMPILER_FILTER_H

#include "lib/err.h"
#include "policy/records.h"

#define FILTER_MAX	4096		/* instructions the kernel takes */

struct filter {
	char		 name[32];	/* "runtime/none" */
	struct rec_bpf	*code;		/* owned; same layout as struct sock_filter */
	size_t		 count;
	bool		 listener;	/* load with SECCOMP_FILTER_FLAG_NEW_LISTENER */
};

/* 0; E_RANGE for TIER_OFF, which has none; E_NOMEM; E_SYS. */
must_check int	filter_make(enum jail_tier tier, enum jail_net net, struct filter *out);
void		filter_fini(struct filter *f);

#endif
