/* SPDX-License-Identifier: Apache-2.0
 *
 * servers.h - servers.json: SERVER, SERVER_BY_NAME, and what each kind of server needs
 */
#ifndef POLICY_COMPILER_SERVERS_H
#define POLICY_COMPILER_SERVERS_H

#include "policy/compiler/job.h"

/* Reads servers_file; job->servers is filled for rules to look names up. */
void	servers_read(struct job *j);
/* What is done only for a text without errors (names to addresses, filters); then the text goes. */
void	servers_finish(struct job *j);

#endif
