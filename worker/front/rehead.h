/* SPDX-License-Identifier: Apache-2.0
 *
 * rehead.h - the head of another request in the name of the same client
 */
#ifndef WORKER_FRONT_REHEAD_H
#define WORKER_FRONT_REHEAD_H

#include "http/head.h"
#include "lib/buf.h"

/* METHOD path with what `from` says of who the client is, where it comes from and which revision it speaks, and
 * nothing else of it; this session unless empty, and a body of so many bytes of JSON.  It reads what any answer
 * of ours may be.  Appends to `to`, which out's spans are borrowed from.  0, E_HTTP_HEAD: it is too large, or what
 * the parser says. */
must_check int	rehead_write(struct buf *to, const struct http_head *from, const char *method, struct span path,
		    struct span session, size_t body_bytes, struct http_head *out);

#endif
