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

/* Twice: first, without `to`, to see how much it is. */
struct writing {
	char	*to;
	size_t	 n;
};

static bool
has_jail_name(struct span text)
{
	return text.n > 0 && (memmem(text.p, text.n, RUNTIME_BIN "/", strlen(RUNTIME_BIN "/")) != NULL ||
	    memmem(text.p, text.n, JAIL_HOME, strlen(JAIL_HOME)) != NULL);
}

/* `text` begins with this path, as a whole. */
static bool
begins(struct span text, const char *path)
{
	size_t	n = strlen(path);

	return text.n >= n && memcmp(text.p, path, n) == 0 &&
	    (text.n == n || text.p[n] == '/' || text.p[n] == ':');
}

/* The host's name of what begins here, and how much of the text it stands for; NULL: it is the same. */
static const char *
host_name(const struct names *n, struct span text, size_t *skip)
{
	const struct jail_spec	*spec = &n->p->spec;
	const char		*runtime = NULL;

	for (size_t i = 0; i < spec->bind_count; i++) {
		const struct jail_bind *b = &spec->binds[i];

		if (begins(span_of(b->target), RUNTIME_BIN))
			runtime = b->source;
		if (!begins(text, b->target))
			continue;
		*skip = strlen(b->target);
		return strcmp(b->target, b->source) == 0 ? NULL : b->source;
	}
	*skip = strlen(RUNTIME_BIN);
	if (runtime != NULL && begins(text, RUNTIME_BIN) && (text.n == *skip || text.p[*skip] != '/'))
		return runtime;			/* its folder: see name_length() */
	if (begins(text, n->p->spec.home != NULL ? n->p->spec.home : JAIL_HOME)) {
		*skip = strlen(n->p->spec.home != NULL ? n->p->spec.home : JAIL_HOME);
		return n->f->home;
	}
	*skip = strlen("/tmp");
	return begins(text, "/tmp") ? n->f->tmp : NULL;
}

static size_t
name_length(const char *name, struct span text)
{
	const char	*slash = strrchr(name, '/');
	size_t		 n = strlen(RUNTIME_BIN);

	/* In a PATH the folder of an interpreter is meant, not the one we know of. */
	return begins(text, RUNTIME_BIN) && (text.n == n || text.p[n] != '/') && slash != NULL ?
	    (size_t)(slash - name) : strlen(name);
}

static void
put(struct writing *w, const char *bytes, size_t n)
{
	if (w->to != NULL && n > 0)
		memcpy(w->to + w->n, bytes, n);
	w->n += n;
}

/* What the operator wrote; `first`: it begins the word, `last`: it ends it.  E_DENIED: it has a name of the jail that
 * stays. */
static int
put_literal(const struct names *n, struct writing *w, struct span text, bool first, bool last)
{
	size_t	kept = 0, skip;

	for (size_t at = 0; at < text.n;) {
		struct span	 rest = span_part(text, at, text.n - at), before = span_part(text, kept, at - kept);
		bool		 begin = at == 0 ? first : text.p[at - 1] == ':' || text.p[at - 1] == '=';
		const char	*name = begin ? host_name(n, rest, &skip) : NULL;

		if (name == NULL) {
			at++;
			continue;
		}
		/* A value behind it may go on with the name. */
		if (skip == rest.n && !last)
			return E_DENIED;
		if (has_jail_name(before))
			return E_DENIED;
		put(w, before.p, before.n);
		put(w, name, name_length(name, rest));
		kept = at += skip;
	}
	if (has_jail_name(span_part(text, kept, text.n - kept)))
		return E_DENIED;
	put(w, text.p + kept, text.n - kept);
	return 0;
}

/* A client's values stay as they are: a path among them is beneath the working folder, anything else is no path. */
static int
put_word(const struct names *n, struct writing *w, struct span text, const struct plan_foreign *foreign)
{
	size_t	at = 0, count = foreign == NULL ? 0 : foreign->count;
	int	r;

	for (size_t i = 0; i < count; i++) {
		struct plan_value	v = foreign->values[i];

		if ((r = put_literal(n, w, span_part(text, at, v.at - at), at == 0, false)) != 0)
			return r;
		put(w, text.p + v.at, v.bytes);
		at = v.at + v.bytes;
	}
	return put_literal(n, w, span_part(text, at, text.n - at), at == 0 && count == 0, true);
}

/* The text with the host's names, to *out.  0, E_DENIED or E_TOOBIG. */
static int
translate(struct names *n, const char *text, const struct plan_foreign *foreign, const char **out)
{
	struct writing	w = { NULL, 0 };
	int		r;

	*out = NULL;
	if ((r = put_word(n, &w, span_of(text), foreign)) != 0)
		return r;
	if ((w.to = plan_room(n->p, w.n + 1)) == NULL)
		return E_TOOBIG;
	w.to[w.n] = '\0';
	w.n = 0;
	*out = w.to;
	return put_word(n, &w, span_of(text), foreign);
}

static int
fault(struct plan *p, int error, const char *what, const char *about)
{
	snprintf(p->why, sizeof(p->why), "%s%.60s", what, about);
	return error;
}

/* What is wrong may reach a client, so that it says where, and no text: that may be a secret. */
static int
word_fault(struct plan *p, int error, const char *where)
{
	snprintf(p->why, sizeof(p->why), error == E_DENIED ? "%.80s: a path of the jail within a word needs namespaces "
	    "(the jail is reduced)" : "%.80s is too long", where);
	return error;
}

static const char *const *
list_room(struct plan *p, const char *const *list)
{
	size_t	count = 0;

	while (list[count] != NULL)
		count++;
	return plan_room(p, (count + 1) * sizeof(*list));
}

static int
arguments(struct names *n)
{
	struct plan	*p = n->p;
	const char	**to = (const char **)(uintptr_t)list_room(p, p->spec.argv);
	char		 where[40];
	size_t		 i;
	int		 r;

	if (to == NULL)
		return fault(p, E_TOOBIG, "too many arguments", "");
	for (i = 0; p->spec.argv[i] != NULL; i++)
		if ((r = translate(n, p->spec.argv[i], p->foreign == NULL ? NULL : &p->foreign[i], &to[i])) != 0) {
			snprintf(where, sizeof(where), "its argument %zu", i);
			return word_fault(p, r, where);
		}
	to[i] = NULL;
	p->spec.argv = to;
	return 0;
}

static int
environment(struct names *n)
{
	struct plan	*p = n->p;
	const char	**to = (const char **)(uintptr_t)list_room(p, p->spec.envp);
	char		 where[80];
	size_t		 i;
	int		 r;

	if (to == NULL)
		return fault(p, E_TOOBIG, "too many environment variables", "");
	for (i = 0; p->spec.envp[i] != NULL; i++)
		if ((r = translate(n, p->spec.envp[i], NULL, &to[i])) != 0) {
			snprintf(where, sizeof(where), "its variable %.*s", (int)strcspn(p->spec.envp[i], "="),
			    p->spec.envp[i]);
			return word_fault(p, r, where);
		}
	to[i] = NULL;
	p->spec.envp = to;
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
	if ((r = translate(&n, p->spec.program, NULL, &program)) != 0)
		return word_fault(p, r, "its program");
	if (p->spec.workdir != NULL && (r = translate(&n, p->spec.workdir, NULL, &workdir)) != 0)
		return word_fault(p, r, "its working folder");
	if ((r = arguments(&n)) != 0 || (r = environment(&n)) != 0 || (r = processes(p, rec)) != 0 ||
	    (r = binds(p)) != 0)
		return r;
	p->spec.program = program;
	p->spec.workdir = workdir;
	p->spec.home = f->home;
	p->spec.tmp = f->tmp;
	p->spec.reduced = true;
	return 0;
}
