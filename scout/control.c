/* SPDX-License-Identifier: Apache-2.0
 *
 * control.c - the master's channel: birth, snapshots, what was found, the end
 *
 * Process: mcpgw-scout.  Owns: the channel; when and how the process ends.
 * Trusts:  the master; ipc/chan.c has checked that each message may come now.
 */
#include <stdlib.h>
#include <sysexits.h>

#include "http/tls.h"
#include "ipc/birth.h"
#include "ipc/heritage.h"
#include "ipc/life.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "policy/params.h"
#include "sandbox/confine.h"
#include "scout/accounts.h"
#include "scout/control.h"
#include "scout/keysets.h"
#include "scout/names.h"
#include "scout/vault.h"
#include "scout/visits.h"
#include "upstream/errand.h"

int
control_catalogue(struct scout *s, int fd, uint64_t generation, uint64_t length)
{
	struct msg_CATALOGUE_MADE	m = { .generation = generation, .length = length };

	return chan_send(&s->master, MSG_TYPE_CATALOGUE_MADE, 0, &m, &fd, 1);
}

int
control_tokens(struct scout *s, int fd, uint64_t generation, uint64_t length)
{
	struct msg_TOKENS_MADE	m = { .generation = generation, .length = length };

	return chan_send(&s->master, MSG_TYPE_TOKENS_MADE, 0, &m, &fd, 1);
}

void
control_keep(struct scout *s, struct span tenant, struct span server, struct span issuer, struct span bytes)
{
	struct msg_GRANT_KEEP	m = { .tenant = tenant, .server = server, .issuer = issuer };
	int			fd = -1, r;

	if ((r = fd_memfd_sealed("grant", bytes, &fd)) == 0)
		r = chan_send(&s->master, MSG_TYPE_GRANT_KEEP, 0, &m, &fd, 1);
	if (r != 0)
		log_err(NULL, "server %.*s: its login is not kept: %s", SPAN_FMT(server), err_text(r));
	fd_close(&fd);
}

void
control_login(struct scout *s, uint64_t ref, int exit_code, struct span text, struct span issuer)
{
	struct msg_LOGIN_IS	m = { .exit_code = exit_code, .text = text, .issuer = issuer };

	chan_tell(&s->master, MSG_TYPE_LOGIN_IS, ref, &m);
}

int
control_keysets(struct scout *s, int fd, uint64_t generation, uint64_t length)
{
	struct msg_KEYSETS_MADE	m = { .generation = generation, .length = length };

	return chan_send(&s->master, MSG_TYPE_KEYSETS_MADE, 0, &m, &fd, 1);
}

int
control_vault(struct scout *s, int fd, uint64_t generation, uint64_t length)
{
	struct msg_VAULT_MADE	m = { .generation = generation, .length = length };

	return chan_send(&s->master, MSG_TYPE_VAULT_MADE, 0, &m, &fd, 1);
}

void
control_report(struct scout *s, struct span tenant, struct span server, const char *error)
{
	struct msg_SERVER_STATE	m = { .tenant = tenant, .server = server, .tools = SERVER_TOOLS_UNKNOWN,
	    .state = error[0] == '\0' ? SERVER_STATE_IDLE : SERVER_STATE_BROKEN, .error = span_of(error) };

	chan_tell(&s->master, MSG_TYPE_SERVER_STATE, 0, &m);
}

/* ---- snapshots --------------------------------------------------------------------------------- */

static void
apply(struct scout *s)
{
	struct snap	*policy = s->snaps.current[SNAP_POLICY];
	struct params	 p;
	const bool	 loaded = params_load(policy, &p) == 0;	/* take_snapshot() has seen to that */

	if (loaded) {
		s->connect_ms = p.connect_timeout;
		s->check_ms = p.upstream_check;
		errands_set_connect_ms(s->errands, p.connect_timeout);
		log_set_level((enum log_level)(LOG_LEVEL_ERR + p.log_level));
		if (resolver_set_servers(s->resolver, p.upstream_dns) != 0)
			log_err(NULL, "upstream_dns = %.*s: want ADDRESS:PORT, separated by blanks; those before are "
			    "asked", SPAN_FMT(p.upstream_dns));
	}
	/* Visits look at names, whose answers look at visits: both are of one policy when the loop turns. */
	names_set_policy(s->names, policy, s->snaps.current[SNAP_CATALOGUE]);
	visits_set_policy(s->visits, policy);
	accounts_set_policy(s->accounts);
	vault_set_policy(s->vault);
	if (loaded)
		keysets_table_set_policy(s->keysets, policy, &p, s->snaps.current[SNAP_KEYSETS]);
}

static int
take_snapshot(struct scout *s, const struct msg_SNAPSHOT_OFFER *m, int fd)
{
	struct snap	*before = swap_hold(&s->snaps, (enum snap_kind)m->kind);
	struct params	 params;
	int		 r;

	r = m->kind != SNAP_POLICY && m->kind != SNAP_CATALOGUE && m->kind != SNAP_KEYSETS && m->kind != SNAP_SECRETS &&
	    m->kind != SNAP_GRANTS && m->kind != SNAP_VAULT ? E_FORMAT :
	    swap_offer(&s->snaps, fd, m->kind, m->generation, m->length);
	if (r == 0 && m->kind == SNAP_POLICY && (r = params_load(s->snaps.current[SNAP_POLICY], &params)) != 0)
		swap_restore(&s->snaps, SNAP_POLICY, &before);
	snap_release(&before);
	if (r == 0 && m->kind == SNAP_POLICY && s->ready)
		apply(s);
	return r;
}

static void
on_snapshot(struct scout *s, const struct chan_msg *m)
{
	chan_answer_offer(&s->master, m, take_snapshot(s, &m->body->SNAPSHOT_OFFER, m->fds[0]));
}

/* ---- birth and end ----------------------------------------------------------------------------- */

static void
on_boot(struct scout *s, const struct msg_BOOT *m)
{
	/* Later than any of those before. */
	s->made = s->made_keys = s->serials = (uint64_t)m->incarnation << 32;
	birth_log_level(m->flags);
}

static void
on_go(struct scout *s)
{
	int	r;

	if (s->snaps.current[SNAP_POLICY] == NULL)
		fatal(EX_SOFTWARE, "the master sent GO before a policy");
	tls_client_prepare();
	if ((r = confine_process(CONFINE_SCOUT, NULL, NULL)) != 0)
		fatal(EX_OSERR, "confinement: %s", err_text(r));
	life_begin(&s->master, snap_head(s->snaps.current[SNAP_POLICY])->generation);
	s->ready = true;
	apply(s);
}

static void
on_master_gone(struct chan *c, int why, void *arg)
{
	struct scout	*s = arg;

	(void)c;
	(void)why;
	if (!s->ready)
		exit(EX_UNAVAILABLE);
	loop_stop(s->loop);
}

static void
on_master(struct chan *c, const struct chan_msg *m, void *arg)
{
	struct scout	*s = arg;

	if (life_heard(c, m))
		return;
	switch (m->type) {
	case MSG_TYPE_BOOT:
		on_boot(s, &m->body->BOOT);
		break;
	case MSG_TYPE_SNAPSHOT_OFFER:
		on_snapshot(s, m);
		break;
	case MSG_TYPE_GO:
		on_go(s);
		break;
	case MSG_TYPE_KEYSET_WANTED:
		keysets_table_want(s->keysets, m->body->KEYSET_WANTED.id, m->body->KEYSET_WANTED.now != 0);
		break;
	case MSG_TYPE_TOKEN_WANTED:
		accounts_on_wanted(s->accounts, &m->body->TOKEN_WANTED);
		break;
	case MSG_TYPE_USER_TOKEN_WANTED:
		accounts_on_user_wanted(s->accounts, &m->body->USER_TOKEN_WANTED);
		break;
	case MSG_TYPE_LOGIN:
		login_on_message(s->accounts, m->ref, &m->body->LOGIN);
		break;
	case MSG_TYPE_DRAIN:
		loop_stop(s->loop);	/* nobody waits for what it does */
		break;
	default:
		break;		/* the table allows it to children; it means nothing here */
	}
}

int
control_init(struct scout *s)
{
	return chan_init(&s->master, s->loop, HERITAGE_CONTROL, ROLE_SCOUT, ROLE_MASTER, on_master, on_master_gone, s);
}

void
control_fini(struct scout *s)
{
	life_end(&s->master, s->exit_code);
}
