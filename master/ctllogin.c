/* SPDX-License-Identifier: Apache-2.0
 *
 * ctllogin.c - server login, server logout, and what is known of logins: asked of mcpgw-scout
 *
 * Process: master.
 * Owns:    nothing.
 * Trusts:  the caller, who passed ctlsock.c; texts of both sides pass unread.
 */
#include <sysexits.h>

#include "lib/log.h"
#include "master/ctlconn.h"
#include "master/master.h"

void
ctllogin_run(struct ctl_conn *c, uint32_t what, const struct msg_CTL *b)
{
	struct master		*m = c->s->m;
	const struct msg_LOGIN	 login = { .what = what, .server = b->a, .tenant = b->b, .argument = b->c };

	struct span		 server = b->a, who = SPAN_NONE;

	for (size_t i = 0; i < b->a.n; i++)
		if (b->a.p[i] == '\n') {
			server = span_part(b->a, 0, i);
			who = span_part(b->a, i + 1, b->a.n);
			break;
		}
	if (what != LOGIN_STATE)
		log_notice(NULL, "mcpgwctl server log%s %.*s%s%.*s by uid %u", what == LOGIN_OUT ? "out" : "in",
		    SPAN_FMT(server), who.n > 0 ? " of " : "", SPAN_FMT(who), c->uid);
	c->ref = status_new_ref(&m->status);
	c->wait = CTL_WAIT_SCOUT;
	if (m->scout.state == CHILD_READY && child_send(&m->scout, MSG_TYPE_LOGIN, c->ref, &login, NULL, 0) == 0)
		return;
	if (what == LOGIN_STATE)
		ctl_done(c, 0);
	else
		ctlcmd_on_lost(c, "mcpgw-scout");
}

void
ctllogin_on_answer(struct ctl_conn *c, const struct msg_LOGIN_IS *b)
{
	struct msg_CTL_LOGIN	m = { .text = b->text, .issuer = b->issuer };

	if (b->exit_code != 0) {
		ctl_refuse(c, b->exit_code, "%.*s", SPAN_FMT(b->text));
		return;
	}
	ctl_done(c, ctl_send(c, MSG_TYPE_CTL_LOGIN, &m, NULL, 0) == 0 ? 0 : EX_TEMPFAIL);
}
