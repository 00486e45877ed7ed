/* SPDX-License-Identifier: Apache-2.0
 *
 * certs.h - TLS of the gateway's own: CERT, CHAIN, CERTNAME and TRUST, and keys among the workers' secrets
 */
#ifndef POLICY_COMPILER_CERTS_H
#define POLICY_COMPILER_CERTS_H

#include "policy/compiler/job.h"

void	certs_read(struct job *j);

#endif
