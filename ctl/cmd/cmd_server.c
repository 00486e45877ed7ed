/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_server.c - server learn: let a tool reach public hosts for a time, then write down which it did
 *
 * Process: mcpgwctl.
 * Owns:    nothing beyond a call.
 * Trusts:  the policy in force for what the server is; the audit as ctl/show/learned.c does.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/files/edit.h"
#include "ctl/files/filecheck.h"
#include "ctl/files/replace.h"
#include "ctl/folders.h"
#include "ctl/forhow.h"
#include "ctl/known.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/show/learned.h"
#include "lib/log.h"
#include "policy/params.h"
#include "policy/policy.h"

#define REFUSED		1
#define FOR_MAX_MS	(UINT64_C(24) * 60 * 60 * 1000)

struct about {
	struct ctl	*ctl;
	const char	*name, *tenant;
	struct snap	*policy;		/* in force when it was asked for */
	const struct rec_server *server;
};

static int
about_read(struct about *a)
{
	char	hint[KNOWN_HINT];
	int	r;

	r = ask_simple(a->ctl, CTLCMD_explain, NULL, ask_take_snapshot, &a->policy, NULL);
	if (r != 0 || a->policy == NULL)
		return r == 0 ? EX_PROTOCOL : r;
	a->server = policy_server_find(a->policy, span_of(a->tenant), span_of(a->name));
	if (a->server != NULL)
		return 0;
	out_error("no server \"%s\" of tenant %s%s", a->name, a->tenant, known_hint(a->policy, KNOWN_SERVER,
	    span_of(a->tenant), a->name, "; see mcpgwctl status", hint));
	return EX_DATAERR;
}

static bool
is_learning(const struct about *a)
{
	return a->server != NULL && (a->server->flags & SERVER_FLAG_LEARN) != 0;
}

static int
tell_gateway(const struct about *a, uint64_t for_ms, struct msg_CTL_DONE *done)
{
	struct msg_CTL	msg = { .command = CTLCMD_server_learn, .a = span_of(a->name), .b = span_of(a->tenant),
			    .n = for_ms };
	struct ask	ask;
	int		r;

	if ((r = ask_open(a->ctl, &ask, true)) != 0)
		return r;
	ask_send(&ask, MSG_TYPE_CTL, &msg, NULL, 0);
	r = ask_wait(&ask, NULL, NULL);
	*done = ask.done;
	ask_close(&ask);
	return r;
}

/* ---- --for, --stop -------------------------------------------------------------------------------- */

static const char *
why_not(const struct about *a)
{
	if (a->server->kind != SERVER_STDIO)
		return "it is reached over HTTP and has no jail to learn from";
	if ((a->server->flags & SERVER_FLAG_DISABLED) != 0)
		return "it is not up; see mcpgwctl status NAME";
	if (a->server->net == NET_HOST)
		return "\"net\": \"host\" lets it reach everything already";
	return NULL;
}

static const char *
time_words(uint64_t ms, char to[OUT_TIME])
{
	static const struct {
		uint64_t	 ms;
		const char	*word;
	} units[] = { { 60 * 60 * 1000, "hour" }, { 60 * 1000, "minute" }, { 1000, "second" } };

	for (size_t i = 0; i < 3; i++)
		if (ms >= units[i].ms && (ms % units[i].ms == 0 || i == 2)) {
			snprintf(to, OUT_TIME, "%" PRIu64 " %s%s", ms / units[i].ms, units[i].word,
			    ms / units[i].ms == 1 ? "" : "s");
			return to;
		}
	snprintf(to, OUT_TIME, "%" PRIu64 " ms", ms);
	return to;
}

static int
learn_for(struct about *a, const char *text)
{
	struct msg_CTL_DONE	done = { 0 };
	const char		*why;
	char			words[OUT_TIME];
	uint64_t		ms;
	int			r;

	if (forhow_ms(text, &ms) != 0 || ms < 1000 || ms > FOR_MAX_MS)
		fatal(EX_USAGE, "--for %s: want a time from 1s to 24h, such as 10m", text);
	if ((r = about_read(a)) != 0)
		return r;
	if ((why = why_not(a)) != NULL) {
		out_error("%s: %s", a->name, why);
		return EX_DATAERR;
	}
	if ((r = tell_gateway(a, ms, &done)) != 0)
		return r;
	/* The files may be newer than what was in force: what came of it is what counts. */
	if ((r = about_read(a)) != 0)
		return r;
	if (!is_learning(a)) {
		out_error("%s does not learn, as said above", a->name);
		return REFUSED;
	}
	if (a->ctl->json) {
		out_json_begin();
		out_json_text("server", span_of(a->name));
		out_json_u64("until_ms", a->server->learn_until_ms);
		out_json_u64("generation", done.generation);
		out_json_end();
	} else {
		printf("Learning: public hosts pass and are recorded for %s. Use the server now.\n",
		    time_words(ms, words));
	}
	return 0;
}

static int
learn_stop(struct about *a)
{
	struct msg_CTL_DONE	done = { 0 };
	bool			was;
	int			r;

	if ((r = about_read(a)) != 0)
		return r;
	was = is_learning(a);
	r = tell_gateway(a, 0, &done);
	/* The gateway has told mcpgw-egress, which needs no files. */
	if (r == REFUSED && was) {
		out_error("%s: public hosts do not pass any more, but its tools keep the jails they learnt in until "
		    "the files compile: mcpgwctl check", a->name);
	} else if (r != 0) {
		out_error("%s: it is not known whether it is still learnt: mcpgwctl status %s", a->name, a->name);
	} else if (a->ctl->json) {
		out_json_begin();
		out_json_text("server", span_of(a->name));
		out_json_bool("was_learnt", was);
		out_json_u64("generation", done.generation);
		out_json_end();
	} else {
		printf("%s %s; generation %" PRIu64 ".\n", a->name, was ? "is not learnt any more" : "was not learnt",
		    done.generation);
	}
	return r;
}

/* ---- --adopt -------------------------------------------------------------------------------------- */

/* What the list lets pass already is not new. */
static void
drop_known(const struct about *a, struct learned *l)
{
	size_t	kept = 0;

	for (size_t i = 0; i < l->count; i++)
		if (reach_find(a->policy, a->server->reach_first, a->server->reach_count, &l->host[i].rule.host,
		    l->host[i].rule.port) == NULL)
			l->host[kept++] = l->host[i];
	l->count = kept;
}

static void
print_host(const struct about *a, const char *host, uint64_t connections, uint64_t bytes)
{
	char	shown[LEARNED_TEXT + 16];

	if (a->ctl->json) {
		out_json_begin();
		out_json_text("host", span_of(host));
		out_json_u64("connections", connections);
		out_json_u64("bytes", bytes);
		out_json_end();
		return;
	}
	snprintf(shown, sizeof(shown), "\"net\": [\"%s\"]", host);
	printf("+ %-42s %" PRIu64 " connection%s, ", shown, connections, connections == 1 ? "" : "s");
	if (bytes < 1000)
		printf("%" PRIu64 " B\n", bytes);
	else if (bytes < 1000 * 1000)
		printf("%" PRIu64 " kB\n", (bytes + 500) / 1000);
	else
		printf("%" PRIu64 " MB\n", (bytes + 500 * 1000) / (1000 * 1000));
}

static const struct conf_node *
server_node(const struct conf *c, const char *name)
{
	const struct conf_node	*list = conf_find(conf_top(c), "mcpServers");

	if (list == NULL)
		list = conf_find(conf_top(c), "servers");
	return list == NULL ? NULL : conf_find(list, name);
}

/* One change of the text: `text` in, `out` the new one. */
static int
add_one(struct span text, const char *name, const char *host, struct buf *out)
{
	const struct conf_node	*server, *net;
	struct conf_error	 error;
	struct conf		*c = NULL;
	char			 item[LEARNED_TEXT + 16];
	int			 r;

	if ((r = conf_new(text, &c, &error)) != 0) {
		out_error("line %u:%u: %s", error.line, error.column, error.text);
		return r;
	}
	server = server_node(c, name);
	net = server == NULL ? NULL : conf_find(server, "net");
	if (server == NULL || server->type != JSON_OBJECT) {
		r = E_NOTFOUND;
	} else if (net == NULL) {
		snprintf(item, sizeof(item), "\"net\": [\"%s\"]", host);
		r = edit_append(text, server, span_of(item), out);
	} else if (net->type != JSON_ARRAY) {
		snprintf(item, sizeof(item), "[\"%s\"]", host);
		r = edit_replace(text, net, span_of(item), out);
	} else {
		snprintf(item, sizeof(item), "\"%s\"", host);
		r = edit_append(text, net, span_of(item), out);
	}
	conf_free(&c);
	return r;
}

static int
add_all(struct span text, const char *name, const struct learned *l, struct buf *out)
{
	struct buf	next;
	int		r;

	if ((r = buf_put(out, text)) != 0)
		return r;
	for (size_t i = 0; i < l->count && r == 0; i++) {
		buf_init(&next, CONF_MAX_BYTES);
		if ((r = add_one(buf_rest(out), name, l->host[i].text, &next)) == 0) {
			buf_clear(out);
			r = buf_put(out, buf_rest(&next));
		}
		buf_fini(&next);
	}
	return r;
}

static int
change_file(const struct about *a, const char *path, const struct learned *l)
{
	struct buf	 new;
	char		*text = NULL;
	size_t		 bytes;
	int		 r;

	if (replace_is_yaml(path)) {
		out_error("%s: YAML is not edited; write these hosts into it, then: mcpgwctl server learn %s --stop",
		    path, a->name);
		return REFUSED;
	}
	if (replace_read(path, &text, &bytes) != 0)
		return EX_NOINPUT;
	buf_init(&new, CONF_MAX_BYTES);
	if ((r = add_all(span_make(text, bytes), a->name, l, &new)) == E_NOTFOUND)
		out_error("%s: no server \"%s\" stands there; reload first", path, a->name);
	else if (r != 0)
		out_error("%s: not changed: %s", path, err_text(r));
	else if ((r = replace_file(path, span_make(text, bytes), buf_rest(&new), filecheck_run,
	    &(struct filecheck){ a->ctl, "servers_file" })) == E_FORMAT)
		out_error("%s: not changed, because the files would not compile, as said above", path);
	free(text);
	buf_fini(&new);
	return r == 0 ? 0 : r == E_FORMAT ? EX_CONFIG : EX_CANTCREAT;
}

static int
adopted(const struct about *a, const char *file, bool changed)
{
	struct msg_CTL_DONE	done = { 0 };
	int			r;

	r = tell_gateway(a, 0, &done);
	if (r == REFUSED)
		out_error("%s; the gateway keeps generation %" PRIu64, changed ? "changed, but refused" : "refused",
		    done.generation);
	if (r != 0)
		return r;
	if (a->ctl->json) {
		out_json_begin();
		out_json_text("file", span_of(file));
		out_json_bool("changed", changed);
		out_json_u64("generation", done.generation);
		out_json_end();
	} else {
		printf("%s %s; in force from generation %" PRIu64 ".\n", folders_shown(a->ctl, file),
		    changed ? "changed" : "names all of it already", done.generation);
	}
	return 0;
}

/* What the compiler would refuse does not come to it. */
static void
drop_excess(const struct about *a, struct learned *l)
{
	uint16_t		 ports[REACH_HOSTS_MAX];
	const struct rec_reach	*r;
	struct learned_lost	 lost;
	size_t			 count = 0;

	for (uint32_t i = 0; i < a->server->reach_count && count < REACH_HOSTS_MAX; i++)
		if ((r = SNAP_AT(a->policy, REACH, a->server->reach_first + i)) != NULL)
			ports[count++] = (uint16_t)r->port;
	learned_fit(l, ports, count, &lost);
	if (lost.own_port > 0)
		out_error("left out: %zu at ports 53 and 3128, which are the jail's own", lost.own_port);
	if (lost.ports > 0)
		out_error("left out: %zu, because a list has at most %d different ports", lost.ports, REACH_PORTS_MAX);
	if (lost.hosts > 0 || l->more)
		out_error("left out: the rest, because a list has at most %d hosts", REACH_HOSTS_MAX);
}

static int
learn_adopt(struct about *a, bool dry)
{
	static struct learned	learned;
	struct params		params;
	char			path[4096];
	int			r;

	if ((r = about_read(a)) != 0 || (r = learned_read(a->ctl, a->tenant, a->name, &learned)) != 0)
		return r;
	if (learned.count == 0) {
		out_error("%s: nothing was recorded while it was learnt, in the last day. Let it learn, and use it: "
		    "mcpgwctl server learn %s --for 10m", a->name, a->name);
		return REFUSED;
	}
	if (folders_params(a->ctl, a->policy, &params) != 0 || params.servers_file.n >= sizeof(path))
		fatal(EX_PROTOCOL, "the gateway's policy names no servers file");
	snprintf(path, sizeof(path), "%.*s", SPAN_FMT(params.servers_file));
	drop_known(a, &learned);
	drop_excess(a, &learned);
	if (learned.count == 0 && !dry)
		return adopted(a, path, false);
	for (size_t i = 0; i < learned.count; i++)
		print_host(a, learned.host[i].text, learned.host[i].connections, learned.host[i].bytes);
	fflush(stdout);
	if (dry)
		return 0;
	if ((r = change_file(a, path, &learned)) != 0)
		return r;
	return adopted(a, path, true);
}

int
cmd_server_learn(struct ctl *ctl, int argc, char **argv)
{
	const char		*for_text = NULL;
	bool			 adopt = false, dry = false, stop = false;
	const struct opt	 rows[] = { { "--for", &for_text, NULL }, { "--adopt", NULL, &adopt },
	    { "--dry-run", NULL, &dry }, { "--stop", NULL, &stop }, { "--tenant", &ctl->tenant, NULL },
	    { NULL, NULL, NULL } };
	struct about		 a = { .ctl = ctl };
	int			 r;

	(void)opts_take(rows, argc, argv, 1, 1);
	if ((for_text != NULL) + adopt + stop != 1)
		fatal(EX_USAGE, "server learn needs one of --for TIME, --adopt and --stop");
	if (dry && !adopt)
		fatal(EX_USAGE, "--dry-run goes with --adopt");
	a.name = argv[0];
	a.tenant = folders_tenant(ctl);
	r = adopt ? learn_adopt(&a, dry) : stop ? learn_stop(&a) : learn_for(&a, for_text);
	snap_release(&a.policy);
	return out_end(r);
}
