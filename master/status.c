/* SPDX-License-Identifier: Apache-2.0
 *
 * status.c - what children report, and what their deaths mean for others
 *
 * Process: master.
 * Owns:    the last that was heard of each server.
 * Trusts:  nothing a child says: chan.c has checked that this role may say it now; here it is kept
 *          for status, or handed to the file that asked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/master.h"
#include "master/probe.h"
#include "master/segments.h"
#include "master/sessions.h"

void
status_init(struct status *s)
{
	*s = (struct status){ 0 };
}

void
status_fini(struct status *s)
{
	free(s->servers);
	status_init(s);
}

uint64_t
status_new_ref(struct status *s)
{
	return ++s->last_ref;
}

static void
text_keep(char *to, size_t room, struct span from)
{
	snprintf(to, room, "%.*s", SPAN_FMT(from));
}

static struct server_status *
server_find(struct status *s, struct span tenant, struct span name)
{
	struct server_status	*more;
	size_t			 room;

	for (size_t i = 0; i < s->server_count; i++)
		if (span_is(tenant, s->servers[i].tenant) && span_is(name, s->servers[i].name))
			return &s->servers[i];
	if (s->server_count == STATUS_SERVERS_MAX)
		return NULL;
	if (s->server_count == s->server_room) {
		room = s->server_room * 2 + 16;
		if ((more = realloc(s->servers, room * sizeof(*more))) == NULL)
			return NULL;
		s->servers = more;
		s->server_room = room;
	}
	s->servers[s->server_count] = (struct server_status){ .state = SERVER_STATE_IDLE };
	return &s->servers[s->server_count++];
}

static void
answer_server_state(struct child *c, const struct msg_SERVER_STATE *b)
{
	struct server_status	*s;
	/* A runner speaks for its own tenant only. */
	struct span		 tenant = c->tenant == NULL ? b->tenant : span_of(c->tenant->name);

	if (tenant.n >= sizeof(s->tenant) || b->server.n == 0 || b->server.n >= sizeof(s->name) ||
	    b->state >= SERVER_STATE_LIMIT || (s = server_find(&c->m->status, tenant, b->server)) == NULL)
		return;
	text_keep(s->tenant, sizeof(s->tenant), tenant);
	text_keep(s->name, sizeof(s->name), b->server);
	if (b->tools != SERVER_TOOLS_UNKNOWN)
		s->tools = b->tools;
	if (c->role == ROLE_WORKER && s->has_runner)
		return;
	/* It says that it could not connect, and when it can again; what calls came to is not its business. */
	if (c->role == ROLE_SCOUT && b->error.n == 0 && !s->by_scout)
		return;
	s->by_scout = c->role == ROLE_SCOUT && b->error.n > 0;
	s->has_runner = c->role == ROLE_RUNNER;
	text_keep(s->error, sizeof(s->error), b->error);
	s->state = b->state;
	s->instances = b->instances;
	s->next_try_ms = b->next_try_ms;
}

void
status_tenant_down(struct status *s, const char *tenant)
{
	for (size_t i = 0; i < s->server_count; i++)
		if (strcmp(s->servers[i].tenant, tenant) == 0) {
			s->servers[i].state = SERVER_STATE_IDLE;
			s->servers[i].instances = 0;
		}
}

static void
answer_in_force(struct child *c, const struct msg_SNAPSHOT_IN_FORCE *b)
{
	if (b->kind < SNAP_KIND_LIMIT && b->generation > c->in_force[b->kind])
		c->in_force[b->kind] = b->generation;
	reload_look(&c->m->reload);
	heir_look(c->m);
	if (b->kind == SNAP_PINS)
		pins_look(c->m);
}

static void
answer_refused(struct child *c, const struct msg_SNAPSHOT_REFUSED *b)
{
	const struct log_subject	*s = child_subject(c);
	char				 who[64];

	log_err(s, "snapshot of kind %u, generation %llu refused: %s", b->kind,
	    (unsigned long long)b->generation, err_text(b->error));
	snprintf(who, sizeof(who), "%s %s", s->kind, s->name);
	reload_on_refused(&c->m->reload, who, b->kind, b->generation);
	/* It must not serve on by the one before. */
	if (c->role == ROLE_WORKER && upgrade_is_over_to_other(c->m))
		stop_hurry(c->m);
}

static void
answer_ready(struct child *c)
{
	child_is_ready(c);
	switch (c->role) {
	case ROLE_ADMIN:
		if (c->m->holds)
			hold_tell(c);
		break;
	case ROLE_WORKER:
		if (c->m->holds)
			hold_tell(c);
		approvals_tell(&c->m->approvals, c);
		probe_tell(c);
		reload_look(&c->m->reload);
		break;
	case ROLE_SPAWNER:
	case ROLE_RUNNER:
		if (c->tenant != NULL)
			runners_on_ready(c);
		break;
	case ROLE_EGRESS:
		egress_on_ready(c->m);
		break;
	case ROLE_AUDITOR:
		adminlog_on_auditor(&c->m->adminlog);
		break;
	default:
		break;
	}
}

static void
answer_audit_state(struct status *s, const struct msg_AUDIT_STATE *b)
{
	char	before[STATUS_TEXT];

	snprintf(before, sizeof(before), "%s", s->audit_trouble);
	s->audit_behind = b->behind;
	text_keep(s->audit_trouble, sizeof(s->audit_trouble), b->error == 0 ? SPAN_NONE : b->why);
	if (s->audit_trouble[0] != '\0' && strcmp(before, s->audit_trouble) != 0)
		log_err(LOG_SUBJECT("audit", ""), "%s", s->audit_trouble);
	else if (s->audit_trouble[0] == '\0' && before[0] != '\0')
		log_notice(LOG_SUBJECT("audit", ""), "works again");
}

static void
answer_exiting(struct child *c, const struct msg_EXITING *b)
{
	log_debug(child_subject(c), "leaves, code=%u", b->reason);
}

/* What mcpgwctl asked others.  False: it is none of these. */
static bool
take_answer(struct child *c, const struct chan_msg *msg)
{
	struct master		*m = c->m;
	const union msg_any	*b = msg->body;

	switch (msg->type) {
	case MSG_TYPE_SERVER_RESTARTED:
		ctlsock_on_restarted(&m->ctl, msg->ref, b->SERVER_RESTARTED.stopped, b->SERVER_RESTARTED.finishing);
		break;
	case MSG_TYPE_SERVER_LOG_IS:
		ctlsock_on_log(&m->ctl, msg->ref, msg->fds[0], b->SERVER_LOG_IS.bytes, SPAN_NONE);
		break;
	case MSG_TYPE_SERVER_LOG_NONE:
		ctlsock_on_log(&m->ctl, msg->ref, -1, 0, b->SERVER_LOG_NONE.why);
		break;
	case MSG_TYPE_SERVER_REFUSED_ARE:
		ctlsock_on_refused(&m->ctl, msg->ref, b->SERVER_REFUSED_ARE.lines);
		break;
	case MSG_TYPE_WORKER_SAYS:
		ctlsock_on_worker_says(&m->ctl, msg->ref, c->slot, msg->fds[0], b->WORKER_SAYS.bytes);
		break;
	case MSG_TYPE_AUDIT_CAUGHT_UP:
		ctlsock_on_caught_up(&m->ctl, msg->ref);
		break;
	default:
		return false;
	}
	return true;
}

/* Tokens that servers want, and who logs in there.  False: it is none of these. */
static bool
take_grant(struct child *c, const struct chan_msg *msg)
{
	struct master		*m = c->m;
	const union msg_any	*b = msg->body;

	switch (msg->type) {
	case MSG_TYPE_TOKENS_MADE:
		grants_on_tokens(m, &msg->fds[0], &b->TOKENS_MADE);
		break;
	case MSG_TYPE_STORE_GRANTS:
		grants_on_grants(m, &msg->fds[0], &b->STORE_GRANTS);
		break;
	case MSG_TYPE_GRANT_KEEP:
		grants_on_keep(m, msg->fds[0], &b->GRANT_KEEP);
		break;
	case MSG_TYPE_TOKEN_WANTED:
		grants_on_wanted(c, &b->TOKEN_WANTED);
		break;
	case MSG_TYPE_USER_LOGIN:
		userlogin_ask(c, msg->ref, &b->USER_LOGIN);
		break;
	case MSG_TYPE_LOGIN_IS:
		if (!userlogin_on_answer(m, msg->ref, &b->LOGIN_IS))
			ctlsock_on_login(&m->ctl, msg->ref, &b->LOGIN_IS);
		break;
	case MSG_TYPE_USER_TOKEN_WANTED:
		grants_on_user_wanted(c, &b->USER_TOKEN_WANTED);
		break;
	default:
		return false;
	}
	return true;
}

/* What mcpgw-scout found.  False: it is none of these. */
static bool
take_found(struct child *c, const struct chan_msg *msg)
{
	struct master		*m = c->m;
	const union msg_any	*b = msg->body;

	switch (msg->type) {
	case MSG_TYPE_CATALOGUE_MADE:
		scout_on_catalogue(m, msg->fds, &b->CATALOGUE_MADE);
		break;
	case MSG_TYPE_VAULT_MADE:
		scout_on_vault(m, msg->fds, &b->VAULT_MADE);
		break;
	case MSG_TYPE_KEYSETS_MADE:
		scout_on_keysets(m, msg->fds, &b->KEYSETS_MADE);
		break;
	case MSG_TYPE_KEYSET_WANTED:
		(void)scout_want_keys(m, &(struct msg_KEYSET_WANTED){ .id = b->KEYSET_WANTED.id });
		break;
	case MSG_TYPE_STORE_KEYSETS_LOADED:
		scout_on_loaded(m, msg->fds);
		break;
	default:
		return false;
	}
	return true;
}

/* Keys, sessions and quotas, which the store keeps.  False: it is none of these. */
static bool
take_kept(struct child *c, const struct chan_msg *msg)
{
	struct master		*m = c->m;
	const union msg_any	*b = msg->body;

	switch (msg->type) {
	case MSG_TYPE_STORE_DUMPED:
		ctlsock_on_dump(&m->ctl, msg->ref, msg->fds[0]);
		reload_on_dump(&m->reload, msg->ref, &msg->fds[0]);
		start_on_dump(m, &msg->fds[0]);
		break;
	case MSG_TYPE_TOKEN_IS:
		ctlsock_on_token(&m->ctl, msg->ref, &b->TOKEN_IS);
		break;
	case MSG_TYPE_STORE_DONE:
		ctlsock_on_store_done(&m->ctl, msg->ref, b->STORE_DONE.error, b->STORE_DONE.line);
		reload_on_no_dump(&m->reload, msg->ref, b->STORE_DONE.line);
		start_on_store_done(m, msg->ref);
		break;
	case MSG_TYPE_KEYS_USED:
		/* Gossip: a store that does not keep up with it is not to be killed for it. */
		if (m->store.state == CHILD_READY && m->store.chan.queued_bytes == 0)
			(void)child_send(&m->store, MSG_TYPE_KEYS_USED, 0, &b->KEYS_USED, NULL, 0);
		break;
	case MSG_TYPE_SESSION:
		sessions_on_wanted(c, msg->ref, &b->SESSION);
		break;
	case MSG_TYPE_SESSION_IS:
		sessions_on_made(m, &b->SESSION_IS);
		break;
	case MSG_TYPE_QUOTA_MARK:
		status_on_quota_mark(m, &b->QUOTA_MARK);
		break;
	case MSG_TYPE_STORE_POLICY_LOADED:
		start_on_last_good(m, &msg->fds[0], b->STORE_POLICY_LOADED.generation);
		break;
	default:
		return false;
	}
	return true;
}

void
status_on_quota_mark(struct master *m, const struct msg_QUOTA_MARK *b)
{
	/* A store that does not keep up is not to be killed for it: whoever waits for it says it again. */
	if (m->store.state != CHILD_READY)
		upgrade_tell_mark(m, b);
	else if (m->store.chan.queued_bytes == 0)
		(void)child_send(&m->store, MSG_TYPE_QUOTA_MARK, 0, b, NULL, 0);
}

/* Approvals of tools.  False: it is none of these. */
static bool
take_pin(struct child *c, const struct chan_msg *msg)
{
	struct master		*m = c->m;
	const union msg_any	*b = msg->body;

	switch (msg->type) {
	case MSG_TYPE_PIN_SEEN:
		pins_on_seen(c, msg);
		break;
	case MSG_TYPE_STORE_PIN_KEPT:
		pins_on_kept(m, &b->STORE_PIN_KEPT);
		break;
	case MSG_TYPE_STORE_PINS:
		pins_on_pins(m, &msg->fds[0], &b->STORE_PINS);
		break;
	default:
		return false;
	}
	return true;
}

void
status_on_message(struct child *c, const struct chan_msg *msg)
{
	struct master		*m = c->m;
	const union msg_any	*b = msg->body;

	if (take_answer(c, msg) || take_grant(c, msg) || take_found(c, msg) || take_kept(c, msg) || take_pin(c, msg))
		return;
	switch (msg->type) {
	case MSG_TYPE_READY:
		answer_ready(c);
		break;
	case MSG_TYPE_PING:		/* that it came is all there is to it */
		break;
	case MSG_TYPE_EXITING:
		answer_exiting(c, &b->EXITING);
		break;
	case MSG_TYPE_SNAPSHOT_IN_FORCE:
		answer_in_force(c, &b->SNAPSHOT_IN_FORCE);
		break;
	case MSG_TYPE_SNAPSHOT_REFUSED:
		answer_refused(c, &b->SNAPSHOT_REFUSED);
		break;
	case MSG_TYPE_COMPILE_NOTE:
	case MSG_TYPE_COMPILE_MADE:
	case MSG_TYPE_COMPILE_DONE:
	case MSG_TYPE_SECRET_WANT:
	case MSG_TYPE_CERT_WANT:
	case MSG_TYPE_CRED_WANT:
		compile_on_message(&m->compile, msg);
		break;
	case MSG_TYPE_RUNNER_WANTED:
		runners_want(m, c, b->RUNNER_WANTED.tenant);
		break;
	case MSG_TYPE_WORKER_PEER_WANTED:
		peers_want(c, &b->WORKER_PEER_WANTED);
		break;
	case MSG_TYPE_EGRESS_WANTED:
		egress_want(c);
		break;
	case MSG_TYPE_ADMIN_ASK:
		admin_on_ask(m);
		break;
	case MSG_TYPE_SERVER_STATE:
		answer_server_state(c, &b->SERVER_STATE);
		break;
	case MSG_TYPE_JAIL_PROBE:
		probe_on_result(m, b->JAIL_PROBE.result, b->JAIL_PROBE.line);
		break;
	case MSG_TYPE_SEGMENT_WANTED:
		segments_give(c, b->SEGMENT_WANTED.number);
		break;
	case MSG_TYPE_AUDIT_NOTED:
		adminlog_on_noted(&m->adminlog, b->AUDIT_NOTED.number);
		break;
	case MSG_TYPE_AUDIT_STATE:
		answer_audit_state(&m->status, &b->AUDIT_STATE);
		break;
	default:
		break;
	}
}

/* The auditor closes what this writer of records left open. */
static void
writer_is_over(struct child *c)
{
	struct msg_INCARNATION_OVER	over = { .slot = c->slot, .incarnation = c->incarnation };

	if (upgrade_tell_over(c->m, c->slot, c->incarnation))
		return;
	(void)child_send(&c->m->auditor, MSG_TYPE_INCARNATION_OVER, 0, &over, NULL, 0);
}

static void
worker_is_dead(struct child *c)
{
	regions_clear_worker(&c->m->regions, c->slot);
	writer_is_over(c);
	ctlsock_on_worker_death(&c->m->ctl, c->slot);
	reload_look(&c->m->reload);
	heir_look(c->m);
	pins_look(c->m);
}

void
status_on_death(struct child *c, int wait_status)
{
	struct master	*m = c->m;

	switch (c->role) {
	case ROLE_WORKER:
		worker_is_dead(c);
		break;
	case ROLE_EGRESS:
		writer_is_over(c);
		egress_on_death(m);
		break;
	case ROLE_STORE:
		reload_on_store_death(&m->reload);
		ctlsock_on_store_death(&m->ctl);
		break;
	case ROLE_SCOUT:
		ctlsock_on_scout_death(&m->ctl);
		break;
	case ROLE_AUDITOR:
		ctlsock_on_auditor_death(&m->ctl);
		break;
	case ROLE_COMPILE:
		compile_on_death(&m->compile, wait_status);
		break;
	case ROLE_SPAWNER:
	case ROLE_RUNNER:
		if (c->tenant != NULL)
			runners_on_death(c);
		else
			probe_on_death(m);
		break;
	default:
		break;
	}
	upgrade_look(m);
}
