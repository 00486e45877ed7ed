/* SPDX-License-Identifier: Apache-2.0
 *
 * view.h - what a request may see: servers, and tools under the names of its view
 *
 * Everything here asks decide(): what is listed is exactly what may be called.
 */
#ifndef WORKER_LISTS_VIEW_H
#define WORKER_LISTS_VIEW_H

#include "worker/front/request.h"
#include "worker/lists/lists.h"

/* May this request's agent see the server at all? */
bool		view_sees_server(const struct request *rq, const struct rec_server *server);
/* Does it, or would it with one scope more?  Then what is asked for there is refused with that scope's name. */
bool		view_meets_server(const struct request *rq, const struct rec_server *server);
/* The servers in view, one after the other, from *at = 0 on; NULL at the end. */
const struct rec_server *view_next_server(const struct request *rq, uint64_t *at);
/* Whose instance lists the tools for this request.  An instance per call or session would start a
 * tool for each list: those are listed by one per principal. */
struct list_owner view_list_instance(const struct request *rq, const struct rec_server *server);
/* Does the view show every server's things of this kind in one list? */
bool		view_merges(unsigned view, enum catalogue_kind kind);
/* May this request's agent see anything of the kind there?  Of tools each has its own decision. */
bool		view_sees_kind(const struct request *rq, const struct rec_server *server,
		    enum catalogue_kind kind);
/* Has the server said that it has none of the kind?  Then it is not asked. */
bool		view_may_have(const struct request *rq, const struct rec_server *server,
		    enum catalogue_kind kind);
/* What the server's URIs begin with in this view (mcp/uris.h), in the request's arena; empty: they are as they
 * are, or there was no memory. */
struct span	view_uris(const struct request *rq, const struct rec_server *server);
/* Does the view show this one under another beginning? */
bool		view_rewrites(const struct request *rq, const struct rec_server *server, struct span uri);
/* The server that a rewritten URI names, and its own one; NULL when it names none.  Policy was not asked. */
const struct rec_server *view_server_of_uri(const struct request *rq, struct span uri, struct span *own);
/* Waits for the lists of every server this request sees (of its one server in a server's view). */
void		view_want_all(struct request *rq, struct lists_wait *wait, enum catalogue_kind kind);

/* The server whose prefix the name begins with, split at the first "__"; *rest is what follows.  The
 * server without a prefix takes what has none.  NULL when there is none; policy was not asked. */
const struct rec_server *view_server_of_name(struct request *rq, struct span shown, struct span *rest);
/* tools/call of `name` as shown in the view. */
void		view_call(struct request *rq, struct span name);

#endif
