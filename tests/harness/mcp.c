/* SPDX-License-Identifier: Apache-2.0
 *
 * mcp.c - MCP as a client speaks it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/mcp.h"

#define META "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" MODERN_VERSION "\"," \
	"\"io.modelcontextprotocol/clientCapabilities\":%s," \
	"\"io.modelcontextprotocol/clientInfo\":{\"name\":\"test\",\"version\":\"1\"}%s}"

static const char *
or(const char *text, const char *otherwise)
{
	return text == NULL ? otherwise : text;
}

void
mcp_init(struct mcp *m, const char *address, const char *path, const char *key)
{
	*m = (struct mcp){ .conn.fd = -1, .next_id = 1 };
	snprintf(m->address, sizeof(m->address), "%s", address);
	snprintf(m->path, sizeof(m->path), "%s", path);
	snprintf(m->key, sizeof(m->key), "%s", key == NULL ? "" : key);
}

void
mcp_fini(struct mcp *m)
{
	client_close(&m->conn);
}

char *
mcp_headers(const struct mcp *m, const char *headers)
{
	char	*all;

	if (asprintf(&all, "%s%s%s%s%s%s%s%s",
	    m->key[0] == '\0' ? "" : "Authorization: Bearer ", m->key, m->key[0] == '\0' ? "" : "\r\n",
	    m->session[0] == '\0' ? "" : "Mcp-Session-Id: ", m->session, m->session[0] == '\0' ? "" : "\r\n",
	    strcasestr(headers, "content-type:") != NULL ? "" : "Content-Type: application/json\r\n"
	    "Accept: application/json, text/event-stream\r\n", headers) < 0)
		abort();
	return all;
}

void
mcp_post(struct mcp *m, const char *headers, const char *body, struct answer *out)
{
	char	*all;

	*out = (struct answer){ .status = 0 };
	if (m->conn.fd == -1 && !client_open_from(&m->conn, m->address, m->source))
		return;
	all = mcp_headers(m, headers);
	client_ask(&m->conn, "POST", m->path, all, body, out);
	free(all);
	if (out->status == 0 || out->closes)
		client_close(&m->conn);
}

static void
version_line(const struct mcp *m, char line[64])
{
	snprintf(line, 64, "MCP-Protocol-Version: %s\r\n", or(m->version, LEGACY_VERSION));
}

int
mcp_initialize(struct mcp *m)
{
	struct answer	 a;
	const char	*session;
	char		*body, line[64];
	int		 status;

	m->session[0] = '\0';
	if (asprintf(&body, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"%s\","
	    "\"capabilities\":%s,\"clientInfo\":{\"name\":\"test\",\"version\":\"1\"}}}", or(m->version, LEGACY_VERSION),
	    or(m->capabilities, "{}")) < 0)
		return 0;
	mcp_post(m, "", body, &a);
	free(body);
	status = a.status;
	if ((session = answer_header(&a, "Mcp-Session-Id")) != NULL)
		snprintf(m->session, sizeof(m->session), "%s", session);
	answer_fini(&a);
	if (status == 200) {
		version_line(m, line);
		mcp_post(m, line, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", &a);
		answer_fini(&a);
	}
	return status;
}

/* The value of "name", "uri" or "taskId" in params: Mcp-Name wants it. */
static void
name_of(const char *params, char *to, size_t room)
{
	json_object	*o = params == NULL ? NULL : json_tokener_parse(params);

	snprintf(to, room, "%s", json_text_at(o, json_at(o, "name") != NULL ? "name" : json_at(o, "uri") != NULL ? "uri" :
	    "taskId"));
	json_object_put(o);
}

static void
write_legacy(const struct mcp *m, const char *id, const char *method, const char *params, char **headers, char **body)
{
	char	line[64];

	version_line(m, line);
	*headers = strdup(line);
	if (asprintf(body, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"%s\"%s%s}", id, method,
	    params == NULL ? "" : ",\"params\":", or(params, "")) < 0)
		abort();
}

static void
write_modern(const struct mcp *m, const char *id, const char *method, const char *params, char **headers, char **body)
{
	char	name[1024];
	bool	any = params != NULL && params[0] == '{' && params[1] != '}';

	name_of(params, name, sizeof(name));
	if (asprintf(headers, "MCP-Protocol-Version: " MODERN_VERSION "\r\nMcp-Method: %s\r\n%s%s%s%s", method,
	    name[0] == '\0' ? "" : "Mcp-Name: ", name, name[0] == '\0' ? "" : "\r\n", or(m->more, "")) < 0 ||
	    asprintf(body, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"%s\",\"params\":{" META "%s%s}", id, method,
	    or(m->capabilities, "{}"), or(m->meta, ""), any ? "," : "", any ? params + 1 : "}") < 0)
		abort();
}

void
mcp_write(const struct mcp *m, const char *id, const char *method, const char *params, char **headers, char **body)
{
	if (m->session[0] == '\0')
		write_modern(m, id, method, params, headers, body);
	else
		write_legacy(m, id, method, params, headers, body);
}

typedef void write_fn(const struct mcp *, const char *, const char *, const char *, char **, char **);

static void
ask_with(struct mcp *m, write_fn *write, const char *method, const char *params, struct answer *out)
{
	char	*headers, *body, id[16];

	snprintf(id, sizeof(id), "%d", m->next_id++);
	write(m, id, method, params, &headers, &body);
	mcp_post(m, headers, body, out);
	free(headers);
	free(body);
}

void
mcp_ask(struct mcp *m, const char *method, const char *params, struct answer *out)
{
	ask_with(m, write_legacy, method, params, out);
}

void
mcp_ask_modern(struct mcp *m, const char *method, const char *params, struct answer *out)
{
	ask_with(m, write_modern, method, params, out);
}

void
mcp_ask_either(struct mcp *m, const char *method, const char *params, struct answer *out)
{
	if (m->session[0] == '\0')
		mcp_ask_modern(m, method, params, out);
	else
		mcp_ask(m, method, params, out);
}

void
mcp_call(struct mcp *m, const char *tool, const char *arguments, struct answer *out)
{
	char	*params;

	if (asprintf(&params, "{\"name\":\"%s\",\"arguments\":%s}", tool, arguments) < 0)
		return;
	if (m->session[0] == '\0')
		mcp_ask_modern(m, "tools/call", params, out);
	else
		mcp_ask(m, "tools/call", params, out);
	free(params);
}

bool
tools_have(const struct answer *a, const char *name)
{
	json_object	*tools = json_at(a->json, "result.tools");

	for (size_t i = 0; tools != NULL && i < json_object_array_length(tools); i++)
		if (strcmp(json_text_at(json_object_array_get_idx(tools, i), "name"), name) == 0)
			return true;
	return false;
}
