/* SPDX-License-Identifier: Apache-2.0
 *
 * child.c - mcpgw-compile as the master's child: BOOT, COMPILE_JOB, GO; READY, notes, snapshots, DONE
 *
 * Process: mcpgw-compile.
 * Owns:    the dump's descriptor.
 * Trusts:  the master.  A broken channel ends the process: nothing half-made is ever handed over.
 */
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "ipc/birth.h"
#include "ipc/heritage.h"
#include "ipc/wait.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "policy/compiler/child.h"
#include "policy/compiler/keys.h"
#include "policy/tenants.h"
#include "sandbox/confine.h"

#define NOTE_BYTES	2000
#define CPU_MAX_S	30	/* 100,000 rules take less than one */

struct child {
	struct job	*j;
	uint32_t	 what;
	uint64_t	 generation;
	int		 dump;
	bool		 ready;
	char		 room[FRAME_MAX];	/* behind the texts of the message at hand */
};

static void
say(uint16_t type, uint64_t ref, const void *msg, const int *fd)
{
	int	r = chan_send_wait(HERITAGE_CONTROL, type, ref, msg, fd, fd == NULL ? 0 : 1);

	if (r != 0)
		fatal(EX_OSERR, "control channel: %s", err_text(r));
}

static void
say_note(enum note_level level, const char *line, void *arg)
{
	struct msg_COMPILE_NOTE	note = {
		.level = level == NOTE_ERROR ? LOG_LEVEL_ERR : LOG_LEVEL_WARNING,
		.line = span_part(span_of(line), 0, NOTE_BYTES),
	};

	(void)arg;
	say(MSG_TYPE_COMPILE_NOTE, 0, &note, NULL);
}

/* The next message that is for the caller; pings are answered here. */
static void
hear(struct child *c, struct frame *f, union msg_any *msg)
{
	int	r;

	for (;;) {
		r = chan_recv_wait(HERITAGE_CONTROL, ROLE_COMPILE, ROLE_MASTER, c->ready, c->room, f, msg);
		if (r == E_CLOSED)
			_exit(EX_TEMPFAIL);	/* the master is dead: nobody waits for this */
		if (r != 0)
			fatal(EX_OSERR, "control channel: %s", err_text(r));
		if (f->head.type != MSG_TYPE_PING)
			return;
		say(MSG_TYPE_PING, f->head.ref, &msg->PING, NULL);
		frame_close_fds(f);
	}
}

/* What the master answers, of two kinds of messages that are laid out alike; a descriptor, or -1 with *why. */
static int
hear_file(struct child *c, uint16_t there, uint16_t none, const char *name, const char **why)
{
	union msg_any	msg;
	struct frame	f;
	int		fd = -1;

	_Static_assert(offsetof(struct msg_CERT, name) == offsetof(struct msg_SECRET, name), "as CERT");
	_Static_assert(offsetof(struct msg_CERT_NONE, why) == offsetof(struct msg_SECRET_NONE, why), "as CERT_NONE");
	for (;;) {
		hear(c, &f, &msg);
		if (f.head.type == there && span_is(msg.SECRET.name, name)) {
			fd = f.fds[0];
			f.fds[0] = -1;
			break;
		}
		if (f.head.type == none && span_is(msg.SECRET_NONE.name, name)) {
			*why = job_fmt(c->j, "%.*s", SHOWN(msg.SECRET_NONE.why));
			break;
		}
		frame_close_fds(&f);	/* a fresh log descriptor, a drain: not for so short a life */
	}
	frame_close_fds(&f);
	return fd;
}

static int
secret_open(const char *name, const char **why, void *arg)
{
	struct child		*c = arg;
	struct msg_SECRET_WANT	 want = { .name = span_of(name), .tenant = span_of(c->j->tenant) };

	say(MSG_TYPE_SECRET_WANT, 0, &want, NULL);
	return hear_file(c, MSG_TYPE_SECRET, MSG_TYPE_SECRET_NONE, name, why);
}

static int
cred_open(const char *name, const char **why, void *arg)
{
	struct child		*c = arg;
	struct msg_CRED_WANT	 want = { .name = span_of(name), .tenant = span_of(c->j->tenant) };

	say(MSG_TYPE_CRED_WANT, 0, &want, NULL);
	return hear_file(c, MSG_TYPE_SECRET, MSG_TYPE_SECRET_NONE, name, why);
}

static int
cert_open(const char *name, const char **why, void *arg)
{
	struct msg_CERT_WANT	 want = { .name = span_of(name) };
	struct child		*c = arg;

	say(MSG_TYPE_CERT_WANT, 0, &want, NULL);
	return hear_file(c, MSG_TYPE_CERT, MSG_TYPE_CERT_NONE, name, why);
}

/* Not having it holds up nothing: what hangs on it is down, and says so. */
static void
take_vault(struct job *j, const struct msg_SNAPSHOT_OFFER *m, int fd)
{
	int	r;

	if (m->kind != SNAP_VAULT)
		return;
	snap_release(&j->vault);
	if ((r = snap_map(fd, &j->vault)) != 0)
		log_err(NULL, "what came from the vault is unusable: %s", err_text(r));
	else if (snap_head(j->vault)->kind != SNAP_VAULT)
		snap_release(&j->vault);
}

/* More than there is room for: nobody is promised anything by it. */
static void
take_learning(struct job *j, const struct msg_COMPILE_LEARN *m)
{
	struct learning	*l;

	if (j->learning_count == JOB_LEARNING_MAX || m->tenant.n >= sizeof(l->tenant) ||
	    m->server.n >= sizeof(l->server))
		return;
	l = &j->learning[j->learning_count++];
	memcpy(l->tenant, m->tenant.p, m->tenant.n);
	memcpy(l->server, m->server.p, m->server.n);
	l->until_ms = m->until_ms;
}

static void
hear_job(struct child *c)
{
	union msg_any	msg;
	struct frame	f;
	bool		go = false;

	while (!go) {
		hear(c, &f, &msg);
		switch (f.head.type) {
		case MSG_TYPE_BOOT:
			if (msg.BOOT.flags & BOOT_FLAG_PERSONAL)
				c->j->personal = true;
			birth_log_level(msg.BOOT.flags);
			break;
		case MSG_TYPE_COMPILE_JOB:
			fd_close(&c->dump);
			c->what = msg.COMPILE_JOB.what;
			c->generation = msg.COMPILE_JOB.generation;
			c->dump = f.fds[0];
			f.fds[0] = -1;
			break;
		case MSG_TYPE_SNAPSHOT_OFFER:
			take_vault(c->j, &msg.SNAPSHOT_OFFER, f.fds[0]);
			break;
		case MSG_TYPE_COMPILE_LEARN:
			take_learning(c->j, &msg.COMPILE_LEARN);
			break;
		case MSG_TYPE_GO:
			go = true;
			break;
		default:
			break;
		}
		frame_close_fds(&f);
	}
}

static void
hand_over(struct child *c, struct build *b, enum snap_kind kind, const char *consumer)
{
	struct msg_COMPILE_MADE	made = { .kind = kind, .consumer = span_of(consumer) };
	int			fd, r;

	if ((r = build_seal(b, c->generation, &fd, &made.length)) != 0)
		fatal(EX_OSERR, "snapshot cannot be made: %s", err_text(r));
	say(MSG_TYPE_COMPILE_MADE, 0, &made, &fd);
	fd_close(&fd);
}

/* NULL after saying why. */
static struct build *
make_keys(struct child *c)
{
	struct build	*b;
	int		 r = keys_make(c->dump, &b);

	if (r != 0)
		job_note(c->j, NOTE_ERROR, "store", 0, 0, NULL, "the dump of the keys is unusable: %s",
		    err_text(r));
	return b;
}

/* The next tenant may be found wrong, but then the master keeps nothing of this.  Most tenants have no secrets, and
 * a descriptor each is much among thousands. */
static void
on_tenant(struct job *j, void *arg)
{
	struct child	*c = arg;

	if (j->errors != 0)
		return;
	hand_over(c, j->profile, SNAP_PROFILE, j->tenant);
	if (build_count(j->tenant_secrets, SECTION_SECRET) > 0 || strcmp(j->tenant, TENANT_DEFAULT) == 0)
		hand_over(c, j->tenant_secrets, SNAP_SECRETS, j->tenant);
}

int
child_run(struct job *j)
{
	struct child		c = { .j = j, .dump = -1 };
	struct msg_READY	ready = { 0 };
	struct msg_COMPILE_DONE	done = { 0 };
	struct build		*keys = NULL;

	j->say = say_note;
	j->secret_open = secret_open;
	j->cert_open = cert_open;
	j->cred_open = cred_open;
	j->secret_arg = &c;
	j->secrets_needed = true;
	j->on_tenant = on_tenant;
	j->on_tenant_arg = &c;
	/* Whatever a library does with what it was given: it holds no reload for ever, nor outlives its master so. */
	if (setrlimit(RLIMIT_CPU, &(struct rlimit){ CPU_MAX_S, CPU_MAX_S }) == -1)
		return EX_OSERR;
	hear_job(&c);
	j->looks_only = (c.what & COMPILE_LOOK) != 0;
	if (confine_process(CONFINE_COMPILE, NULL, NULL) != 0)
		return EX_OSERR;	/* it said why */
	ready.generation = c.generation;
	say(MSG_TYPE_READY, 0, &ready, NULL);
	c.ready = true;

	/* Keys first: where they cannot be read nothing else is handed over. */
	if (c.what & COMPILE_KEYS)
		keys = make_keys(&c);
	if (c.what & COMPILE_POLICY)
		job_run(j);
	else if (c.what & COMPILE_PARAMS)
		job_run_params(j);
	if (j->errors == 0 && keys != NULL)
		hand_over(&c, keys, SNAP_KEYS, "");
	build_free(&keys);
	if (j->errors == 0 && (c.what & (COMPILE_POLICY | COMPILE_PARAMS)))
		hand_over(&c, j->policy, SNAP_POLICY, "");
	if (j->errors == 0 && (c.what & COMPILE_POLICY)) {
		hand_over(&c, j->worker_secrets, SNAP_SECRETS, "worker");
		hand_over(&c, j->scout_secrets, SNAP_SECRETS, SCOUT_CONSUMER);
	}
	done.errors = j->errors;
	done.warnings = j->warnings;
	say(MSG_TYPE_COMPILE_DONE, 0, &done, NULL);
	fd_close(&c.dump);
	return done.errors == 0 ? EX_OK : EX_CONFIG;
}
