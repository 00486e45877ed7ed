/* SPDX-License-Identifier: Apache-2.0
 *
 * meta_priv.h - what the files of the gateway's own tools share
 */
#ifndef WORKER_META_META_PRIV_H
#define WORKER_META_META_PRIV_H

#include "worker/call/record.h"
#include "worker/meta/meta.h"
#include "worker/meta/metaargs.h"
#include "worker/meta/metatools.h"

/* metareply.c */
/* JSON as a tool's result. */
void	meta_reply_json(struct request *rq, struct span json, bool is_error);
/* What was written, which goes, or the error that writing it met. */
void	meta_reply_built(struct request *rq, int r, struct buf *json, bool is_error);
/* {"code":...,"message":...,"rule":...}: seed 001's error object; with retry_after_ms unless that is 0. */
must_check int	meta_put_error(struct buf *b, const struct request *rq, int err, struct span detail,
		    struct span rule, uint64_t retry_after_ms);
/* No tools but this error, as a result of get_server_tools or search_tools: there policy failures are no
 * tool errors (seed 001). */
void	meta_reply_no_tools(struct request *rq, enum meta_tool tool, const struct meta_args *args, int err,
	    struct span detail, struct span rule);
/* The one record of one that was answered, given up by its client, or refused. */
void	meta_record(struct request *rq, enum meta_tool tool, const struct rec_server *server);
void	meta_record_given_up(struct request *rq, enum meta_tool tool, const struct rec_server *server);
void	meta_record_refused(struct request *rq, const struct record_what *what, int err);

#endif
