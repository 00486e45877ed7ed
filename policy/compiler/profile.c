/* SPDX-License-Identifier: Apache-2.0
 *
 * profile.c - a server with a command: all that a spawner and a runner need to know about it
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  the operator's words.  Values of secrets go to the tenant's SECRET section alone; here
 *          stands only that there is one.
 */
#include <errno.h>
#include <unistd.h>

#include "policy/compiler/bounds.h"
#include "policy/compiler/filter.h"
#include "policy/compiler/making.h"
#include "policy/compiler/secrets.h"
#include "policy/compiler/typed.h"
#include "policy/compiler/vars.h"

#define TOOL_HOME	"/home/tool"	/* as sandbox/jail.h: the made-up passwd entry names it */
#define TOOL_USER	"tool"
#define JAIL_PROXY	"http://127.0.0.1:3128"	/* as sandbox/jail.h */
#define STOP_MS		2000		/* between the end of stdin, TERM and KILL */
#define ARGS_MAX	1024

static void
put_env(struct making *m, struct span name, struct span value, bool secret)
{
	struct rec_env	e = { .name = put_text(m->b, name) };

	if (secret)
		e.secret = e.name;
	else
		e.value = put_text(m->b, value);
	put_record(m->b, SECTION_ENV, &e);
	m->p.env_count++;
	digest_text(&m->digest, name);
	digest_text(&m->digest, secret ? SPAN_LIT("secret") : value);
}

static void
put_arg(struct making *m, struct span text)
{
	struct rec_arg	a = { put_text(m->b, text) };

	put_record(m->b, SECTION_ARG, &a);
	m->p.arg_count++;
	digest_text(&m->digest, text);
}

/* False: nothing can be made of it; why was said. */
static bool
expand(struct making *m, const struct conf_node *n, bool may_secret, struct vars_value *v)
{
	if (!vars_expand(m->j, m->s, n, may_secret, v)) {
		m->ok = false;
		return false;
	}
	if (v->missing) {
		server_down(m->sv, n, "%s", v->why);
		m->ok = false;
		return false;
	}
	return true;
}

/* --- arguments ---------------------------------------------------------------------------------- */

/* Options of interpreters behind which no script follows: python -m, -c, node -e, sh -c. */
static bool
has_no_script(struct span arg)
{
	return span_is(arg, "-m") || span_is(arg, "-c") || span_is(arg, "-e") || span_is(arg, "-p") ||
	    span_is(arg, "--eval") || span_is(arg, "--print");
}

static void
read_args(struct making *m)
{
	const struct conf_node	*args = NULL, *n;
	const char		*script;
	struct vars_value	 v;
	bool			 seek = m->program.interpreter;

	m->p.arg_first = (uint32_t)build_count(m->b, SECTION_ARG);
	put_arg(m, span_of(m->program.argv0));
	if (!typed_list(m->j, m->s, m->sv->node, "args", JSON_ARRAY, true, &args))
		return;
	if (args->count > ARGS_MAX) {
		job_error(m->j, m->s, args, "more than %d arguments", ARGS_MAX);
		return;
	}
	for (n = args->first; n != NULL; n = n->next) {
		if (!expand(m, n, false, &v))
			continue;
		if (seek && has_no_script(v.text))
			seek = false;
		if (seek && v.text.n > 0 && v.text.p[0] != '-') {
			seek = false;
			script = program_script(m->j, job_dup(m->j, v.text).p,
			    m->workdir != NULL ? m->workdir : m->s->folder, &m->view);
			if (script != NULL)
				v.text = span_of(script);
		}
		put_arg(m, v.text);
	}
}

/* --- environment -------------------------------------------------------------------------------- */

/* operations.md 3: what lets ordinary servers start although nothing is inherited. */
static const char *const baseline[][2] = {
	{ "HOME", TOOL_HOME }, { "USER", TOOL_USER }, { "LOGNAME", TOOL_USER }, { "TMPDIR", "/tmp" },
	{ "PATH", "/runtime/bin:/usr/local/bin:/usr/bin:/bin" },
	{ "LANG", "C.UTF-8" }, { "TZ", ":/etc/localtime" },
	{ "XDG_CONFIG_HOME", TOOL_HOME "/.config" }, { "XDG_CACHE_HOME", TOOL_HOME "/.cache" },
	{ "XDG_DATA_HOME", TOOL_HOME "/.local/share" }, { "XDG_STATE_HOME", TOOL_HOME "/.local/state" },
	{ "NO_COLOR", "1" }, { "PYTHONUNBUFFERED", "1" }, { "PYTHONDONTWRITEBYTECODE", "1" },
};

/* Programs that take a proxy from the environment are spared a look-up of their own.  Not HTTP_PROXY: plain http
 * passes as it is, and through a proxy of that name it would come as requests for whole URLs; not ALL_PROXY, of
 * which every program thinks something else. */
static const char *const with_hosts[][2] = {
	{ "HTTPS_PROXY", JAIL_PROXY }, { "https_proxy", JAIL_PROXY },
	{ "NO_PROXY", "localhost,127.0.0.1,::1" }, { "no_proxy", "localhost,127.0.0.1,::1" },
};

static void
put_defaults(struct making *m, const struct conf_node *env, const char *const (*rows)[2], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (conf_find(env, rows[i][0]) == NULL)
			put_env(m, span_of(rows[i][0]), span_of(rows[i][1]), false);
}

static bool
env_name_ok(struct span name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == '=' || (unsigned char)c <= ' ' || c == 0x7f)
			return false;
	}
	return name.n > 0 && name.n <= 256;
}

static void
read_env(struct making *m)
{
	const struct conf_node	*env = NULL, *n;
	struct vars_value	 v;

	(void)typed_list(m->j, m->s, m->sv->node, "env", JSON_OBJECT, true, &env);
	m->p.env_first = (uint32_t)build_count(m->b, SECTION_ENV);
	put_defaults(m, env, baseline, sizeof(baseline) / sizeof(baseline[0]));
	if (m->sv->rec.net == NET_LIST)
		put_defaults(m, env, with_hosts, sizeof(with_hosts) / sizeof(with_hosts[0]));
	for (n = env == NULL ? NULL : env->first; n != NULL; n = n->next) {
		if (!env_name_ok(n->key)) {
			job_error_key(m->j, m->s, n, "no name of an environment variable");
			continue;
		}
		if (!expand(m, n, true, &v))
			continue;
		put_env(m, n->key, v.text, v.secret);
		if (v.secret)
			secret_put(m->j, m->j->tenant_secrets, m->sv->name, n->key, v.text);
	}
}

/* --- view --------------------------------------------------------------------------------------- */

/* Two tools never run on one writable folder at once: the second call is refused.  Whoever would run
 * into this is told before. */
static void
note_written(struct making *m, const struct conf_node *n, const char *path)
{
	struct job	*j = m->j;

	for (size_t i = 0; i < j->written_count; i++)
		if (!span_eq(j->written[i].server, m->sv->name) &&
		    (path_within(path, j->written[i].path) || path_within(j->written[i].path, path)))
			job_warn(j, m->s, n, "server \"%.*s\" writes there too; only one of them can run at a "
			    "time", SHOWN(j->written[i].server));
	j->written = list_more(j->written, j->written_count, sizeof(*j->written));
	j->written[j->written_count++] = (struct written){ m->sv->name, path };
	if (m->sv->rec.isolation != ISOLATION_TENANT && !j->personal && n->index == 0)
		job_warn(j, m->s, n, "every caller has a tool of their own, but only one can run at a time "
		    "on this folder; \"isolation\": \"tenant\" lets them share one");
}

static void
read_paths(struct making *m, const char *key, unsigned flags)
{
	const struct conf_node	*list = NULL, *n;
	const char		*path, *own;
	struct vars_value	 v;

	if (!typed_list(m->j, m->s, m->sv->node, key, JSON_ARRAY, true, &list))
		return;
	for (n = list->first; n != NULL; n = n->next) {
		if (!expand(m, n, false, &v))
			continue;
		path = path_absolute(m->j, v.text, m->s->folder);
		if (v.text.n == 0 || path_within(path, "/proc") || path_within(path, "/sys") ||
		    path_within(path, "/dev") || strcmp(path, "/") == 0) {
			job_error(m->j, m->s, n, "\"%.*s\" cannot be shown to a tool", SHOWN(v.text));
			continue;
		}
		if ((own = view_reveals(m->j, path)) != NULL) {
			job_error(m->j, m->s, n, "\"%.*s\" would show the gateway's own files (%s)",
			    SHOWN(v.text), own);
			continue;
		}
		if ((flags & BIND_WRITABLE) && view_is_package(m->j, path)) {
			job_error(m->j, m->s, n, "\"%.*s\" is a package, which tools read and never change",
			    SHOWN(v.text));
			continue;
		}
		if (flags & BIND_WRITABLE)
			note_written(m, n, path);
		if (access(path, F_OK) != 0) {
			job_warn(m->j, m->s, n, "%s: %s; the tool will not see it", path, strerror(errno));
			view_add(&m->view, path, path, flags | BIND_OPTIONAL);
			continue;
		}
		view_add(&m->view, path, path, flags);
	}
}

static void
read_workdir(struct making *m)
{
	const struct conf_node	*n = conf_find(m->sv->node, "workdir");
	struct vars_value	 v;

	if (n == NULL)
		n = conf_find(m->sv->node, "cwd");
	if (n == NULL || !typed_is(m->j, m->s, n, JSON_STRING) || !expand(m, n, false, &v))
		return;
	m->workdir = path_absolute(m->j, v.text, m->s->folder);
}

/* A working directory must be in the view; all of it is known only now. */
static void
check_workdir(struct making *m)
{
	const struct conf_node	*n = conf_find(m->sv->node, "workdir");
	bool			 ours = n != NULL;

	if (m->workdir == NULL || view_covers(&m->view, m->workdir, 0) ||
	    path_within(m->workdir, TOOL_HOME) || path_within(m->workdir, "/tmp"))
		return;
	if (!ours)
		n = conf_find(m->sv->node, "cwd");
	job_error(m->j, m->s, n, "%s is not visible to the tool; add it to \"read\" or \"write\"",
	    m->workdir);
}

static void
put_binds(struct making *m)
{
	view_sort(&m->view);
	m->p.bind_first = (uint32_t)build_count(m->b, SECTION_BIND);
	m->p.bind_count = (uint32_t)m->view.count;
	for (size_t i = 0; i < m->view.count; i++) {
		const struct view_bind	*v = &m->view.binds[i];
		struct rec_bind		 r = { .flags = v->flags };

		r.source = put_text(m->b, span_of(v->source));
		r.target = put_text(m->b, span_of(v->target));
		put_record(m->b, SECTION_BIND, &r);
		digest_text(&m->digest, span_of(v->source));
		digest_text(&m->digest, span_of(v->target));
		digest_number(&m->digest, v->flags);
	}
}

/* The same for the workers, who tell a tool of such folders only. */
static void
put_seen(struct making *m)
{
	struct build		*b = m->j->policy;
	struct rec_server	*rec = &m->sv->rec;

	rec->seen_first = (uint32_t)build_count(b, SECTION_SEEN);
	for (size_t i = 0; i < m->view.count; i++) {
		const struct view_bind	*v = &m->view.binds[i];
		struct rec_seen		 r;

		if ((v->flags & BIND_STATE) != 0 || strcmp(v->source, v->target) != 0)
			continue;
		r.path = put_text(b, span_of(v->target));
		put_record(b, SECTION_SEEN, &r);
		rec->seen_count++;
	}
}

/* --- filter ------------------------------------------------------------------------------------- */

/* The same for every tenant, and dear to make. */
static const struct filter *
filter_of(enum jail_tier tier, enum jail_net net)
{
	static struct filter	made[TIER_OFF][NET_LIST + 1];
	struct filter		*f = &made[tier][net];

	return f->count > 0 || filter_make(tier, net, f) == 0 ? f : NULL;
}

void
profile_finish(struct job *j)
{
	struct rec_profile	*p;
	const struct filter	*f;
	uint32_t		 made[TIER_OFF + 1][NET_LIST + 1] = { 0 };

	for (uint64_t i = 0; (p = build_at(j->profile, SECTION_PROFILE, i)) != NULL; i++) {
		uint32_t *index = &made[p->tier][p->net];
		struct rec_filter r;

		if (p->tier == TIER_OFF)
			continue;
		if (*index == 0) {
			if ((f = filter_of((enum jail_tier)p->tier, (enum jail_net)p->net)) == NULL) {
				job_note(j, NOTE_ERROR, "filter", 0, 0, NULL,
				    "the system call filter cannot be made");
				return;
			}
			r = (struct rec_filter){ .first = build_count(j->profile, SECTION_BPF),
			    .count = f->count, .listener = f->listener };
			r.name = put_text(j->profile, span_of(f->name));
			for (size_t k = 0; k < f->count; k++)
				put_record(j->profile, SECTION_BPF, &f->code[k]);
			*index = put_record(j->profile, SECTION_FILTER, &r) + 1;
		}
		p->filter = *index;
	}
}

/* --- the whole ---------------------------------------------------------------------------------- */

static void
put_profile(struct making *m)
{
	struct rec_server	*rec = &m->sv->rec;
	struct rec_profile	*p = &m->p;

	p->server = put_text(m->b, m->sv->name);
	p->program = put_text(m->b, span_of(m->program.inside));
	p->workdir = put_text(m->b, span_of(m->workdir));
	p->file = put_text(m->b, span_of(m->s->shown));
	p->path = put_text(m->b, job_path(m->j, m->sv->node));
	p->tier = rec->tier;
	p->net = rec->net;
	p->reach_first = (uint32_t)build_count(m->b, SECTION_REACH);
	p->reach_count = net_put(m->sv, m->b);
	p->isolation = rec->isolation;
	p->flags = rec->flags;
	p->era = rec->era;
	p->start_timeout_ms = (uint32_t)job_number(m->j, PARAM_ID_start_timeout);
	p->idle_ms = (uint32_t)job_number(m->j, PARAM_ID_idle_stop);
	p->max_instances = (uint32_t)job_number(m->j, PARAM_ID_max_instances);
	p->stop_ms = STOP_MS;
	p->landlock_abi_max = params_landlock_max(job_number(m->j, PARAM_ID_landlock_abi_max));
	p->runner_kib = (uint32_t)(job_number(m->j, PARAM_ID_runner_memory) / 1024);

	digest_text(&m->digest, span_of(m->j->tenant));
	digest_text(&m->digest, m->sv->name);
	digest_text(&m->digest, span_of(m->program.inside));
	digest_text(&m->digest, span_of(m->workdir));
	digest_number(&m->digest, p->tier);
	digest_number(&m->digest, p->net);
	net_digest(m->sv, &m->digest);
	digest_number(&m->digest, p->isolation);
	digest_number(&m->digest, p->flags);
	digest_number(&m->digest, p->era);
	digest_number(&m->digest, (uint64_t)(int64_t)p->landlock_abi_max);
	p->hash = m->digest.sum;
	rec->profile = p->hash;
	put_record(m->b, SECTION_PROFILE, p);
}

bool
making_program(struct making *m, const struct conf_node *command, struct program *out)
{
	struct vars_value	 v = { .text = SPAN_NONE };
	const char		*why = "", *fetches, *cname;

	*out = (struct program){ .argv0 = "" };
	if (!expand(m, command, false, &v) || !m->ok)
		return false;
	if (v.text.n == 0) {
		job_error(m->j, m->s, command, "names no program");
		m->ok = false;
		return false;
	}
	cname = job_dup(m->j, v.text).p;
	if (m->sv->rec.net < NET_HOST && m->workdir == NULL && program_only_fetches(cname)) {
		server_down(m->sv, command, "%s fetches the server at every start, and a jail has no network. Have it "
		    "fetched once: mcpgwctl import FILE; the servers.json that it writes starts it",
		    program_fetches(cname));
		m->ok = false;
		return false;
	}
	if (m->sv->rec.net < NET_HOST && (fetches = program_fetches(cname)) != NULL)
		job_warn(m->j, m->s, command, "%s needs the network at every start, and a jail has none; "
		    "install the server and name its program", fetches);
	if (!program_find(m->j, cname, m->s->folder, &m->view, out, &why)) {
		server_down(m->sv, command, "%s", why);
		m->ok = false;
	}
	return m->ok;
}

void
making_begin(struct making *m, struct server *sv)
{
	*m = (struct making){ .sv = sv, .j = sv->job, .s = sv->source, .b = sv->job->profile, .ok = true };
	view_add(&m->view, "/usr", "/usr", BIND_EXEC);
	view_add(&m->view, "", TOOL_HOME, BIND_STATE | BIND_WRITABLE);
	read_workdir(m);
	read_paths(m, "read", BIND_EXEC);
	read_paths(m, "write", BIND_WRITABLE);
}

void
making_end(struct making *m)
{
	read_env(m);
	bounds_read(m->sv, m->b, &m->digest, &m->p);
	check_workdir(m);
	put_binds(m);
	put_seen(m);
	if (m->ok)
		put_profile(m);
	view_fini(&m->view);
}

void
profile_read(struct server *sv, const struct conf_node *command)
{
	struct making	m;

	making_begin(&m, sv);
	(void)making_program(&m, command, &m.program);
	read_args(&m);
	making_end(&m);
}
