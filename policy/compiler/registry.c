/* SPDX-License-Identifier: Apache-2.0
 *
 * registry.c - tools_file: one server for each scope, of tools whose backends know no MCP
 *
 * Process: mcpgw-compile.  Owns: the open text until the job is done (as tools.c's are).
 * Trusts:  nobody to have written what the manual page says.
 *
 * Seed 002's tools.yaml (seed-contracts 3.3).  Its tools are known by their names alone; here each belongs to a
 * server, which is named after its scope.  Where a scope has several backends each is a server of its own, since a
 * server is one place.
 */
#include <ctype.h>
#include <stdlib.h>

#include "lib/url.h"
#include "policy/compiler/changes.h"
#include "policy/compiler/files.h"
#include "policy/compiler/registry.h"
#include "policy/compiler/secrets.h"
#include "policy/compiler/typed.h"
#include "policy/compiler/values.h"
#include "policy/compiler/vars.h"

#define TOOLS_MAX	10000
#define LISTED_MAX	(16 * 1024 * 1024)

static const char *const top_keys[] = { "tools", "version", NULL };
static const char *const tool_keys[] = { "name", "description", "backend_url", "scope", "risk_level",
	"required_roles", "is_active", "categories", "input_schema", NULL };

struct entry {			/* an active tool */
	const struct conf_node	*node, *url;
	struct span		 name, scope;	/* scope: as written, or what stands for it */
	bool			 put;
};

struct reading {
	struct job		*j;
	struct source		*s;
	struct entry		*all;		/* malloc'ed */
	size_t			 count;
};

/* --- one tool --------------------------------------------------------------------------------- */

/* What an url's host is called among its own: "calculator" of http://calculator.tools:8000/mcp. */
static struct span
host_label(struct job *j, struct span text)
{
	struct url	 u;
	struct span	 label;
	size_t		 n = 0;

	if (url_parse(text, &u) != NULL)
		return SPAN_LIT("backend");
	while (n < u.host.n && u.host.p[n] != '.')
		n++;
	label = n > 0 && !isdigit((unsigned char)u.host.p[0]) ? span_part(u.host, 0, n) : u.authority;
	label = job_dup(j, label);
	for (size_t i = 0; i < label.n; i++)
		if (!isalnum((unsigned char)label.p[i]) && label.p[i] != '_')
			((char *)(uintptr_t)label.p)[i] = '-';
	return label;
}

static void
take_tool(struct reading *rd, const struct conf_node *node)
{
	struct job		*j = rd->j;
	const struct conf_node	*name = NULL, *url = NULL, *scope = NULL;
	bool			 active = true;

	if (!typed_is(j, rd->s, node, JSON_OBJECT))
		return;
	typed_keys(j, rd->s, node, tool_keys);
	(void)typed_flag(j, rd->s, node, "is_active", &active);
	if (!typed_string(j, rd->s, node, "name", &name) || !typed_string(j, rd->s, node, "backend_url", &url)) {
		if (conf_find(node, "name") == NULL || conf_find(node, "backend_url") == NULL)
			job_error(j, rd->s, node, "needs a \"name\" and a \"backend_url\"");
		return;
	}
	if (!name_ok(name->text))
		job_error(j, rd->s, name, "\"%.*s\": a tool's name is of letters, digits, _ . -, at most 64",
		    SHOWN(name->text));
	for (size_t i = 0; i < rd->count; i++)
		if (span_eq(rd->all[i].name, name->text)) {
			job_error(j, rd->s, name, "\"%.*s\" is the tool in line %u already", SHOWN(name->text),
			    rd->all[i].node->line);
			return;
		}
	if (!active)
		return;
	(void)typed_string(j, rd->s, node, "scope", &scope);
	rd->all = list_more(rd->all, rd->count, sizeof(*rd->all));
	rd->all[rd->count++] = (struct entry){ .node = node, .url = url, .name = name->text,
	    .scope = scope != NULL && scope->text.n > 0 ? scope->text : host_label(j, url->text) };
}

static void
must(struct job *j, const struct source *s, const struct conf_node *n, int r)
{
	if (r != 0)
		job_error(j, s, n, "%s", err_text(r));
}

/* What tools/list says of it. */
static int
put_definition(struct buf *b, const struct entry *e)
{
	const struct conf_node	*text = conf_find(e->node, "description"), *schema = conf_find(e->node, "input_schema");
	int			 r;

	if ((r = buf_put_str(b, "{\"name\":")) != 0 || (r = json_put_string(b, e->name)) != 0)
		return r;
	if (text != NULL && text->type == JSON_STRING && ((r = buf_put_str(b, ",\"description\":")) != 0 ||
	    (r = json_put_string(b, text->text)) != 0))
		return r;
	if ((r = buf_put_str(b, ",\"inputSchema\":")) != 0)
		return r;
	if (schema == NULL || schema->type != JSON_OBJECT || schema->count == 0)
		return buf_put_str(b, "{\"type\":\"object\"}}");
	if ((r = conf_put_json(schema, b)) != 0)
		return r;
	return buf_put_str(b, "}");
}

static void
schema_check(struct reading *rd, const struct entry *e)
{
	const struct conf_node	*schema = conf_find(e->node, "input_schema"), *type;

	(void)typed_list(rd->j, rd->s, e->node, "categories", JSON_ARRAY, true, &type);
	if (schema == NULL || schema->type == JSON_NULL || !typed_is(rd->j, rd->s, schema, JSON_OBJECT) ||
	    schema->count == 0)
		return;
	type = conf_find(schema, "type");
	if (type == NULL || type->type != JSON_STRING || !span_is(type->text, "object"))
		job_error(rd->j, rd->s, schema, "want \"type\": \"object\": arguments are an object");
}

/* --- one server ------------------------------------------------------------------------------- */

static bool
same_server(const struct entry *a, const struct entry *b)
{
	return span_eq(a->scope, b->scope) && span_eq(a->url->text, b->url->text);
}

static struct span
server_name(struct reading *rd, const struct entry *first)
{
	for (size_t i = 0; i < rd->count; i++)
		if (span_eq(rd->all[i].scope, first->scope) && !span_eq(rd->all[i].url->text, first->url->text))
			return span_of(job_fmt(rd->j, "%.*s-%.*s", SPAN_FMT(first->scope),
			    SPAN_FMT(host_label(rd->j, first->url->text))));
	return first->scope;
}

/* Sent with each call, so that a backend serves nobody but the gateway. */
static void
secret_take(struct reading *rd, const struct server *sv, const struct conf_node *at)
{
	const struct span	name = job_value(rd->j, PARAM_ID_tools_secret);
	struct conf_node	node = *at;
	struct vars_value	v;

	if (name.n == 0)
		return;
	node.text = span_of(job_fmt(rd->j, "${secret:%.*s}", SPAN_FMT(name)));
	if (vars_expand(rd->j, rd->s, &node, true, &v))
		secret_put(rd->j, rd->j->worker_secrets, sv->name, SPAN_LIT("X-Gateway-Auth"), v.text);
}

static void
put_server(struct reading *rd, struct entry *first)
{
	struct job		*j = rd->j;
	struct change_list	 changes = { 0 };
	struct server		 sv;
	struct digest		 d;
	struct buf		 listed;
	const char		*comma = "";

	if (!server_begin(&sv, j, rd->s, first->node, first->node, server_name(rd, first)))
		return;
	server_common(&sv);
	sv.rec.description = put_text(j->policy, SPAN_NONE);
	sv.rec.kind = SERVER_HTTP;
	sv.rec.shown = put_text(j->policy, first->url->text);
	sv.rec.isolation = ISOLATION_TENANT;
	buf_init(&listed, LISTED_MAX);
	must(j, rd->s, first->node, buf_put_str(&listed, "{\"tools\":["));
	for (struct entry *e = first; e < rd->all + rd->count; e++) {
		struct rec_change	*rec;

		if (!same_server(e, first))
			continue;
		e->put = true;
		schema_check(rd, e);
		must(j, rd->s, e->node, buf_put_str(&listed, comma));
		must(j, rd->s, e->node, put_definition(&listed, e));
		comma = ",";
		rec = changes_add(&changes, e->name);
		rec->risk = changes_read_risk(j, rd->s, e->node, "risk_level");
		changes_read_roles(j, rd->s, e->node, rec);
	}
	must(j, rd->s, first->node, buf_put_str(&listed, "]}"));
	changes_put(&sv, &changes);
	remote_read(&sv, first->url);
	sv.rec.transport = TRANSPORT_JSONRPC;
	sv.rec.listed = put_text(j->policy, buf_rest(&listed));
	secret_take(rd, &sv, first->url);
	/* Its list is part of what it is: another one is read anew. */
	d.sum = sv.rec.profile;
	digest_text(&d, SPAN_LIT("jsonrpc"));
	digest_text(&d, buf_rest(&listed));
	sv.rec.profile = d.sum;
	buf_fini(&listed);
	(void)server_end(&sv);
}

/* --- the file --------------------------------------------------------------------------------- */

void
registry_read(struct job *j)
{
	const struct span	 path = job_value(j, PARAM_ID_tools_file);
	const struct conf_node	*tools = NULL, *n;
	struct reading		 rd = { .j = j };

	if (path.n == 0)
		return;
	rd.s = job_alloc(j, sizeof(*rd.s));
	if (!source_open(j, path.p, rd.s) || rd.s->conf == NULL)
		return;
	j->tool_texts = list_more(j->tool_texts, j->tool_text_count, sizeof(*j->tool_texts));
	j->tool_texts[j->tool_text_count++] = rd.s;
	n = conf_top(rd.s->conf);
	if (n->type == JSON_NULL || !typed_is(j, rd.s, n, JSON_OBJECT))
		return;
	typed_keys(j, rd.s, n, top_keys);
	if (!typed_list(j, rd.s, n, "tools", JSON_ARRAY, false, &tools))
		return;
	if (tools->count > TOOLS_MAX) {
		job_error_key(j, rd.s, tools, "more than %d tools", TOOLS_MAX);
		return;
	}
	for (n = tools->first; n != NULL; n = n->next)
		take_tool(&rd, n);
	for (size_t i = 0; i < rd.count; i++)
		if (!rd.all[i].put)
			put_server(&rd, &rd.all[i]);
	free(rd.all);
}

struct span
registry_server(const struct job *j, struct span tool)
{
	const struct rec_server	*rec;
	const struct rec_change	*c;

	for (size_t i = 0; i < j->server_count; i++) {
		if ((rec = build_at(j->policy, SECTION_SERVER, j->servers[i].index)) == NULL ||
		    rec->transport != TRANSPORT_JSONRPC)
			continue;
		for (uint32_t k = 0; k < rec->change_count; k++)
			if ((c = build_at(j->policy, SECTION_CHANGE, (uint64_t)rec->change_first + k)) != NULL &&
			    span_eq(span_make(build_at(j->policy, SECTION_TEXT, c->tool.at), c->tool.bytes), tool))
				return j->servers[i].name;
	}
	return SPAN_NONE;
}
