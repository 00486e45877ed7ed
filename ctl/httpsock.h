/* SPDX-License-Identifier: Apache-2.0
 *
 * httpsock.h - one HTTP/1.1 request over the gateway's unix socket, and its whole answer
 */
#ifndef CTL_HTTPSOCK_H
#define CTL_HTTPSOCK_H

#include "lib/buf.h"

#define HTTPSOCK_MAX	(64u * 1024 * 1024)

struct http_answer {
	unsigned	status;
	struct buf	raw, event;	/* back body */
	struct span	body;		/* without framing; of text/event-stream the data of the last event */
};

/* POSTs with Connection: close.  `fields` are more header lines, each ended by CR LF.  0; E_NOTFOUND:
 * nobody listens there; E_DENIED; E_CLOSED, E_FORMAT: no whole answer; E_TOOBIG, E_NOMEM, E_SYS. */
must_check int	httpsock_post(const char *socket_path, struct span target, struct span fields,
		    struct span body, struct http_answer *out);
void		http_answer_fini(struct http_answer *a);

#endif
