/* SPDX-License-Identifier: Apache-2.0
 *
 * ctlcmd.c - what each command of mcpgwctl makes the master do
 *
 * Process: master.
 * Owns:    nothing beyond the connection's.
 * Trusts:  the caller, who passed ctlsock.c; arguments go to others unread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/ctlconn.h"
#include "master/master.h"
#include "master/stop.h"

enum ctl_number {
#define CTLCMD(name, words, number, privilege, arguments, doc) CTLCMD_##name = number,
#include "tables/ctlcmds.def"
#undef CTLCMD
};

/* name, kind, tenant, with tabs between */
static void
log_limits(const struct ctl_conn *c, struct span what)
{
	char	text[320];

	snprintf(text, sizeof(text), "%.*s", SPAN_FMT(what));
	for (char *at = text; (at = strchr(at, '\t')) != NULL; )
		*at = ' ';
	log_notice(NULL, "limits of %s begin anew, uid=%u", text, c->uid);
}

static void
wait_reload(struct ctl_conn *c, unsigned what)
{
	c->wait = CTL_WAIT_RELOAD;
	reload_request(&c->s->m->reload, what, (struct reload_by){ GENERATION_BY_CTL, c->uid }, &c->reload);
}

static void
run_rollback(struct ctl_conn *c)
{
	int	r;

	log_notice(NULL, "mcpgwctl rollback by uid %u", c->uid);
	c->wait = CTL_WAIT_RELOAD;
	if ((r = reload_rollback(&c->s->m->reload, (struct reload_by){ GENERATION_BY_CTL, c->uid }, &c->reload)) == 0)
		return;
	if (r == E_NOTFOUND)
		ctl_refuse(c, EX_DATAERR, "no policy from before generation %llu is kept; edit the files, then: "
		    "mcpgwctl reload", (unsigned long long)c->s->m->policy_generation);
	else
		ctl_refuse(c, EX_TEMPFAIL, "%s", r == E_UNTIMELY ? "a reload is under way; try again" : err_text(r));
}

void
ctlcmd_ask_store(struct ctl_conn *c, uint16_t type, const void *msg)
{
	struct master	*m = c->s->m;

	c->ref = status_new_ref(&m->status);
	c->wait = CTL_WAIT_STORE;
	if (m->store.state != CHILD_READY || child_send(&m->store, type, c->ref, msg, NULL, 0) != 0)
		ctlcmd_on_lost(c, "mcpgw-store");
}

static void
run_pin_decide(struct ctl_conn *c, const struct msg_CTL_PIN_DECIDE *b)
{
	const struct msg_STORE_PIN_DECIDE	decide = { .what = b->what, .all = b->all, .by = c->uid + 1,
	    .tenant = b->tenant, .server = b->server, .tool = b->tool, .hash = b->hash };

	c->pins = true;
	ctlcmd_ask_store(c, MSG_TYPE_STORE_PIN_DECIDE, &decide);
}

static void
run_pin_approve(struct ctl_conn *c, int fd, const struct msg_CTL_PIN_APPROVE *b)
{
	c->pins = true;
	c->ref = status_new_ref(&c->s->m->status);
	c->wait = CTL_WAIT_STORE;
	if (pins_approve(c->s->m, c->ref, c->uid, fd, b) != 0)
		ctlcmd_on_lost(c, "mcpgw-store");
}

static void
run_pin_dump(struct ctl_conn *c, const struct msg_CTL *b)
{
	const struct msg_STORE_PIN_DUMP	dump = { .tenant = b->c, .server = b->a, .tool = b->b };

	ctlcmd_ask_store(c, MSG_TYPE_STORE_PIN_DUMP, &dump);
}

static void
run_stop(struct ctl_conn *c)
{
	log_notice(NULL, "mcpgwctl stop by uid %u", c->uid);
	ctlnote_end(c, "ok");		/* while there is an auditor */
	c->wait = CTL_WAIT_STOP;	/* answered by ctlsock_close(), when all are gone */
	stop_begin(c->s->m);
}

static int
keep_names(struct ctl_conn *c, struct span tenant, struct span server)
{
	c->args_bytes = tenant.n + 1 + server.n + 1;
	if ((c->args = calloc(1, c->args_bytes)) == NULL)
		return E_NOMEM;
	if (tenant.n > 0)
		memcpy(c->args, tenant.p, tenant.n);
	if (server.n > 0)
		memcpy(c->args + tenant.n + 1, server.p, server.n);
	return 0;
}

/* n: for how long, 0: not any more.  The reload puts the configuration files in force as any other does. */
static void
run_learn(struct ctl_conn *c, const struct msg_CTL *b)
{
	struct learn	*l = &c->s->m->learn;
	int		 r;

	if (b->n == 0) {
		(void)learn_end(l, b->b, b->a);
	} else if ((r = learn_begin(l, b->b, b->a, b->n)) != 0) {
		ctl_refuse(c, r == E_FULL ? EX_TEMPFAIL : EX_USAGE, "%s", r == E_FULL ?
		    "too many servers are being learnt; end one: mcpgwctl server learn NAME --stop" :
		    "a server's name, and a time of at most 24h");
		return;
	} else if (keep_names(c, b->b, b->a) == 0) {
		c->learns = true;
	}
	wait_reload(c, COMPILE_POLICY);
}

void
ctlcmd_on_reload_refused(struct ctl_conn *c)
{
	if (c->learns)
		(void)learn_end(&c->s->m->learn, span_of(c->args), span_of(c->args + strlen(c->args) + 1));
}

void
ctlcmd_on_reload_abandoned(struct ctl_conn *c)
{
	struct master	*m = c->s->m;

	/* Nobody was told that it learns. */
	if (c->learns && !m->stopping) {
		ctlcmd_on_reload_refused(c);
		reload_request(&m->reload, COMPILE_POLICY, (struct reload_by){ GENERATION_BY_CTL, c->uid }, NULL);
	}
}

static void
run_query(struct ctl_conn *c, const struct chan_msg *msg)
{
	const struct msg_CTL_FD		*b = &msg->body->CTL_FD;
	struct master			*m = c->s->m;
	struct msg_AUDIT_CATCH_UP	 ask = { 0 };

	if (b->arguments.n > 0 && b->arguments.p[b->arguments.n - 1] != '\0') {
		ctl_refuse(c, EX_PROTOCOL, "malformed arguments");
		return;
	}
	c->out = msg->fds[0];
	c->err = msg->fds[1];
	msg->fds[0] = msg->fds[1] = -1;
	if ((c->args = malloc(b->arguments.n + 1)) == NULL) {
		ctl_refuse(c, EX_TEMPFAIL, "out of memory");
		return;
	}
	memcpy(c->args, b->arguments.n == 0 ? "" : b->arguments.p, b->arguments.n);
	c->args_bytes = b->arguments.n;
	c->ref = status_new_ref(&m->status);
	c->wait = CTL_WAIT_AUDITOR;
	if (m->auditor.state != CHILD_READY ||
	    child_send(&m->auditor, MSG_TYPE_AUDIT_CATCH_UP, c->ref, &ask, NULL, 0) != 0)
		ctlcmd_on_caught_up(c);		/* what is imported can be read all the same */
}

/* A question to the runner that has the server. */
static void
ask_runner(struct ctl_conn *c, struct span tenant, uint16_t type, const void *msg)
{
	struct master	*m = c->s->m;
	struct child	*runner = runners_serving(m, tenant);

	if (runner == NULL) {
		ctl_refuse(c, EX_DATAERR, "none of this tenant's tools has run since the gateway started");
		return;
	}
	c->ref = status_new_ref(&m->status);
	c->wait = CTL_WAIT_RUNNER;
	if (child_send(runner, type, c->ref, msg, NULL, 0) != 0)
		ctlcmd_on_lost(c, "mcpgw-runner");
}

static void
run_logs(struct ctl_conn *c, const struct msg_CTL *b)
{
	const struct msg_SERVER_LOG	ask = { .server = b->a };

	ask_runner(c, b->b, MSG_TYPE_SERVER_LOG, &ask);
}

/* What status alone does not ask, as the runner has it: of one server. */
static void
run_refused(struct ctl_conn *c, const struct msg_CTL *b)
{
	const struct msg_SERVER_REFUSED	ask = { .server = b->a };

	if (runners_serving(c->s->m, b->b) == NULL)
		ctl_done(c, 0);
	else
		ask_runner(c, b->b, MSG_TYPE_SERVER_REFUSED, &ask);
}

/* Environments stand in the profiles as they were written, so they are for who can read the files. */
static void
run_server_show(struct ctl_conn *c, const struct msg_CTL *b)
{
	if (c->uid == 0 || c->uid == geteuid())
		(void)ctlstatus_snapshot(c, SNAP_PROFILE, b->a);
	ctl_done(c, 0);
}

static void
run_kill(struct ctl_conn *c, const struct msg_CTL *b)
{
	log_notice(NULL, "mcpgwctl kill %.*s by uid %u", SPAN_FMT(b->a), c->uid);
	ctlask_workers(c, WORKER_ASK_KILL, b->a, true);
}

static void
run_server_restart(struct ctl_conn *c, const struct msg_CTL *b)
{
	const struct msg_SERVER_RESTART	ask = { .server = b->a };

	log_notice(NULL, "mcpgwctl server restart %.*s by uid %u", SPAN_FMT(b->a), c->uid);
	ask_runner(c, b->b, MSG_TYPE_SERVER_RESTART, &ask);
}

/* Of all workers.  False: it is none of these. */
static bool
run_of_workers(struct ctl_conn *c, const struct msg_CTL *b)
{
	switch (b->command) {
	case CTLCMD_ps:
		ctlask_workers(c, WORKER_ASK_CALLS, SPAN_NONE, true);
		break;
	case CTLCMD_approval_list:
	case CTLCMD_approval_approve:
	case CTLCMD_approval_reject:
		ctlask_approval(c, b);
		break;
	case CTLCMD_kill:
		run_kill(c, b);
		break;
	case CTLCMD_server_breakers:
		ctlask_workers(c, WORKER_ASK_BREAKERS, b->a, false);
		break;
	case CTLCMD_server_breaker_reset:
		log_notice(NULL, "mcpgwctl server breaker reset by uid %u", c->uid);
		ctlask_workers(c, WORKER_ASK_BREAKER_RESET, b->a, false);
		break;
	case CTLCMD_limit_show:
		ctlask_workers(c, WORKER_ASK_LIMITS, b->a, false);
		break;
	case CTLCMD_limit_reset:
		log_limits(c, b->a);
		ctlask_workers(c, WORKER_ASK_LIMIT_RESET, b->a, false);
		break;
	case CTLCMD_issuer_list:
		ctlask_workers(c, WORKER_ASK_ISSUERS, SPAN_NONE, false);
		break;
	default:
		return false;
	}
	return true;
}

/* Of one server, or of its tools.  False: it is none of these. */
static bool
run_of_server(struct ctl_conn *c, const struct msg_CTL *b)
{
	switch (b->command) {
	case CTLCMD_server_learn:
		run_learn(c, b);
		break;
	case CTLCMD_server_show:
		run_server_show(c, b);
		break;
	case CTLCMD_server_login:
		ctllogin_run(c, b->n == LOGIN_END || b->n == LOGIN_STATE ? (uint32_t)b->n : LOGIN_BEGIN, b);
		break;
	case CTLCMD_server_logout:
		ctllogin_run(c, LOGIN_OUT, b);
		break;
	case CTLCMD_logs:
		run_logs(c, b);
		break;
	case CTLCMD_server_restart:
		run_server_restart(c, b);
		break;
	case CTLCMD_tool_list:
	case CTLCMD_tool_show:
	case CTLCMD_tool_diff:
		run_pin_dump(c, b);
		break;
	default:
		return false;
	}
	return true;
}

/* What has a message of its own.  False: this has not. */
static bool
run_of_its_own(struct ctl_conn *c, const struct chan_msg *msg)
{
	if (msg->type == MSG_TYPE_CTL_PIN_DECIDE)
		run_pin_decide(c, &msg->body->CTL_PIN_DECIDE);
	else if (msg->type == MSG_TYPE_CTL_PIN_APPROVE)
		run_pin_approve(c, msg->fds[0], &msg->body->CTL_PIN_APPROVE);
	else if (msg->type == MSG_TYPE_CTL_FD && msg->body->CTL_FD.command == CTLCMD_trace)
		ctlask_trace(c, msg);
	else if (msg->type == MSG_TYPE_CTL_FD)
		run_query(c, msg);
	else
		return false;
	return true;
}

void
ctlcmd_run(struct ctl_conn *c, const struct chan_msg *msg)
{
	const struct msg_CTL		*b = &msg->body->CTL;

	if (c->s->m->stopping) {
		ctl_refuse(c, EX_TEMPFAIL, "the gateway is stopping");
		return;
	}
	ctlnote_begin(c, msg);
	if (ctlkeys_run(c, msg) || run_of_its_own(c, msg) || run_of_workers(c, b) || run_of_server(c, b))
		return;
	switch (b->command) {
	case CTLCMD_stop:
		run_stop(c);
		break;
	case CTLCMD_reload:
		wait_reload(c, COMPILE_POLICY);
		break;
	case CTLCMD_rollback:
		run_rollback(c);
		break;
	case CTLCMD_upgrade:
		ctlupgrade_run(c, b);
		break;
	case CTLCMD_drain:
		ctlupgrade_drain(c, b->n == 0);
		break;
	case CTLCMD_status:
		if (b->a.n > 0)
			run_refused(c, b);
		else
			ctlstatus_run(c);
		break;
	case CTLCMD_issuer_refresh:
		if (scout_want_keys(c->s->m, &(struct msg_KEYSET_WANTED){ .id = b->n, .now = 1 }))
			ctl_done(c, 0);
		else
			ctl_refuse(c, EX_TEMPFAIL, "mcpgw-scout, which fetches keys, is not there now; try again");
		break;
	case CTLCMD_explain:
		ctl_done(c, ctlstatus_snapshot(c, SNAP_POLICY, SPAN_NONE) == 0 ? 0 : EX_TEMPFAIL);
		break;
	default:
		ctl_refuse(c, EX_USAGE, "command %u is unknown to this gateway (version %s)",
		    b->command, MCPGW_VERSION);
		break;
	}
}

/* Of what was asked, and not of the store's state. */
static bool
store_said_no(int error)
{
	return error == E_EXISTS || error == E_NOTFOUND || error == E_RANGE || error == E_FORMAT || error == E_TOOBIG;
}

void
ctlcmd_on_store_done(struct ctl_conn *c, int error, struct span line)
{
	if (error != 0) {
		ctl_refuse(c, store_said_no(error) ? EX_DATAERR : EX_TEMPFAIL,
		    "%.*s", SPAN_FMT(line));
		return;
	}
	if (c->pins) {
		if (line.n > 0)
			ctl_note(c, LOG_LEVEL_NOTICE, line);
		c->ref = pins_generation(c->s->m);
		c->wait = CTL_WAIT_PINS;
		pins_expect(c->s->m);
		return;
	}
	if (c->keys_stay) {
		ctl_done(c, 0);
		return;
	}
	/* Done is when every worker knows it. */
	wait_reload(c, COMPILE_KEYS);
}

void
ctlcmd_on_dump(struct ctl_conn *c, int fd)
{
	struct msg_CTL_SNAPSHOT	b = { .kind = SNAP_DUMP };

	ctl_done(c, ctl_send(c, MSG_TYPE_CTL_SNAPSHOT, &b, &fd, 1) == 0 ? 0 : EX_TEMPFAIL);
}

void
ctlcmd_on_log(struct ctl_conn *c, int fd, uint64_t bytes, struct span why)
{
	struct msg_CTL_LOG	b = { .bytes = bytes };

	if (fd == -1)
		ctl_refuse(c, EX_DATAERR, "%.*s", SPAN_FMT(why));
	else
		ctl_done(c, ctl_send(c, MSG_TYPE_CTL_LOG, &b, &fd, 1) == 0 ? 0 : EX_TEMPFAIL);
}

void
ctlcmd_on_refused(struct ctl_conn *c, struct span lines)
{
	struct msg_CTL_REFUSED	b = { .lines = lines };

	ctl_done(c, ctl_send(c, MSG_TYPE_CTL_REFUSED, &b, NULL, 0) == 0 ? 0 : EX_TEMPFAIL);
}

void
ctlcmd_on_restarted(struct ctl_conn *c, uint32_t stopped, uint32_t finishing)
{
	struct msg_CTL_RESTARTED	b = { .stopped = stopped, .finishing = finishing };

	ctl_done(c, ctl_send(c, MSG_TYPE_CTL_RESTARTED, &b, NULL, 0) == 0 ? 0 : EX_TEMPFAIL);
}

void
ctlcmd_on_caught_up(struct ctl_conn *c)
{
	int	r;

	c->wait = CTL_WAIT_QUERY;
	if ((r = query_start(c->s->m, c, span_make(c->args, c->args_bytes), c->out, c->err)) != 0)
		ctl_refuse(c, EX_OSERR, "mcpgw-audit: %s", err_text(r));
	fd_close(&c->out);
	fd_close(&c->err);
}

void
ctlcmd_on_lost(struct ctl_conn *c, const char *who)
{
	if (c->wait == CTL_WAIT_AUDITOR)
		ctlcmd_on_caught_up(c);
	else
		ctl_refuse(c, EX_TEMPFAIL, "%s: not there now; try again", who);
}
