/* SPDX-License-Identifier: Apache-2.0
 *
 * start.c - from nothing to READY, in the order of day-one 12
 *
 * Process: master.
 * Owns:    what it opens goes to struct master at once; main.c closes it.
 * Trusts:  as each file it calls.
 *
 * The loop runs between two steps, so children that die here are replaced as they are later; a step
 * gives up when its child died twice without serving.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/keyring.h"
#include "lib/log.h"
#include "master/daemon.h"
#include "master/master.h"
#include "master/probe.h"
#include "master/sdnotify.h"

#define GIVE_UP_FAILS	2
#define REMIND_MS	(60 * 60 * 1000)

static struct reload_by
by_start(const struct master *m)
{
	return (struct reload_by){ m->heir.is ? GENERATION_BY_UPGRADE : GENERATION_BY_START, 0 };
}

static int
stopped(void)
{
	return EX_TEMPFAIL;
}

/* --- compiling -------------------------------------------------------------------------------- */

static void
on_note(unsigned level, struct span line, void *arg)
{
	(void)arg;
	log_write(level <= LOG_LEVEL_ERR ? LOG_LEVEL_ERR : LOG_LEVEL_WARNING, NULL, "%.*s",
	    SPAN_FMT(line));
}

static void
on_compiled(int result, void *arg)
{
	struct master	*m = arg;

	m->start.compiled = true;
	m->start.compile_result = result;
}

static int
compile_and_wait(struct master *m, unsigned what, int dump)
{
	/* Parameters alone are never in force, and have no number of their own. */
	if (what != COMPILE_PARAMS)
		m->generation++;
	m->start.compiled = false;
	compile_start(&m->compile, what, m->generation, dump, on_note, on_compiled, m);
	while (!m->start.compiled)
		loop_turn(m->loop, true);
	return m->start.compile_result;
}

static int
compile_exit_code(const struct master *m, int r)
{
	if (r == E_FORMAT)
		return EX_CONFIG;
	if (r == E_CLOSED && m->compile.exit_code >= EX__BASE && m->compile.exit_code <= EX__MAX)
		return m->compile.exit_code;	/* it said why */
	log_err(LOG_SUBJECT("mcpgw-compile", ""), "%s", compile_why(&m->compile, r));
	return EX_SOFTWARE;
}

/* --- steps ------------------------------------------------------------------------------------ */

/* mcpgw.conf alone: where the folders are.  The rest of the text may still be wrong. */
static int
step_parameters(struct master *m)
{
	int	r;

	if ((r = compile_and_wait(m, COMPILE_PARAMS, -1)) != 0)
		return compile_exit_code(m, r);
	if ((r = master_load_params(m, &m->compile.made)) != 0) {
		log_err(NULL, "parameters: %s", err_text(r));
		return EX_SOFTWARE;
	}
	return 0;
}

/* What was in force when the master before was told to go; files are read anew, what a scout found is not. */
static int
step_heir(struct master *m)
{
	int	r;

	if (!m->heir.is)
		return 0;
	if (m->heir.generation > m->generation)
		m->generation = m->heir.generation;
	r = snapset_replace(&m->in_force, &m->heir.snaps,
	    1u << SNAP_CATALOGUE | 1u << SNAP_KEYSETS | 1u << SNAP_TOKENS);
	if (r != 0) {
		log_err(NULL, "what the master before left: %s", err_text(r));
		return EX_OSERR;
	}
	return 0;
}

static int
step_users(struct master *m)
{
	const struct {
		enum role	role;
		struct span	name;
	} rows[] = {
		{ ROLE_WORKER, m->params.user },
		{ ROLE_SPAWNER, m->params.tenant_user }, { ROLE_RUNNER, m->params.tenant_user },
		{ ROLE_AUDITOR, span_of(role_user(ROLE_AUDITOR)) },
		{ ROLE_STORE, span_of(role_user(ROLE_STORE)) },
		{ ROLE_EGRESS, span_of(role_user(ROLE_EGRESS)) },
		{ ROLE_ADMIN, span_of(role_user(ROLE_ADMIN)) },
		{ ROLE_SCOUT, span_of(role_user(ROLE_SCOUT)) },
	};
	char	missing[256] = "", name[64];
	bool	found;

	if (m->personal)
		return probe_settle(m);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(name, sizeof(name), "%.*s", SPAN_FMT(rows[i].name));
		if (spawn_user_find(name, &m->user[rows[i].role], &found) != 0) {
			log_err(LOG_SUBJECT("user", name), "neither it nor nobody exists");
			return EX_NOUSER;
		}
		if (!found && strstr(missing, name) == NULL)
			snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing), " %s", name);
	}
	if (missing[0] != '\0')
		log_warn(NULL, "no such users, so nobody runs their processes:%s", missing);
	return probe_settle(m);
}

static int
step_folders(struct master *m)
{
	const struct spawn_user	 ours = { false, 0, 0 };
	char			 path[PATH_MAX];
	int			 r;

	if (dirs_init(&m->dirs, !m->personal, m->params.run_dir, m->params.state_dir) != 0) {
		log_err(NULL, "run_dir or state_dir: too long");
		return EX_CONFIG;
	}
	r = m->heir.is ? dirs_inherit(&m->dirs, &m->heir.pid_fd, &m->heir.marker_fd) : dirs_hold(&m->dirs);
	if (r != 0)
		return r == E_EXISTS ? EX_UNAVAILABLE : EX_CANTCREAT;
	/* One gateway has a state_dir, so its name is ours among those in this cgroup. */
	cgroups_init(&m->cgroups, !m->personal, m->params.state_dir, m->heir.is);
	if (dirs_make(&m->dirs, "store", &m->user[ROLE_STORE], 0700, m->store_dir) != 0 ||
	    dirs_make(&m->dirs, "audit", &m->user[ROLE_AUDITOR], 0700, path) != 0 ||
	    dirs_make(&m->dirs, "audit/db", &m->user[ROLE_AUDITOR], 0700, m->audit_dir) != 0 ||
	    dirs_make(&m->dirs, "audit/spool", &m->user[ROLE_AUDITOR], 0700, m->spool_dir) != 0 ||
	    dirs_make(&m->dirs, "tenants", &ours, m->personal ? 0700 : 0711, path) != 0 || grants_key_open(m) != 0)
		return EX_CANTCREAT;
	return 0;
}

static int
step_shared(struct master *m)
{
	struct keyring	ring;
	char		why[128];
	int		r;

	if (workers_parse(m->params.workers, &m->workers_wanted, why, sizeof(why)) != 0) {
		log_err(NULL, "%s", why);
		return EX_CONFIG;
	}
	if (regions_init(&m->regions, MASTER_WORKERS_MAX, m->heir.is ? m->heir.region : NULL) != 0)
		return EX_OSERR;
	rates_init(&m->rates, m->loop, &m->regions);
	/* Clients hold what was sealed with its keys. */
	if (m->heir.is && m->heir.keyring != -1 && keyring_read(m->heir.keyring, &ring) == 0) {
		explicit_bzero(&ring, sizeof(ring));
		m->keyring = m->heir.keyring;
		m->heir.keyring = -1;
		return 0;
	}
	if ((r = keyring_make(&ring)) != 0 || (r = keyring_memfd(&ring, &m->keyring)) != 0) {
		log_err(NULL, "key ring: %s", err_text(r));
		return EX_OSERR;
	}
	explicit_bzero(&ring, sizeof(ring));
	return 0;
}

static int
start_and_wait(struct master *m, struct child *c)
{
	c->respawn = true;
	child_start(c);
	while (c->state != CHILD_READY && c->fails < GIVE_UP_FAILS && !m->stopping)
		loop_turn(m->loop, true);
	if (m->stopping)
		return stopped();
	if (c->state == CHILD_READY)
		return 0;
	log_err(child_subject(c), "does not start; its own lines say why");
	return EX_SOFTWARE;
}

/* The keys, and the policy that served last: generations count on from it. */
static int
step_store(struct master *m)
{
	struct msg_STORE_DUMP		dump = { 0 };
	struct msg_STORE_KEYSETS_LOAD	keysets = { 0 };
	struct msg_STORE_POLICY_LOAD	load = { 0 };
	int				r;

	/* Of store and audit there is one writer each, of logins' tokens one who renews them. */
	if (m->heir.is && heir_want_record(m) != 0) {
		log_err(NULL, "the master before does not answer any more");
		return EX_TEMPFAIL;
	}
	if ((r = start_and_wait(m, &m->store)) != 0)
		return r;
	m->start.dump_ref = status_new_ref(&m->status);
	(void)child_send(&m->store, MSG_TYPE_STORE_DUMP, m->start.dump_ref, &dump, NULL, 0);
	/* Comes, if there are any, before the policy that is waited for. */
	(void)child_send(&m->store, MSG_TYPE_STORE_KEYSETS_LOAD, 0, &keysets, NULL, 0);
	(void)child_send(&m->store, MSG_TYPE_STORE_POLICY_LOAD, 0, &load, NULL, 0);
	while ((m->start.dump == -1 || !m->start.last_good_came || !m->pins.came) && !m->start.no_dump &&
	    m->store.state == CHILD_READY && !m->stopping)
		loop_turn(m->loop, true);
	if (m->stopping)
		return stopped();
	if (m->start.dump == -1) {
		log_err(child_subject(&m->store), "gave no keys.  Restore %s from a backup, or move it away: then "
		    "there are none", m->store_dir);
		return EX_DATAERR;
	}
	return 0;
}

/* After an unclean end: the policy that served last, and the keys there are. */
static int
serve_last_good(struct master *m)
{
	struct snapset		old;
	struct snap_head	head;
	int			r;

	if (m->start.last_good == -1)
		return E_NOTFOUND;
	if ((r = snap_check(m->start.last_good, &head)) != 0)
		return r;
	snapset_init(&old);
	r = snapset_take(&old, &m->start.last_good, SNAP_POLICY, SPAN_NONE, head.generation);
	if (r == 0)
		r = reload_put_in_force(m, &old, COMPILE_POLICY, by_start(m));
	snapset_fini(&old);
	if (r != 0 || (r = compile_and_wait(m, COMPILE_KEYS, m->start.dump)) != 0)
		return r;
	return reload_put_in_force(m, &m->compile.made, COMPILE_KEYS, by_start(m));
}

static int
step_policy(struct master *m)
{
	int	r, code;

	/* Before they are read: what is saved from here on is seen. */
	watch_files(&m->watch);
	r = compile_and_wait(m, COMPILE_POLICY | COMPILE_KEYS, m->start.dump);
	if (m->stopping)
		return stopped();
	if (r == 0 && (r = reload_put_in_force(m, &m->compile.made, COMPILE_POLICY | COMPILE_KEYS,
	    by_start(m))) == 0)
		return 0;
	code = compile_exit_code(m, r);
	if (!m->dirs.unclean)
		return code;
	if (serve_last_good(m) != 0) {
		log_err(NULL, "the configuration does not compile, and no last good policy is stored");
		return code;
	}
	m->last_good = true;
	log_err(NULL, "the configuration does not compile; after an unclean end the last good policy "
	    "(generation %llu) serves: mcpgwctl check", (unsigned long long)m->policy_generation);
	return 0;
}

static int
step_listen(struct master *m)
{
	char	why[512] = "";

	if (ticket_keys_init(&m->ticket_keys, m) != 0) {
		log_err(NULL, "keys of tickets: %s", strerror(errno));
		return EX_OSERR;
	}
	switch (listen_open(&m->listeners, &m->heir.listeners, &m->params, !m->personal, why,
	    sizeof(why))) {
	case 0:
		return 0;
	case E_FORMAT:
		log_err(NULL, "%s", why);
		return EX_CONFIG;
	default:
		log_err(NULL, "%s", why);
		return EX_OSERR;
	}
}

/* Where jails may be reduced ones, the first record must say already whether they are. */
static int
step_probe(struct master *m)
{
	if (m->fallback != JAIL_FALLBACK_YES)
		return 0;
	probe_start(m);
	while (m->status.probe == PROBE_UNKNOWN && m->prober.state != CHILD_IDLE && !m->stopping)
		loop_turn(m->loop, true);
	return 0;
}

static int
looks_bad(const struct child *c)
{
	if (c->fails < GIVE_UP_FAILS)
		return 0;
	log_err(child_subject(c), "does not start; its own lines say why");
	return EX_SOFTWARE;
}

static uint32_t
start_one(struct child *c)
{
	c->respawn = true;
	child_start(c);
	return 1;
}

/* The auditor and those who serve clients start together, so that the slowest one's time is all there is to wait:
 * none of them needs another one. */
static int
step_workers(struct master *m)
{
	uint32_t	wanted = 0, ready;
	int		r;

	wanted += start_one(&m->auditor);
	workers_fill(m);
	if (workers_filled(m) == 0) {
		log_err(NULL, "all %d slots are taken by the workers of before: workers = 32, then mcpgwctl reload, "
		    "leave some free", MASTER_WORKERS_MAX);
		return EX_TEMPFAIL;
	}
	wanted += workers_filled(m);
	if (admin_is_wanted(m))
		wanted += start_one(&m->admin);
	do {
		loop_turn(m->loop, true);
		ready = (m->auditor.state == CHILD_READY) + (m->admin.state == CHILD_READY);
		if ((r = looks_bad(&m->auditor)) != 0 || (r = looks_bad(&m->admin)) != 0)
			return r;
		for (uint32_t i = 0; i < MASTER_WORKERS_MAX; i++) {
			ready += m->workers[i].state == CHILD_READY;
			if ((r = looks_bad(&m->workers[i])) != 0)
				return r;
		}
		if (m->stopping)
			return stopped();
	} while (ready < wanted);
	return 0;
}

static void
on_remind(struct loop_timer *t, void *arg)
{
	struct master	*m = arg;

	if (!m->last_good)
		return;
	log_err(NULL, "the configuration does not compile; the last good policy still serves: "
	    "mcpgwctl check");
	loop_timer_arm(t, REMIND_MS);
}

static int
step_ready(struct master *m)
{
	const struct snapitem		*policy = snapset_find(&m->in_force, SNAP_POLICY, SPAN_NONE);
	struct msg_STORE_POLICY_SAVE	 save = { .generation = m->policy_generation };

	if (m->heir.is && heir_take(m) != 0) {
		log_err(NULL, "the master before does not leave its place");
		return EX_TEMPFAIL;
	}
	if (m->heir.is && dirs_own(&m->dirs) != 0)
		log_warn(LOG_SUBJECT(m->dirs.run_dir, "pid"), "%s", strerror(errno));
	/* Its copies; ours are others of the same sockets. */
	listen_give_up(&m->heir.listeners, &m->listeners);
	if (ctlsock_open(&m->ctl, m) != 0)
		return EX_CANTCREAT;
	standin_watch(m);
	if (listen_write_ready(&m->listeners, m->dirs.run_fd) != 0) {
		log_err(LOG_SUBJECT(m->dirs.run_dir, "ready"), "%s", strerror(errno));
		return EX_CANTCREAT;
	}
	if (m->last_good) {
		loop_timer_init(m->loop, &m->start.remind, on_remind, m);
		loop_timer_arm(&m->start.remind, REMIND_MS);
	} else {
		(void)child_send(&m->store, MSG_TYPE_STORE_POLICY_SAVE, 0, &save, &policy->fd, 1);
	}
	m->ready = true;
	heir_settled(m);
	/* What was revoked while this one started. */
	heir_offer_first(m);
	return 0;
}

static void
more_descriptors(void)
{
	struct rlimit	l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}

int
start_run(struct master *m)
{
	static int (*const	 steps[])(struct master *) = {
		step_parameters, step_heir, step_users, step_folders, step_shared, step_store, step_policy,
		step_listen, step_probe,
	};
	int			 r;

	more_descriptors();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if ((r = steps[i](m)) != 0)
			return r;
		if (m->stopping)
			return stopped();
	}
	scout_look(m);
	if ((r = step_workers(m)) != 0 || (r = step_ready(m)) != 0)
		return r;
	log_set_level((enum log_level)(LOG_LEVEL_ERR + m->params.log_level));
	m->start.took_ms = loop_now_ms(m->loop) - m->start_ms;
	sdnotify_send("READY=1");
	if (m->fallback != JAIL_FALLBACK_YES)
		probe_start(m);
	return 0;
}

void
start_say_ready(const struct master *m)
{
	log_notice(NULL, "ready, generation=%llu workers=%u ms=%llu", (unsigned long long)m->policy_generation,
	    m->workers_wanted, (unsigned long long)m->start.took_ms);
}

/* --- answers ---------------------------------------------------------------------------------- */

void
start_on_dump(struct master *m, int *fd)
{
	if (m->ready || m->start.dump != -1)
		return;
	m->start.dump = *fd;
	*fd = -1;
}

void
start_on_last_good(struct master *m, int *fd, uint64_t generation)
{
	if (m->ready || m->start.last_good_came)
		return;
	m->start.last_good_came = true;
	if (generation > m->generation)
		m->generation = generation;
	m->start.last_good = *fd;
	*fd = -1;
}

void
start_on_store_done(struct master *m, uint64_t ref)
{
	if (m->ready)
		return;
	if (ref == m->start.dump_ref)
		m->start.no_dump = true;
	else
		m->start.last_good_came = true;		/* none is stored */
}
