/* SPDX-License-Identifier: Apache-2.0
 *
 * metasearch.h - search_tools: the tools that an agent may call, by words of what they do
 */
#ifndef WORKER_META_METASEARCH_H
#define WORKER_META_METASEARCH_H

#include "worker/meta/metaargs.h"

/* Answers now or in a later turn.  server: search only there; NULL: in all that this request sees. */
void	metasearch_begin(struct request *rq, const struct meta_args *args, const struct rec_server *server);

#endif
