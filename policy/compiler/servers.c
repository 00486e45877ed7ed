/* SPDX-License-Identifier: Apache-2.0
 *
 * servers.c - servers.json: SERVER, SERVER_BY_NAME, and what each kind of server needs
 *
 * Process: mcpgw-compile.  Owns: the open text until the job is done.
 * Trusts:  nobody to have written what the manual page says.
 *
 * The format is the clients' own (mcpServers; VS Code: servers), so keys that other programs put there
 * are known and left alone; any other unknown key is a mistake.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/fold.h"
#include "lib/near.h"
#include "lib/sum.h"
#include "policy/compiler/changes.h"
#include "policy/compiler/files.h"
#include "policy/compiler/server.h"
#include "policy/compiler/registry.h"
#include "policy/compiler/servers.h"
#include "policy/compiler/tools.h"
#include "policy/compiler/typed.h"
#include "policy/compiler/values.h"

#define TIMEOUT_MAX_MS	(60 * 60 * 1000)

/* Read by somebody here. */
static const char *const keys[] = {
	"command", "args", "env", "url", "type", "transport", "headers", "ca", "auth",
	"endpoints", "balance", "hash_by", "health", "breaker", "retry",
	"enabled", "tier", "net", "read", "write", "workdir", "isolation", "prefix", "timeout_ms",
	"rewrite_uris", "idempotent", "exec_tmp", "limits", "description", "era",
	"disabled_reason", "disabled_until", "tools",
	/* what other programs mean by the same: */
	"disabled", "cwd",
	/* of other programs, and left alone: */
	"alwaysAllow", "autoApprove", "dev", "envFile", "gallery", "version", "timeout", "oauth", "name",
	NULL
};
static const char *const command_only[] = { "args", "env", "tier", "net", "read", "write", "workdir",
	"cwd", "exec_tmp", "limits", NULL };
static const char *const url_only[] = { "headers", "ca", "auth", "endpoints", "balance", "hash_by", "health", "retry",
	NULL };

void
digest_text(struct digest *d, struct span s)
{
	d->sum = sum64_more(d->sum, s);
}

void
digest_number(struct digest *d, uint64_t v)
{
	d->sum = sum64_more(d->sum, span_make(&v, sizeof(v)));
}

void
server_down(struct server *sv, const struct conf_node *n, const char *fmt, ...)
{
	char	why[400];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	job_warn(sv->job, sv->source, n, "%s; the server is down", why);
	sv->rec.flags |= SERVER_FLAG_DISABLED | (sv->enabled ? SERVER_FLAG_DOWN : 0);
	sv->rec.why = put_text(sv->job->policy, span_of(why));
}

/* --- keys of every server ----------------------------------------------------------------------- */

/* mcp-wire 12: [a-z0-9]+(-[a-z0-9]+)*. */
static bool
prefix_ok(struct span p)
{
	for (size_t i = 0; i < p.n; i++) {
		bool dash = p.p[i] == '-';

		if (!dash && !islower((unsigned char)p.p[i]) && !isdigit((unsigned char)p.p[i]))
			return false;
		if (dash && (i == 0 || i == p.n - 1 || p.p[i - 1] == '-'))
			return false;
	}
	return p.n <= 32;
}

static struct span
prefix_default(struct job *j, struct span name)
{
	char	*p = job_alloc(j, name.n + 1);
	size_t	 n = 0;

	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (isalnum(c))
			p[n++] = (char)tolower(c);
		else if (n > 0 && p[n - 1] != '-')
			p[n++] = '-';
	}
	while (n > 0 && p[n - 1] == '-')
		n--;
	return span_make(p, n);
}

static void
read_prefix(struct server *sv)
{
	const struct conf_node	*n = NULL;
	struct span		 prefix = prefix_default(sv->job, sv->name);

	if (typed_string(sv->job, sv->source, sv->node, "prefix", &n)) {
		prefix = n->text;
		if (!prefix_ok(prefix))
			job_error(sv->job, sv->source, n, "\"%.*s\": want small letters and digits, with "
			    "single - between them, at most 32", SHOWN(prefix));
	}
	sv->rec.prefix = put_text(sv->job->policy, prefix);
}

static void
read_rewrite_uris(struct server *sv)
{
	bool	yes = false;

	if (!typed_flag(sv->job, sv->source, sv->node, "rewrite_uris", &yes) || !yes)
		return;
	sv->rec.flags |= SERVER_FLAG_REWRITE_URIS;
	if (sv->rec.prefix.bytes == 0)
		job_error_key(sv->job, sv->source, conf_find(sv->node, "rewrite_uris"), "needs a \"prefix\"");
}

static void
read_common(struct server *sv)
{
	static const char *const tiers[] = { "runtime", "strict", "off", NULL };
	static const char *const isolations[] = { "principal", "tenant", "session", "call", NULL };
	static const char *const eras[] = { "auto", "legacy", "modern", NULL };
	struct job		*j = sv->job;
	const struct conf_node	*n = NULL;
	uint64_t		 v = 0;
	bool			 exec_tmp = false;

	(void)typed_word(j, sv->source, sv->node, "tier", tiers, &sv->rec.tier);
	(void)typed_word(j, sv->source, sv->node, "isolation", isolations, &sv->rec.isolation);
	(void)typed_word(j, sv->source, sv->node, "era", eras, &sv->rec.era);
	if (typed_number(j, sv->source, sv->node, "timeout_ms", 1, TIMEOUT_MAX_MS, &v))
		sv->rec.timeout_ms = (uint32_t)v;
	if (typed_flag(j, sv->source, sv->node, "exec_tmp", &exec_tmp) && exec_tmp)
		sv->rec.flags |= SERVER_FLAG_EXEC_TMP;
	if (typed_string(j, sv->source, sv->node, "description", &n))
		sv->rec.description = put_text(j->policy, n->text);
	balance_read(sv);
	read_prefix(sv);
	read_rewrite_uris(sv);
	net_read(sv);
}

/* --- one server --------------------------------------------------------------------------------- */

static void
refuse_keys(struct server *sv, const char *const *list, const char *kind)
{
	const struct conf_node	*n;

	for (; *list != NULL; list++)
		if ((n = conf_find(sv->node, *list)) != NULL)
			job_error_key(sv->job, sv->source, n, "has no meaning for a server with a %s", kind);
}

static void
read_kind(struct server *sv)
{
	static const char *const stdio[] = { "stdio", NULL };
	const struct conf_node	*command = conf_find(sv->node, "command");
	const struct conf_node	*url = conf_find(sv->node, "url");
	const struct conf_node	*n = command;
	uint32_t		 place;
	size_t			 count;

	if (url == NULL)
		url = conf_find(sv->node, "endpoints");
	if ((command == NULL) == (url == NULL)) {
		job_error_key(sv->job, sv->source, sv->node, command == NULL ?
		    "needs a \"command\" or a \"url\"" : "has both \"command\" and \"%.*s\"; want one",
		    SHOWN(url == NULL ? SPAN_NONE : url->key));
		return;
	}
	if (command != NULL ? !typed_is(sv->job, sv->source, command, JSON_STRING) :
	    (n = url = balance_urls(sv, &count)) == NULL)
		return;
	sv->rec.shown = put_text(sv->job->policy, n->text);
	sv->rec.kind = command != NULL ? SERVER_STDIO : SERVER_HTTP;
	if (command != NULL) {
		refuse_keys(sv, url_only, "command");
		(void)typed_word(sv->job, sv->source, sv->node, "type", stdio, &place);
		(void)typed_word(sv->job, sv->source, sv->node, "transport", stdio, &place);
		if (sv->enabled)
			profile_read(sv, command);
	} else {
		refuse_keys(sv, command_only, "url");
		if (sv->enabled)
			remote_read(sv, url);
	}
}

bool
server_begin(struct server *sv, struct job *j, const struct source *text, const struct conf_node *node,
    const struct conf_node *named_by, struct span name)
{
	const struct known_server	*other = NULL;

	*sv = (struct server){ .job = j, .source = text, .node = node, .named_in = text, .entry = node, .name = name };
	if (!name_ok(name))
		job_error_key(j, text, named_by, "a server's name is of letters, digits, _ . -, at most 64");
	/* servers.json cannot name one twice. */
	for (size_t i = 0; text != &j->servers_text && i < j->server_count; i++)
		if (span_eq(j->servers[i].name, name))
			other = &j->servers[i];
	if (other != NULL)
		job_error_key(j, text, named_by, "server \"%.*s\" is in %s:%u:%u already; rename one of them",
		    SHOWN(name), other->source->shown, other->node->key_line, other->node->key_column);
	if (!typed_is(j, text, node, JSON_OBJECT))
		return false;
	sv->rec = (struct rec_server){ .line = node->key_line, .column = node->key_column, .tenant = j->tenant_index,
	    .order = (uint32_t)build_count(j->policy, SECTION_SERVER) };
	sv->rec.name = put_text(j->policy, name);
	sv->rec.file = put_text(j->policy, span_of(text->shown));
	sv->rec.path = put_text(j->policy, job_path(j, node));
	return true;
}

void
server_common(struct server *sv)
{
	switched_read(sv);
	read_common(sv);
}

uint32_t
server_end(struct server *sv)
{
	struct job	*j = sv->job;
	uint32_t	 index;

	/* A tenant's own call_timeout; that of mcpgw.conf is everybody's. */
	if (sv->rec.timeout_ms == 0 && strcmp(j->settings[PARAM_ID_call_timeout].source, "tenant.conf") == 0)
		sv->rec.timeout_ms = (uint32_t)job_number(j, PARAM_ID_call_timeout);
	index = put_record(j->policy, SECTION_SERVER, &sv->rec);
	j->servers = list_more(j->servers, j->server_count, sizeof(*j->servers));
	j->servers[j->server_count++] = (struct known_server){ sv->name, index, sv->named_in, sv->entry };
	return index;
}

static void
server_read(struct job *j, const struct conf_node *node)
{
	struct server	sv;

	if (!server_begin(&sv, j, &j->servers_text, node, node, node->key))
		return;
	typed_keys(j, sv.source, node, keys);
	imported_take(&sv);
	if (sv.node != node)
		typed_keys(j, sv.source, sv.node, keys);
	server_common(&sv);
	changes_read(&sv);
	read_kind(&sv);
	(void)server_end(&sv);
}

/* --- all of them -------------------------------------------------------------------------------- */

static int
known_cmp(const void *a, const void *b)
{
	return span_cmp(((const struct known_server *)a)->name, ((const struct known_server *)b)->name);
}

static void
index_put(struct job *j)
{
	if (j->server_count > 1)
		qsort(j->servers, j->server_count, sizeof(*j->servers), known_cmp);
	for (size_t i = 0; i < j->server_count; i++) {
		struct rec_index r = { .index = j->servers[i].index };

		put_record(j->policy, SECTION_SERVER_BY_NAME, &r);
	}
}

struct prefixed {
	struct stext			 prefix;
	char				 looks[64];	/* as it looks; one that may be written has at most 32 */
	size_t				 bytes;
	const struct known_server	*server;
};

static int
prefix_cmp(const void *a, const void *b)
{
	const struct prefixed	*x = a, *y = b;
	int			 r;

	if ((r = span_cmp(span_make(x->looks, x->bytes), span_make(y->looks, y->bytes))) != 0)
		return r;
	return x->server->index < y->server->index ? -1 : 1;
}

static void
prefixed_init(struct prefixed *x, const struct job *j, const struct known_server *server)
{
	const struct rec_server	*rec = build_at(j->policy, SECTION_SERVER, server->index);
	struct span		 text = span_make(build_at(j->policy, SECTION_TEXT, rec->prefix.at), rec->prefix.bytes);

	*x = (struct prefixed){ .prefix = rec->prefix, .server = server };
	x->bytes = fold_name(span_part(text, 0, sizeof(x->looks)), x->looks).n;
}

static void
prefixes_check(struct job *j)
{
	struct prefixed	*all;

	if (j->server_count < 2 || (all = calloc(j->server_count, sizeof(*all))) == NULL)
		return;
	for (size_t i = 0; i < j->server_count; i++)
		prefixed_init(&all[i], j, &j->servers[i]);
	qsort(all, j->server_count, sizeof(*all), prefix_cmp);
	for (size_t i = 1; i < j->server_count; i++) {
		const struct known_server *a = all[i - 1].server, *b = all[i].server;
		bool same = all[i].prefix.at == all[i - 1].prefix.at && all[i].prefix.bytes == all[i - 1].prefix.bytes;

		if (!span_eq(span_make(all[i].looks, all[i].bytes), span_make(all[i - 1].looks, all[i - 1].bytes)) ||
		    span_eq(a->name, b->name))
			continue;
		job_error_key(j, b->source, b->node, "has %s prefix as \"%.*s\" (%s%sline %u); give one of "
		    "them another \"prefix\"", same ? "the same" : "what looks like the same",
		    SHOWN(a->name), a->source == b->source ? "" : a->source->shown,
		    a->source == b->source ? "" : " ", a->node->key_line);
	}
	free(all);
}

static void
top_read(struct job *j, const struct source *text, const struct conf_node *top)
{
	static const char *const top_keys[] = { "mcpServers", "servers", "inputs", "$schema", NULL };
	const struct conf_node	*list, *other, *n;

	if (!typed_is(j, text, top, JSON_OBJECT))
		return;
	typed_keys(j, text, top, top_keys);
	list = conf_find(top, "mcpServers");
	other = conf_find(top, "servers");
	if (list != NULL && other != NULL)
		job_error_key(j, text, other, "beside \"mcpServers\"; want one of them");
	if (list == NULL)
		list = other;
	if (list == NULL || !typed_is(j, text, list, JSON_OBJECT))
		return;
	for (n = list->first; n != NULL; n = n->next)
		server_read(j, n);
}

void
servers_read(struct job *j)
{
	struct span	path = job_value(j, PARAM_ID_servers_file);
	struct source	*text = &j->servers_text;

	imported_open(j);
	if (path.n > 0 && source_open(j, path.p, text) && text->conf != NULL)
		top_read(j, text, conf_top(text->conf));
	tools_read(j);
	registry_read(j);
	prefixes_check(j);
	index_put(j);
}

void
servers_finish(struct job *j)
{
	if (j->errors == 0)
		profile_finish(j);
	source_close(&j->servers_text);
	imported_close(j);
	tools_close(j);
}
