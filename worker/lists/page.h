/* SPDX-License-Identifier: Apache-2.0
 *
 * page.h - lists for clients, page by page (mcp-wire 14.4)
 */
#ifndef WORKER_LISTS_PAGE_H
#define WORKER_LISTS_PAGE_H

#include "worker/front/request.h"
#include "worker/lists/lists.h"

/* tools/list, prompts/list, resources/list, resources/templates/list of the request's view. */
void	page_list(struct request *rq, enum catalogue_kind kind);
/* Does a server before this one, in the configured order, list the same URI or template to this request?
 * Then it is that one's.  Composed names are never the same. */
bool	page_is_hidden(const struct request *rq, const struct rec_server *server, enum catalogue_kind kind,
	    struct span key);

#endif
