/* SPDX-License-Identifier: Apache-2.0
 *
 * plan.c - from a profile in the snapshot to the spec of a jail
 *
 * Process: mcpgw-spawn.
 * Owns:    the plan's room.
 * Trusts:  the snapshots, which the master verified and whose texts are checked for bounds here; no
 *          request has a say in what is run, shown or allowed.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "sandbox/spawner/plan_priv.h"

#define ROOM_BYTES	(UINT64_C(4) << 20)
#define COUNT_MAX	65536	/* of arguments, variables, paths, limits */

int
plan_fault(struct plan *p, int error, const char *what, struct span about)
{
	snprintf(p->why, sizeof(p->why), "%s%s%.*s", what, about.n > 0 ? ": " : "", SPAN_FMT(about));
	return error;
}

void *
plan_room(struct plan *p, size_t bytes)
{
	void	*at = p->room + p->used;

	bytes = (bytes + 15) & ~(size_t)15;
	if (bytes > p->room_bytes - p->used)
		return NULL;
	p->used += bytes;
	return at;
}

/* "NAME=VALUE" with two spans, "VALUE" with one; NULL when the room is full or a NUL lies within. */
static const char *
text(struct plan *p, struct span name, struct span value, bool is_pair)
{
	size_t	 bytes = name.n + is_pair + value.n + 1;
	char	*to;

	if ((name.n > 0 && memchr(name.p, '\0', name.n) != NULL) ||
	    (value.n > 0 && memchr(value.p, '\0', value.n) != NULL) || (to = plan_room(p, bytes)) == NULL)
		return NULL;
	if (name.n > 0)
		memcpy(to, name.p, name.n);
	if (is_pair)
		to[name.n] = '=';
	if (value.n > 0)
		memcpy(to + name.n + is_pair, value.p, value.n);
	to[bytes - 1] = '\0';
	return to;
}

const char *
plan_copy(struct plan *p, const struct snap *s, struct stext t)
{
	return text(p, SPAN_NONE, snap_text(s, t), false);
}

const char *
plan_string(struct plan *p, const char *string)
{
	return text(p, SPAN_NONE, span_of(string), false);
}

static int
plan_args(struct plan *p, const struct snap *s, const struct rec_profile *rec)
{
	const char	**argv;

	if (rec->arg_count == 0 || rec->arg_count > COUNT_MAX)
		return plan_fault(p, E_FORMAT, "no arguments in the profile", SPAN_NONE);
	if ((argv = plan_room(p, (rec->arg_count + 1) * sizeof(*argv))) == NULL)
		return plan_fault(p, E_TOOBIG, "too many arguments", SPAN_NONE);
	for (uint32_t i = 0; i < rec->arg_count; i++) {
		const struct rec_arg *a = SNAP_AT(s, ARG, rec->arg_first + (uint64_t)i);

		if (a == NULL)
			return plan_fault(p, E_FORMAT, "an argument is not in the profile", SPAN_NONE);
		if ((argv[i] = plan_copy(p, s, a->text)) == NULL)
			return plan_fault(p, E_TOOBIG, "arguments too long", SPAN_NONE);
	}
	argv[rec->arg_count] = NULL;
	p->spec.argv = argv;
	return 0;
}

struct sought {
	struct span	name, value;
	bool		found;
};

static void
secret_seen(struct span name, struct span value, void *arg)
{
	struct sought	*want = arg;

	if (span_eq(name, want->name)) {
		want->value = value;
		want->found = true;
	}
}

static int
plan_env(struct plan *p, const struct snap *s, const struct rec_profile *rec, const struct snap *secrets)
{
	const char	**envp;

	if (rec->env_count > COUNT_MAX ||
	    (envp = plan_room(p, (rec->env_count + 1) * sizeof(*envp))) == NULL)
		return plan_fault(p, E_TOOBIG, "too many environment variables", SPAN_NONE);
	for (uint32_t i = 0; i < rec->env_count; i++) {
		const struct rec_env	*e = SNAP_AT(s, ENV, rec->env_first + (uint64_t)i);
		struct sought		 want = { .found = true };

		if (e == NULL)
			return plan_fault(p, E_FORMAT, "a variable is not in the profile", SPAN_NONE);
		want.name = snap_text(s, e->name);
		want.value = snap_text(s, e->value);
		if (e->secret.bytes > 0) {
			want.found = false;
			if (secrets != NULL)
				policy_secrets_each(secrets, span_of(snap_head(secrets)->consumer),
				    snap_text(s, rec->server), secret_seen, &want);
		}
		if (!want.found)
			return plan_fault(p, E_NOTFOUND, "no value for the secret variable", want.name);
		if ((envp[i] = text(p, want.name, want.value, true)) == NULL)
			return plan_fault(p, E_TOOBIG, "environment too long", SPAN_NONE);
	}
	envp[rec->env_count] = NULL;
	p->spec.envp = envp;
	return 0;
}

static int
plan_binds(struct plan *p, const struct snap *s, const struct rec_profile *rec)
{
	struct jail_bind	*binds;
	size_t			 n = 0;

	if (rec->bind_count > COUNT_MAX || (binds = plan_room(p, rec->bind_count * sizeof(*binds))) == NULL)
		return plan_fault(p, E_TOOBIG, "too many paths", SPAN_NONE);
	for (uint32_t i = 0; i < rec->bind_count; i++) {
		const struct rec_bind	*b = SNAP_AT(s, BIND, rec->bind_first + (uint64_t)i);
		struct jail_bind	*to = &binds[n];

		if (b == NULL)
			return plan_fault(p, E_FORMAT, "a path is not in the profile", SPAN_NONE);
		if (span_is(snap_text(s, b->target), "/usr"))
			continue;	/* every jail has it */
		to->target = plan_copy(p, s, b->target);
		to->source = plan_copy(p, s, b->source);
		if (to->target == NULL || to->source == NULL)
			return plan_fault(p, E_TOOBIG, "paths too long", SPAN_NONE);
		if (b->flags & BIND_STATE) {
			p->spec.home = to->target;
			continue;
		}
		to->flags = (b->flags & BIND_WRITABLE ? JAIL_BIND_WRITABLE : 0) |
		    (b->flags & BIND_EXEC ? JAIL_BIND_EXEC : 0) |
		    (b->flags & BIND_OPTIONAL ? JAIL_BIND_OPTIONAL : 0);
		n++;
	}
	p->spec.binds = binds;
	p->spec.bind_count = n;
	return 0;
}

static int
plan_rlimits(struct plan *p, const struct snap *s, const struct rec_profile *rec)
{
	struct jail_rlimit	*limits;

	if (rec->rlimit_count > COUNT_MAX ||
	    (limits = plan_room(p, rec->rlimit_count * sizeof(*limits))) == NULL)
		return plan_fault(p, E_TOOBIG, "too many limits", SPAN_NONE);
	for (uint32_t i = 0; i < rec->rlimit_count; i++) {
		const struct rec_rlimit *l = SNAP_AT(s, RLIMIT, rec->rlimit_first + (uint64_t)i);

		if (l == NULL)
			return plan_fault(p, E_FORMAT, "a limit is not in the profile", SPAN_NONE);
		limits[i] = (struct jail_rlimit){ (int)l->resource, l->value };
	}
	p->spec.rlimits = limits;
	p->spec.rlimit_count = rec->rlimit_count;
	return 0;
}

/* A tier without its filter is no tier: only `off` may come without one. */
static int
plan_filter(struct plan *p, const struct snap *s, const struct rec_profile *rec)
{
	const struct rec_filter	*f;
	struct sock_filter	*code;

	if (rec->tier == TIER_OFF)
		return 0;
	f = rec->filter == 0 ? NULL : SNAP_AT(s, FILTER, rec->filter - 1);
	if (f == NULL || f->count == 0 || f->count > BPF_MAXINSNS)
		return plan_fault(p, E_FORMAT, "no system call filter for this tier in the profile", SPAN_NONE);
	if ((code = plan_room(p, f->count * sizeof(*code))) == NULL)
		return plan_fault(p, E_TOOBIG, "filter too long", SPAN_NONE);
	for (uint64_t i = 0; i < f->count; i++) {
		const struct rec_bpf *b = SNAP_AT(s, BPF, f->first + i);

		if (b == NULL)
			return plan_fault(p, E_FORMAT, "a filter is not whole in the profile", SPAN_NONE);
		code[i] = (struct sock_filter){ b->code, b->jt, b->jf, b->k };
	}
	p->spec.filter = code;
	p->spec.filter_count = f->count;
	p->spec.listener = f->listener != 0;
	return 0;
}

static const uint16_t learn_ports[] = {
#define LEARN_PORT(number, doc) number,
#include "tables/learnports.def"
#undef LEARN_PORT
};
#define LEARN_PORTS	(sizeof(learn_ports) / sizeof(learn_ports[0]))

static bool
has_port(const struct plan *p, uint16_t port)
{
	for (size_t i = 0; i < p->spec.port_count; i++)
		if (p->spec.ports[i] == port)
			return true;
	return false;
}

/* A list's own ports, each once; then, for what is learnt, the well-known ones as far as there is room. */
static int
plan_ports(struct plan *p, const struct snap *s, const struct rec_profile *rec)
{
	uint16_t	*ports = plan_room(p, JAIL_PORTS_MAX * sizeof(*ports));

	if (ports == NULL || rec->reach_count > COUNT_MAX)
		return plan_fault(p, E_TOOBIG, "too many hosts", SPAN_NONE);
	p->spec.ports = ports;
	for (uint32_t i = 0; i < rec->reach_count; i++) {
		const struct rec_reach *r = SNAP_AT(s, REACH, rec->reach_first + (uint64_t)i);

		if (r == NULL || r->port == 0 || r->port > UINT16_MAX)
			return plan_fault(p, E_FORMAT, "a host is not in the profile", SPAN_NONE);
		if (has_port(p, (uint16_t)r->port))
			continue;
		if (p->spec.port_count == JAIL_PORTS_MAX)
			return plan_fault(p, E_TOOBIG, "too many different ports", SPAN_NONE);
		ports[p->spec.port_count++] = (uint16_t)r->port;
	}
	for (size_t i = 0; (rec->flags & SERVER_FLAG_LEARN) != 0 && i < LEARN_PORTS; i++)
		if (p->spec.port_count < JAIL_PORTS_MAX && !has_port(p, learn_ports[i]))
			ports[p->spec.port_count++] = learn_ports[i];
	return 0;
}

static int
plan_net(struct plan *p, const struct snap *s, const struct rec_profile *rec)
{
	static const enum jail_network	nets[] = { [NET_NONE] = JAIL_NET_NONE,
		[NET_LOOPBACK] = JAIL_NET_LOOPBACK, [NET_HOST] = JAIL_NET_HOST, [NET_LIST] = JAIL_NET_LIST };

	if (rec->net > NET_LIST)
		return plan_fault(p, E_FORMAT, "unknown net in the profile", SPAN_NONE);
	p->spec.net = nets[rec->net];
	return rec->net == NET_LIST ? plan_ports(p, s, rec) : 0;
}

/* All but the program and its arguments. */
static int
plan_common(const struct snap *profile, const struct rec_profile *rec, const struct snap *secrets,
    int state_fd, struct plan *p)
{
	int	r;

	*p = (struct plan){ .spec = { .state_fd = state_fd }, .room_bytes = ROOM_BYTES };
	p->room = mmap(NULL, ROOM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p->room == MAP_FAILED) {
		p->room = NULL;
		return plan_fault(p, E_NOMEM, "out of memory", SPAN_NONE);
	}
	p->spec.private_memory = p->room;
	p->spec.private_bytes = p->room_bytes;
	p->spec.tmp_bytes = rec->tmp_bytes;
	p->spec.home_bytes = rec->state_bytes;
	p->spec.landlock_abi_max = rec->landlock_abi_max;
	p->spec.exec_tmp = (rec->flags & SERVER_FLAG_EXEC_TMP) != 0;
	if (rec->workdir.bytes > 0 && (p->spec.workdir = plan_copy(p, profile, rec->workdir)) == NULL)
		return plan_fault(p, E_FORMAT, "malformed workdir in the profile", SPAN_NONE);
	if ((r = plan_net(p, profile, rec)) != 0 || (r = plan_env(p, profile, rec, secrets)) != 0 ||
	    (r = plan_binds(p, profile, rec)) != 0 || (r = plan_rlimits(p, profile, rec)) != 0)
		return r;
	return plan_filter(p, profile, rec);
}

static int
plan_program(struct plan *p, const struct snap *profile, struct stext program)
{
	if (program.bytes == 0 || (p->spec.program = plan_copy(p, profile, program)) == NULL)
		return plan_fault(p, E_FORMAT, "no program in the profile", SPAN_NONE);
	return 0;
}

int
plan_make(const struct snap *profile, const struct rec_profile *rec, const struct snap *secrets,
    int state_fd, struct plan *p)
{
	int	r;

	if ((r = plan_common(profile, rec, secrets, state_fd, p)) != 0 ||
	    (r = plan_program(p, profile, rec->program)) != 0)
		return r;
	return plan_args(p, profile, rec);
}

int
plan_make_tool(const struct snap *profile, const struct rec_profile *rec, const struct snap *secrets,
    const struct plan_tool *tool, struct plan *p)
{
	int	r;

	if ((r = plan_common(profile, rec, secrets, -1, p)) != 0 ||
	    (r = plan_program(p, profile, tool->tool->program)) != 0)
		return r;
	return plan_words(p, profile, tool);
}

void
plan_fini(struct plan *p)
{
	if (p->room != NULL)
		munmap(p->room, p->room_bytes);
	p->room = NULL;
}
