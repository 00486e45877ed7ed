/* SPDX-License-Identifier: Apache-2.0
 *
 * world.c - the gateway that a run of faults is about, and what is looked at when it is over
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fault/world.h"
#include "tests/harness/mcp.h"
#include "tests/harness/program.h"

#define FDS_MORE	24		/* than at the beginning: connections, links to what was started meanwhile */
#define RSS_MORE_KIB	(4 * 1024)
#define TENANT_UID	70000
#define LIES_TOLD	40		/* of those found, so many are printed */

static struct world	*starting;	/* gateway_start() has no place for it */

/* --- what it is configured with ---------------------------------------------------------------- */

static void
put_server(const struct world *w, unsigned i, char *to, size_t room)
{
	const struct place	*p = &places[i];

	if (p->stdio)
		snprintf(to, room, "\"%s\":{\"command\":\"@TOOLS@/tests/witness-server\",\"args\":[\"@DIR@/seen/%u/log\"%s],"
		    "\"write\":[\"@DIR@/seen/%u\"],\"isolation\":\"tenant\"%s}", p->server, i, p->modern ? ",\"modern\"" : "", i,
		    i == 0 ? ",\"net\":[\"host.invalid:443\"]" : "");	/* one has mcpgw-egress run */
	else
		snprintf(to, room, "\"%s\":{\"url\":\"http://127.0.0.1:%u/mcp\"}", p->server, w->ports[i]);
}

static void
write_servers(struct world *w, const char *tenant, const char *file)
{
	char	text[4096] = "{\"mcpServers\":{", one[1024];
	bool	first = true;

	for (unsigned i = 0; i < PLACE_LIMIT; i++) {
		if (strcmp(places[i].tenant, tenant) != 0)
			continue;
		put_server(w, i, one, sizeof(one));
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", first ? "" : ",", one);
		first = false;
	}
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "}}");
	gateway_write(&w->g, file, text);
}

static void
write_rules(struct world *w, const char *tenant, const char *file, unsigned which)
{
	char	text[4096] = "{\"agents\":{\"bot\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}},\"deny\":{\"tools\":{";
	bool	first = true;

	for (unsigned i = 0; i < PLACE_LIMIT; i++) {
		if (strcmp(places[i].tenant, tenant) != 0)
			continue;
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s\"%s\":[\"never\",\"t%d\"]", first ? "" : ",",
		    places[i].server, which == 0 ? TOOL_A : TOOL_B);
		first = false;
	}
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "}}}}}");
	gateway_write(&w->g, file, text);
}

static void
write_both(struct world *w, unsigned which)
{
	write_rules(w, "default", "rules.json", which);
	write_rules(w, "acme", "tenants.d/acme/rules.json", which);
}

static void
before(struct gateway *g)
{
	struct world	*w = starting;
	char		 path[512];

	if (w->before != NULL)
		w->before(g);
	snprintf(path, sizeof(path), "%s/seen", g->dir);
	cr_assert(mkdir(path, 0755) == 0);
	for (unsigned i = 0; i < PLACE_LIMIT; i++) {
		snprintf(path, sizeof(path), "%s/seen/%u", g->dir, i);
		cr_assert(mkdir(path, 0777) == 0 && chmod(path, 0777) == 0);
		if (places[i].stdio)
			continue;
		snprintf(path, sizeof(path), "%s/seen/%u/log", g->dir, i);
		w->ports[i] = program_start((const char *const []){ "witness-server", path, "http",
		    places[i].modern ? "modern" : NULL, NULL }, &w->http[i]);
	}
	write_servers(w, "default", "servers.json");
	write_servers(w, "acme", "tenants.d/acme/servers.json");
	write_both(w, 0);
}

static void
make_key(struct world *w, const char *tenant, char key[256])
{
	char	*out;
	int	 r = gateway_ctl(&w->g, &out, false, "key", "add", "--agent", "bot", "--tenant", tenant, NULL);

	cr_assert(r == 0, "key add: exit %d: %s", r, out);
	snprintf(key, 256, "%.*s", (int)strcspn(out, "\n"), out);
	free(out);
}

static void
first_call(const struct world *w, unsigned i)
{
	struct answer	a;
	struct mcp	m;
	char		path[64];

	snprintf(path, sizeof(path), "/servers/%s/mcp", places[i].server);
	mcp_init(&m, w->address, path, w->load.keys[strcmp(places[i].tenant, "acme") == 0]);
	mcp_ask_modern(&m, "tools/list", NULL, &a);
	cr_assert(tools_have(&a, "t0"), "%s.%s lists: %s", places[i].tenant, places[i].server, a.body);
	answer_fini(&a);
	mcp_fini(&m);
}

void
world_start(struct world *w, unsigned seed, const char *conf)
{
	char	listen[64], *all;

	*w = (struct world){ .more_kib = w->more_kib > 0 ? w->more_kib : RSS_MORE_KIB, .before = w->before, .after = w->after, .random = seed + 1, .now = malloc(sizeof(struct procs)) };
	snprintf(listen, sizeof(listen), "127.0.0.1:%u", port_free());	/* the same one after a start anew */
	cr_assert(asprintf(&all, "tenant_uid_range = %d-%d\nwatchdog = 2s\n%s", TENANT_UID, TENANT_UID + 99,
	    conf == NULL ? "" : conf) > 0);
	starting = w;
	gateway_start(&w->g, &(struct gateway_setup){ .workers = WORLD_WORKERS, .listen = listen, .before = before, .conf = all });
	free(all);
	snprintf(w->address, sizeof(w->address), "%s", w->g.mcp);
	w->load.address = w->address;
	w->load.seed = seed;
	w->load.pause_ms = 6;
	make_key(w, "default", w->load.keys[0]);
	make_key(w, "acme", w->load.keys[1]);
	for (unsigned i = 0; i < PLACE_LIMIT; i++)
		first_call(w, i);
	world_note_policy(w);
}

/* --- policies ---------------------------------------------------------------------------------- */

static void
note(struct world *w, json_object *said, const char *at)
{
	json_object	*generation = json_at(said, at);

	if (generation != NULL)
		*log_more(&w->story.policies) = (struct policy){ (uint64_t)json_object_get_int64(generation), w->which };
	json_object_put(said);
}

bool
world_reload(struct world *w, unsigned which)
{
	char	*out;
	bool	 done;

	write_both(w, which);
	w->which = which;
	done = gateway_ctl(&w->g, &out, true, "--json", "reload", NULL) == 0;
	if (done)
		note(w, json_tokener_parse(out), "generation");
	free(out);
	return done;
}

void
world_note_policy(struct world *w)
{
	char	*out;

	if (gateway_ctl(&w->g, &out, false, "--json", "status", NULL) == 0)
		note(w, json_tokener_parse(out), "generation");
	free(out);
}

bool
world_serves_since(void *arg)
{
	const struct world_since	*since = arg;

	for (unsigned i = 0; i < PLACE_LIMIT; i++)
		if (since->w->load.well_us[i] <= since->us)
			return false;
	return true;
}

/* --- processes --------------------------------------------------------------------------------- */

static size_t
number_in(pid_t pid, const char *field)
{
	char	path[64], line[256];
	size_t	n = 0;
	FILE	*f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, field, strlen(field)) == 0)
			n = strtoul(line + strlen(field), NULL, 10);
	fclose(f);
	return n;
}

unsigned
world_tenant_of(pid_t pid)
{
	return number_in(pid, "Uid:") >= TENANT_UID;
}

void
world_look(struct world *w)
{
	struct process	*known;

	gateway_procs(&w->g, w->now);
	for (size_t i = 0; i < w->now->count; i++) {
		const struct proc *p = &w->now->all[i];

		known = NULL;
		for (size_t k = 0; k < w->processes.n && known == NULL; k++)
			if (w->processes.all[k].is.pid == p->pid && w->processes.all[k].is.started == p->started)
				known = &w->processes.all[k];
		if (known == NULL)
			*log_more(&w->processes) = (struct process){ .is = *p };
	}
}

/* The gateway's own that live since then: what they hold now, or (again) whether that is as it was. */
static void
weigh(struct world *w, bool again)
{
	struct procs	*one = malloc(sizeof(*one));
	size_t		 fds, rss;

	one->count = 1;
	for (size_t i = 0; i < w->processes.n; i++) {
		struct process	*p = &w->processes.all[i];

		one->all[0] = p->is;
		if (procs_alive(one) == 0 || strncmp(p->is.name, "mcpgw", 5) != 0)
			continue;
		fds = proc_fd_count(p->is.pid);
		rss = number_in(p->is.pid, "RssAnon:");
		if (again && p->rss_kib > 0) {
			cr_log_info("%s %d: %zu descriptors, then %zu; %zu KiB, then %zu", p->is.name, (int)p->is.pid, p->fds, fds,
			    p->rss_kib, rss);
			cr_expect(fds <= p->fds + FDS_MORE, "%s: %zu descriptors, then %zu", p->is.name, p->fds, fds);
			cr_expect(rss <= p->rss_kib + (size_t)patience(&w->g, (int)w->more_kib), "%s: %zu KiB, then %zu", p->is.name,
			    p->rss_kib, rss);
		} else if (!again) {
			p->fds = fds;
			p->rss_kib = rss;
		}
	}
	free(one);
}

void
world_weigh(struct world *w)
{
	world_look(w);
	weigh(w, false);
}

/* --- the end ----------------------------------------------------------------------------------- */

static bool
nothing_in_flight(void *arg)
{
	const struct world	*w = arg;

	return gateway_metric(&w->g, "mcpgw_calls_in_flight") == 0;
}

static void
read_seen(struct world *w)
{
	char	 path[512], *text;
	size_t	 n;
	FILE	*f;

	for (unsigned i = 0; i < PLACE_LIMIT; i++) {
		snprintf(path, sizeof(path), "%s/seen/%u/log", w->g.dir, i);
		text = NULL;
		n = 0;
		if ((f = fopen(path, "re")) != NULL && getdelim(&text, &n, '\0', f) > 0)
			cr_expect(story_read_seen(&w->story, text, i), "%s has what no server writes", path);
		if (f != NULL)
			fclose(f);
		free(text);
	}
}

static void
tell(void *arg, enum lie lie, const char *text)
{
	unsigned	*told = arg;

	if ((*told)++ < LIES_TOLD)
		cr_log_error("%s: %s", lie_text(lie), text);
}

static void
check_logs(struct world *w)
{
	struct verdict	 v;
	unsigned	 told = 0;
	size_t		 lies;

	w->story.asked = w->load.asked;
	w->load.asked = (struct asked_log){ .n = 0 };
	lies = check_story(&w->story, &v, tell, &told);
	cr_log_info("%zu requests: %zu results, %zu JSON-RPC errors, %zu statuses, %zu resets, %zu unanswered, %zu unconnected; "
	    "%zu seen by servers, %zu records", w->story.asked.n, v.came[CAME_RESULT], v.came[CAME_ERROR] +
	    v.came[CAME_TOOL_ERROR], v.came[CAME_HTTP], v.came[CAME_RESET], v.came[CAME_NOTHING], v.came[CAME_UNCONNECTED],
	    w->story.seen.n, w->story.recorded.n);
	cr_log_info("%zu faults, %zu requests failed as these may make them", w->story.windows.n, v.excused);
	for (int i = 0; i < LIE_LIMIT; i++)
		cr_expect(v.lies[i] == 0, "%zu times: %s", v.lies[i], lie_text((enum lie)i));
	cr_expect(lies == 0);
	cr_expect(v.came[CAME_RESULT] > 100, "too little was called");
}

static void
check_gone(struct world *w)
{
	struct procs	*all = malloc(sizeof(*all));
	size_t		 n = w->processes.n > PROCS_MAX ? PROCS_MAX : w->processes.n;

	/* The last ones: those before were seen to be gone, or are among these. */
	for (size_t i = 0; i < n; i++)
		all->all[i] = w->processes.all[w->processes.n - n + i].is;
	all->count = n;
	cr_expect(procs_wait_gone(all, 5000), "%zu processes are left", procs_alive(all));
	free(all);
}

void
world_end(struct world *w)
{
	char	*out;

	load_stop(&w->load);
	cr_expect(wait_until(nothing_in_flight, w, 10000), "%g calls are in flight, and nobody calls",
	    gateway_metric(&w->g, "mcpgw_calls_in_flight"));
	world_look(w);
	weigh(w, true);
	cr_expect(gateway_ctl(&w->g, &out, false, "--json", "audit", "list", NULL) == 0);
	cr_expect(story_read_audit(&w->story, out), "the audit has a line that is not JSON");
	free(out);
	cr_expect(gateway_ctl(&w->g, &out, true, "audit", "verify", NULL) == 0, "%s", out);
	cr_log_info("%.*s", (int)strcspn(out, "\n"), out);
	free(out);
	read_seen(w);
	check_logs(w);
	gateway_stop_keep(&w->g);
	check_gone(w);
	for (unsigned i = 0; i < PLACE_LIMIT; i++)
		if (w->http[i] > 0)
			program_stop(&w->http[i]);
	if (w->after != NULL)
		w->after(&w->g);
	gateway_remove(&w->g);
	story_fini(&w->story);
	free(w->processes.all);
	free(w->now);
}
