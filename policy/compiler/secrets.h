/* SPDX-License-Identifier: Apache-2.0
 *
 * secrets.h - SECRET records: values that may be in no other snapshot
 */
#ifndef POLICY_COMPILER_SECRETS_H
#define POLICY_COMPILER_SECRETS_H

#include "policy/compiler/job.h"

/* b is job->worker_secrets (HTTP headers), job->scout_secrets (for authorization servers) or job->tenant_secrets
 * (environment values). */
void	secret_put(const struct job *j, struct build *b, struct span server, struct span name, struct span value);
/* By tenant and server, as they are looked up.  0 or E_NOMEM. */
must_check int	secrets_sort(struct build *b);
/* For `mcpgw -t`: opens the tenant's secrets/NAME, a credential, certs/NAME itself, as the caller; arg is the job. */
int	secret_open_directly(const char *name, const char **why, void *arg);
int	cred_open_directly(const char *name, const char **why, void *arg);
int	cert_open_directly(const char *name, const char **why, void *arg);

#endif
