/* SPDX-License-Identifier: Apache-2.0
 *
 * shake.c - the beginning of a client connection with TLS
 *
 * Process: worker.  Owns: nothing beside its connection.
 * Trusts:  no client: a handshake has a time limit, a turn of the loop has few of them, and what is none ends its
 *          connection and nothing else.
 */
#include "http/conn_priv.h"
#include "lib/log.h"

#define PER_TURN	8	/* steps; a whole handshake is two, and 0.2 to 0.4 ms */

static void
give_up(struct conn *c, int why)
{
	struct conn_set	*s = c->set;

	s->count.handshakes_failed++;
	if (why == E_HTTP_TLS) {
		/* It cannot read what we would encrypt. */
		s->tls.free(&c->tls);
		conn_refuse(c, E_HTTP_TLS);
		return;
	}
	if (why != E_CLOSED)
		log_warn_repeat(NULL, "a client is refused in its TLS handshake: %s", why == E_SERVER ?
		    s->tls.why(c->tls) : err_text(why));
	/* The alert is with the kernel; closing over unread bytes would reset it away. */
	conn_linger(c);
	conn_watch(c);
}

void
conn_shake(struct conn *c)
{
	struct conn_set	*s = c->set;
	int		 r;

	/* Those whose turn it is not stay ready, and come in the next one. */
	if (s->shakes == PER_TURN)
		return;
	s->shakes++;
	r = s->tls.handshake(c->tls, &c->shake_writes);
	if (r == E_AGAIN) {
		conn_watch(c);
		return;
	}
	c->shake_writes = false;
	if (r != 0) {
		give_up(c, r);
		return;
	}
	s->count.handshakes++;
	s->count.resumed += s->tls.is_resumed(c->tls);
	conn_move(c, CONN_FRESH);
	conn_watch(c);
}
