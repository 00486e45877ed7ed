/* SPDX-License-Identifier: Apache-2.0
 *
 * reduce.c - a plan for a jail without namespaces: every path as it is on the host
 *
 * Process: mcpgw-spawn.  Owns: nothing; new texts lie in the plan's room.
 * Trusts:  the plan, which was made of the profile.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "sandbox/spawner/plan_priv.h"
#include "sandbox/spawner/reduce.h"

#define RUNTIME_BIN	"/runtime/bin"	/* policy/compiler/program.c: interpreters of somebody's home */
#define PROCESSES_MORE	32		/* of the tenant's user besides its tools: runner, spawner, inits */

struct names {
	struct plan			*p;
	const struct reduce_folders	*f;
};

/* `text` begins with this path, as a whole. */
static bool
begins(const char *text, const char *path)
{
	size_t	n = strlen(path);

	return strncmp(text, path, n) == 0 && (text[n] == '\0' || text[n] == '/' || text[n] == ':');
}

/* The host's name of what begins here, and how much of the text it stands for; NULL: it is the same. */
static const char *
host_name(const struct names *n, const char *text, size_t *skip)
{
	const struct jail_spec	*spec = &n->p->spec;
	const char		*runtime = NULL;

	for (size_t i = 0; i < spec->bind_count; i++) {
		const struct jail_bind *b = &spec->binds[i];

		if (begins(b->target, RUNTIME_BIN))
			runtime = b->source;
		if (!begins(text, b->target))
			continue;
		*skip = strlen(b->target);
		return strcmp(b->target, b->source) == 0 ? NULL : b->source;
	}
	*skip = strlen(RUNTIME_BIN);
	if (runtime != NULL && begins(text, RUNTIME_BIN) && text[*skip] != '/')
		return runtime;			/* its folder: see put_name() */
	if (begins(text, n->p->spec.home != NULL ? n->p->spec.home : JAIL_HOME)) {
		*skip = strlen(n->p->spec.home != NULL ? n->p->spec.home : JAIL_HOME);
		return n->f->home;
	}
	*skip = strlen("/tmp");
	return begins(text, "/tmp") ? n->f->tmp : NULL;
}

static size_t
name_length(const char *name, const char *text)
{
	const char	*slash = strrchr(name, '/');

	/* In a PATH the folder of an interpreter is meant, not the one we know of. */
	return begins(text, RUNTIME_BIN) && text[strlen(RUNTIME_BIN)] != '/' && slash != NULL ?
	    (size_t)(slash - name) : strlen(name);
}

static bool
begins_word(const char *text, const char *at)
{
	return at == text || at[-1] == ':' || at[-1] == '=';
}

/* The text with the host's names; NULL: no room. */
static const char *
translate(struct names *n, const char *text)
{
	size_t		 need = 1, skip, k;
	const char	*name, *at;
	char		*to, *end;

	for (at = text; *at != '\0';) {
		name = begins_word(text, at) ? host_name(n, at, &skip) : NULL;
		need += name == NULL ? 1 : name_length(name, at);
		at += name == NULL ? 1 : skip;
	}
	if ((to = end = plan_room(n->p, need)) == NULL)
		return NULL;
	for (at = text; *at != '\0';) {
		if ((name = begins_word(text, at) ? host_name(n, at, &skip) : NULL) == NULL) {
			*end++ = *at++;
			continue;
		}
		k = name_length(name, at);
		memcpy(end, name, k);
		end += k;
		at += skip;
	}
	*end = '\0';
	return to;
}

static int
fault(struct plan *p, int error, const char *what, const char *about)
{
	snprintf(p->why, sizeof(p->why), "%s%.60s", what, about);
	return error;
}

static int
translate_list(struct names *n, const char *const *list, const char *const **out)
{
	const char	**to;
	size_t		  count = 0;

	while (list[count] != NULL)
		count++;
	if ((to = plan_room(n->p, (count + 1) * sizeof(*to))) == NULL)
		return fault(n->p, E_TOOBIG, "too many arguments", "");
	for (size_t i = 0; i < count; i++) {
		if ((to[i] = translate(n, list[i])) == NULL)
			return fault(n->p, E_TOOBIG, "arguments too long", "");
		if (strstr(to[i], RUNTIME_BIN "/") != NULL || strstr(to[i], JAIL_HOME) != NULL)
			return fault(n->p, E_DENIED, "a path of the jail within a word cannot be had without "
			    "namespaces (the jail is reduced): ", list[i]);
	}
	to[count] = NULL;
	*out = to;
	return 0;
}

static int
processes(struct plan *p, const struct rec_profile *rec)
{
	struct jail_rlimit	*l = plan_room(p, (p->spec.rlimit_count + 1) * sizeof(*l));
	uint64_t		 each = 64, many = rec->max_instances > 0 ? rec->max_instances : 1;

	if (l == NULL)
		return fault(p, E_TOOBIG, "too many limits", "");
	for (size_t i = 0; i < p->spec.rlimit_count; i++) {
		l[i] = p->spec.rlimits[i];
		if (l[i].resource == RLIMIT_NPROC)
			each = l[i].value;
	}
	for (size_t i = 0; i < p->spec.rlimit_count; i++)
		if (l[i].resource == RLIMIT_NPROC)
			l[i].value = each * many + PROCESSES_MORE;
	l[p->spec.rlimit_count++] = (struct jail_rlimit){ RLIMIT_NPROC, each * many + PROCESSES_MORE };
	p->spec.rlimits = l;
	return 0;
}

/* What a bind shows is granted where it is. */
static int
binds(struct plan *p)
{
	struct jail_bind	*b = plan_room(p, (p->spec.bind_count + 1) * sizeof(*b));

	if (b == NULL)
		return fault(p, E_TOOBIG, "too many paths", "");
	for (size_t i = 0; i < p->spec.bind_count; i++) {
		b[i] = p->spec.binds[i];
		b[i].target = b[i].source;
	}
	p->spec.binds = b;
	return 0;
}

int
reduce_plan(struct plan *p, const struct rec_profile *rec, const struct reduce_folders *f)
{
	struct names	n = { p, f };
	const char	*program, *workdir = NULL;
	int		 r;

	if (rec->tier == TIER_OFF)
		return fault(p, E_DENIED, "\"tier\": \"off\" cannot be had without namespaces (the jail is reduced): "
		    "the system call filter is half of it", "");
	if ((program = translate(&n, p->spec.program)) == NULL ||
	    (p->spec.workdir != NULL && (workdir = translate(&n, p->spec.workdir)) == NULL))
		return fault(p, E_TOOBIG, "paths too long", "");
	if ((r = translate_list(&n, p->spec.argv, &p->spec.argv)) != 0 ||
	    (r = translate_list(&n, p->spec.envp, &p->spec.envp)) != 0 || (r = processes(p, rec)) != 0 ||
	    (r = binds(p)) != 0)
		return r;
	p->spec.program = program;
	p->spec.workdir = workdir;
	p->spec.home = f->home;
	p->spec.tmp = f->tmp;
	p->spec.reduced = true;
	return 0;
}
