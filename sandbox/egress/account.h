/* SPDX-License-Identifier: Apache-2.0
 *
 * account.h - what a connection leaves in the audit
 */
#ifndef SANDBOX_EGRESS_ACCOUNT_H
#define SANDBOX_EGRESS_ACCOUNT_H

#include "audit/record.h"
#include "sandbox/egress/jail.h"

/* The fields of a begin, or of a refusal; texts stay their owners'. */
void	account_start(const struct jail *j, struct span object, const char *method, const struct verdict *v,
	    struct audit_fields *f);
/* Those of an end.  error may be 0. */
void	account_finish(enum audit_outcome outcome, int error, struct audit_fields *f);
uint64_t account_generation(const struct jail *j);

#endif
