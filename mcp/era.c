/* SPDX-License-Identifier: Apache-2.0
 *
 * era.c - the ladder: which era a request is of, and whether it is well made
 *
 * Process: worker.  Owns: nothing; a verdict borrows from its input.
 * Trusts:  nothing a client sends.  The body decides, the headers are only compared with it.
 */
#include "lib/bug.h"
#include "mcp/capability.h"
#include "mcp/era.h"
#include "mcp/header.h"
#include "mcp/level.h"

#define ALLOW	"POST, GET, DELETE"
#define NO_SUCH_REVISION "MCP-Protocol-Version names no revision served here"
#define DOUBLED_HEADER	"MCP-Protocol-Version, Mcp-Method or Mcp-Name comes more than once"

/* What several rows ask. */
struct ladder {
	const struct era_input		*in;
	const struct rpc_message	*m;
	const struct mcp_method_row	*method;
	bool				 is_request, is_note;
	bool				 claims;	/* the claim key is there, whatever it holds */
	bool				 claims_modern;	/* and holds the name of a modern revision */
	bool				 header_modern;	/* MCP-Protocol-Version does */
};

typedef bool row_holds(const struct ladder *l);

/* --- HTTP ---------------------------------------------------------------------------------------- */

static bool
is_get(const struct ladder *l)
{
	return l->in->http == ERA_HTTP_GET;
}

static bool
is_get_without_session(const struct ladder *l)
{
	return is_get(l) && (l->header_modern || l->in->session == ERA_SESSION_NONE);
}

static bool
is_get_of_dead(const struct ladder *l)
{
	return is_get(l) && l->in->session == ERA_SESSION_DEAD;
}

static bool
is_other_http(const struct ladder *l)
{
	return l->in->http == ERA_HTTP_OTHER;
}

static bool
is_delete_modern(const struct ladder *l)
{
	return l->in->http == ERA_HTTP_DELETE && l->header_modern;
}

static bool
is_delete_without_session(const struct ladder *l)
{
	return l->in->http == ERA_HTTP_DELETE && l->in->session == ERA_SESSION_NONE;
}

static bool
is_delete_of_dead(const struct ladder *l)
{
	return l->in->http == ERA_HTTP_DELETE && l->in->session == ERA_SESSION_DEAD;
}

static bool
is_delete(const struct ladder *l)
{
	return l->in->http == ERA_HTTP_DELETE;
}

static bool
is_no_json_type(const struct ladder *l)
{
	return !l->in->is_json;
}

/* --- the envelope -------------------------------------------------------------------------------- */

static bool
is_unreadable(const struct ladder *l)
{
	return l->in->body_error != 0;
}

static bool
is_array(const struct ladder *l)
{
	return l->m->kind == RPC_ARRAY;
}

static bool
is_array_out_of_place(const struct ladder *l)
{
	return is_array(l) && (l->in->batch == NULL || l->header_modern);
}

static bool
is_array_no_batch(const struct ladder *l)
{
	return is_array(l) && l->in->batch->error != 0;
}

static bool
is_batch_of_dead(const struct ladder *l)
{
	return is_array(l) && l->in->session == ERA_SESSION_DEAD;
}

/* The session's revision, or what the header names; with neither it is taken for the one that has batches
 * (mcp-wire 3.3). */
static bool
is_batch_of_other_revision(const struct ladder *l)
{
	enum mcp_version	v = MCP_2025_03_26;

	if (l->in->session == ERA_SESSION_LIVE)
		v = l->in->session_version;
	else if (l->in->version.count > 0)
		v = mcp_version_of(span_trim(l->in->version.value));
	return is_array(l) && v != MCP_2025_03_26;
}

static bool
is_batch_without_session(const struct ladder *l)
{
	return is_array(l) && l->in->session == ERA_SESSION_NONE;
}

static bool
is_response_to_modern(const struct ladder *l)
{
	return l->m->kind == RPC_RESPONSE && l->header_modern;
}

static bool
is_response_without_session(const struct ladder *l)
{
	return l->m->kind == RPC_RESPONSE && l->in->session == ERA_SESSION_NONE;
}

static bool
is_response_of_dead(const struct ladder *l)
{
	return l->m->kind == RPC_RESPONSE && l->in->session == ERA_SESSION_DEAD;
}

static bool
is_response(const struct ladder *l)
{
	return l->m->kind == RPC_RESPONSE;
}

static bool
has_doubled_header(const struct ladder *l)
{
	return l->in->version.count > 1 || l->in->method.count > 1 || l->in->name.count > 1;
}

static bool
is_batch_with_doubled_header(const struct ladder *l)
{
	return is_array(l) && has_doubled_header(l);
}

/* --- which era ----------------------------------------------------------------------------------- */

static bool
is_handshake(const struct ladder *l)
{
	return l->is_request && l->m->method == MCP_INITIALIZE && !l->claims_modern;
}

static bool
is_handshake_with_modern_header(const struct ladder *l)
{
	return is_handshake(l) && l->header_modern;
}

static bool
is_handshake_of_dead(const struct ladder *l)
{
	return is_handshake(l) && l->in->session == ERA_SESSION_DEAD;
}

static bool
is_handshake_again(const struct ladder *l)
{
	return is_handshake(l) && l->in->session == ERA_SESSION_LIVE;
}

static bool
is_handshake_without_version(const struct ladder *l)
{
	return is_handshake(l) && l->m->version.p == NULL;
}

static bool
is_claimless_request_with_modern_header(const struct ladder *l)
{
	return !l->claims && l->is_request && l->header_modern;
}

static bool
is_claimless_note_with_modern_header(const struct ladder *l)
{
	return !l->claims && l->is_note && l->header_modern;
}

/* --- modern -------------------------------------------------------------------------------------- */

static bool
is_claim_no_string(const struct ladder *l)
{
	return l->claims && l->is_request && l->m->claim.type != JSON_STRING;
}

static bool
is_capabilities_no_object(const struct ladder *l)
{
	return l->claims && l->is_request && l->m->claim_capabilities.type != JSON_OBJECT;
}

static bool
is_client_info_malformed(const struct ladder *l)
{
	struct json_value	info = l->m->claim_client_info;

	return l->claims && l->is_request && info.type != JSON_NONE &&
	    (json_get(info, "name").type != JSON_STRING || json_get(info, "version").type != JSON_STRING);
}

static bool
is_log_level_unknown(const struct ladder *l)
{
	return l->claims && l->is_request && l->m->log_level.type != JSON_NONE &&
	    mcp_level_of(l->m->log_level) == MCP_LEVEL_NONE;
}

static bool
is_version_header_other(const struct ladder *l)
{
	return l->claims && l->in->version.count > 0 &&
	    !(l->m->claim.type == JSON_STRING && span_eq(span_trim(l->in->version.value), l->m->claim_text));
}

static bool
is_method_header_other(const struct ladder *l)
{
	return l->claims && l->in->method.count > 0 &&
	    !span_eq(span_trim(l->in->method.value), l->m->method_text);
}

static bool
is_claimed_note(const struct ladder *l)
{
	return l->claims && l->is_note;
}

static bool
is_version_not_served(const struct ladder *l)
{
	return l->claims && !mcp_version_is_modern(mcp_version_of(l->m->claim_text));
}

static bool
is_version_header_missing(const struct ladder *l)
{
	return l->claims && l->in->version.count == 0;
}

static bool
is_method_header_missing(const struct ladder *l)
{
	return l->claims && l->in->method.count == 0;
}

/* What Mcp-Name repeats; NULL pointer when the body has no such text. */
static struct span
name_source(const struct ladder *l)
{
	switch (l->method->header) {
	case MCP_HEADER_NAME:
		return l->m->name;
	case MCP_HEADER_URI:
		return l->m->uri;
	case MCP_HEADER_TASK_ID:
		return l->m->task_id;
	default:
		return SPAN_NONE;
	}
}

static bool
is_name_header_missing(const struct ladder *l)
{
	return l->claims && name_source(l).p != NULL && l->in->name.count == 0;
}

static bool
is_name_header_other(const struct ladder *l)
{
	return l->claims && name_source(l).p != NULL &&
	    mcp_header_matches(l->in->name.value, name_source(l)) != 0;
}

static bool
knows_method(const struct ladder *l, enum mcp_eras era)
{
	return l->method->kind == MCP_REQUEST && (l->method->eras & era) != 0 &&
	    (l->method->from & MCP_FROM_CLIENT) != 0 && l->method->action != MCP_ACTION_UNKNOWN &&
	    (l->method->offer & ~l->in->offers) == 0;
}

static bool
is_method_unknown_modern(const struct ladder *l)
{
	return l->claims && !knows_method(l, MCP_ERA_MODERN);
}

static bool
is_capability_missing(const struct ladder *l)
{
	return l->claims && (l->in->needs & ~mcp_capabilities_of(l->m->claim_capabilities)) != 0;
}

static bool
is_claimed(const struct ladder *l)
{
	return l->claims;
}

/* --- legacy -------------------------------------------------------------------------------------- */

static bool
is_without_session(const struct ladder *l)
{
	return l->in->session == ERA_SESSION_NONE;
}

static bool
is_of_dead_session(const struct ladder *l)
{
	return l->in->session == ERA_SESSION_DEAD;
}

/* Another revision that we serve is tolerated: the session's counts. */
static bool
is_version_header_unknown(const struct ladder *l)
{
	return l->in->version.count > 0 &&
	    mcp_version_of(span_trim(l->in->version.value)) == MCP_VERSION_NONE;
}

static bool
is_batch_with_unknown_version(const struct ladder *l)
{
	return is_array(l) && is_version_header_unknown(l);
}

static bool
is_note(const struct ladder *l)
{
	return l->is_note;
}

static bool
is_method_unknown_legacy(const struct ladder *l)
{
	return !knows_method(l, MCP_ERA_LEGACY);
}

static bool
always(const struct ladder *l)
{
	(void)l;
	return true;
}

/* --- the table ----------------------------------------------------------------------------------- */

enum row_era { UNKNOWN_YET, LEGACY, MODERN };

struct row {
	const char	*name;		/* place in mcp-wire */
	row_holds	*holds;
	enum era_act	 act;
	enum row_era	 era;
	int		 error;		/* 0 with ERA_REFUSE: that of the body, or of the batch */
	int		 http;		/* 0: as the error's row says */
	enum era_data	 data;
	const char	*text;		/* NULL: why the body was refused, or the error's own text */
};

#define REFUSE(name, holds, era, error, http, data, text) \
	{ name, holds, ERA_REFUSE, era, error, http, ERA_DATA_##data, text }
#define TAKE(name, holds, era, act) \
	{ name, holds, act, era, 0, 0, ERA_DATA_NONE, NULL }

static const struct row ladder_rows[] = {
	REFUSE("4.1/3a get", is_get_without_session, UNKNOWN_YET, E_HTTP_METHOD, 0, NONE,
	    "there is no event stream without a session"),
	REFUSE("3.3 get", is_get_of_dead, LEGACY, E_MCP_SESSION, 0, NONE, NULL),
	TAKE("3.3 get", is_get, LEGACY, ERA_STREAM),
	REFUSE("4.1/3a other", is_other_http, UNKNOWN_YET, E_HTTP_METHOD, 0, NONE, NULL),
	REFUSE("3.4 delete", is_delete_modern, MODERN, E_HTTP_METHOD, 0, NONE,
	    "this revision has no sessions to end"),
	REFUSE("3.3 delete", is_delete_without_session, LEGACY, E_MCP_SESSION_MISSING, 0, NONE, NULL),
	REFUSE("3.3 delete", is_delete_of_dead, LEGACY, E_MCP_SESSION, 0, NONE, NULL),
	TAKE("3.3 delete", is_delete, LEGACY, ERA_END_SESSION),
	REFUSE("4.1/4", is_no_json_type, UNKNOWN_YET, E_HTTP_MEDIA, 0, NONE, NULL),
	REFUSE("4.1/5", is_unreadable, UNKNOWN_YET, 0, 0, NONE, NULL),
	REFUSE("4.2 array", is_array_out_of_place, UNKNOWN_YET, E_RPC_BATCH, 0, NONE, NULL),
	REFUSE("4.2 batch", is_array_no_batch, UNKNOWN_YET, 0, 0, NONE, NULL),
	REFUSE("5", is_batch_with_doubled_header, UNKNOWN_YET, E_MCP_HEADER, 0, NONE, DOUBLED_HEADER),
	REFUSE("4.2 session", is_batch_of_dead, LEGACY, E_MCP_SESSION, 0, NONE, NULL),
	REFUSE("4.2 revision", is_batch_of_other_revision, LEGACY, E_RPC_BATCH, 0, NONE,
	    "this revision has no batches"),
	REFUSE("4.2 session", is_batch_without_session, LEGACY, E_MCP_SESSION_MISSING, 0, NONE, NULL),
	REFUSE("3.3", is_batch_with_unknown_version, LEGACY, E_RPC_INVALID, 0, NONE, NO_SUCH_REVISION),
	TAKE("4.1/6", is_array, LEGACY, ERA_BATCH),
	REFUSE("4.1/7", is_response_to_modern, MODERN, E_RPC_INVALID, 0, NONE,
	    "a client of this revision sends requests and notifications only"),
	REFUSE("4.1/7", is_response_without_session, LEGACY, E_MCP_SESSION_MISSING, 0, NONE, NULL),
	REFUSE("4.1/7", is_response_of_dead, LEGACY, E_MCP_SESSION, 0, NONE, NULL),
	TAKE("4.1/7", is_response, LEGACY, ERA_RESPONSE),
	REFUSE("5", has_doubled_header, UNKNOWN_YET, E_MCP_HEADER, 0, NONE, DOUBLED_HEADER),

	REFUSE("4.1/9", is_handshake_with_modern_header, UNKNOWN_YET, E_MCP_HEADER, 0, NONE,
	    "MCP-Protocol-Version names a revision without initialize"),
	REFUSE("4.1/9", is_handshake_of_dead, LEGACY, E_MCP_SESSION, 0, NONE, NULL),
	REFUSE("4.4", is_handshake_again, LEGACY, E_MCP_REINIT, 0, NONE, NULL),
	REFUSE("4.4", is_handshake_without_version, LEGACY, E_RPC_PARAMS, 0, VERSIONS,
	    "params.protocolVersion must be a string"),
	TAKE("4.1/9", is_handshake, LEGACY, ERA_INITIALIZE),
	REFUSE("4.1/11", is_claimless_request_with_modern_header, MODERN, E_MCP_META, 0, NONE,
	    "params._meta must have " MCP_META_VERSION " and " MCP_META_CAPABILITIES),
	TAKE("4.1/12", is_claimless_note_with_modern_header, MODERN, ERA_NOTE),

	REFUSE("4.3/1", is_claim_no_string, MODERN, E_MCP_META, 0, NONE,
	    "params._meta: " MCP_META_VERSION " must be a string"),
	REFUSE("4.3/1", is_capabilities_no_object, MODERN, E_MCP_META, 0, NONE,
	    "params._meta: " MCP_META_CAPABILITIES " must be an object"),
	REFUSE("4.3/1", is_client_info_malformed, MODERN, E_MCP_META, 0, NONE,
	    "params._meta: " MCP_META_CLIENT_INFO " must have name and version"),
	REFUSE("4.3/1", is_log_level_unknown, MODERN, E_MCP_META, 0, NONE,
	    "params._meta: " MCP_META_LOG_LEVEL " is no known level"),
	REFUSE("4.3/2", is_version_header_other, MODERN, E_MCP_HEADER, 0, NONE,
	    "MCP-Protocol-Version does not match params._meta"),
	REFUSE("4.3/3", is_method_header_other, MODERN, E_MCP_HEADER, 0, NONE,
	    "Mcp-Method does not match method"),
	TAKE("3.4 note", is_claimed_note, MODERN, ERA_NOTE),
	REFUSE("4.3/4", is_version_not_served, MODERN, E_MCP_VERSION, 0, VERSIONS, NULL),
	REFUSE("4.3/5", is_version_header_missing, MODERN, E_MCP_HEADER, 0, NONE,
	    "MCP-Protocol-Version is missing"),
	REFUSE("4.3/6", is_method_header_missing, MODERN, E_MCP_HEADER, 0, NONE, "Mcp-Method is missing"),
	REFUSE("4.3/7", is_name_header_missing, MODERN, E_MCP_HEADER, 0, NONE, "Mcp-Name is missing"),
	REFUSE("4.3/7", is_name_header_other, MODERN, E_MCP_HEADER, 0, NONE,
	    "Mcp-Name does not match the body"),
	REFUSE("4.3/8", is_method_unknown_modern, MODERN, E_RPC_METHOD, 404, NONE, NULL),
	REFUSE("4.3/12", is_capability_missing, MODERN, E_MCP_CAPABILITY, 0, CAPABILITIES, NULL),
	TAKE("4.3", is_claimed, MODERN, ERA_REQUEST),

	REFUSE("4.1/13", is_without_session, LEGACY, E_MCP_SESSION_MISSING, 0, NONE, NULL),
	REFUSE("4.1/13", is_of_dead_session, LEGACY, E_MCP_SESSION, 0, NONE, NULL),
	REFUSE("3.3", is_version_header_unknown, LEGACY, E_RPC_INVALID, 0, NONE, NO_SUCH_REVISION),
	TAKE("4.1/13", is_note, LEGACY, ERA_NOTE),
	REFUSE("7.3", is_method_unknown_legacy, LEGACY, E_RPC_METHOD, 0, NONE, NULL),
	TAKE("4.1/13", always, LEGACY, ERA_REQUEST),
};

static enum mcp_version
version_of(const struct row *row, const struct ladder *l)
{
	if (row->era == LEGACY)
		return row->act == ERA_INITIALIZE ? mcp_version_negotiate(l->m->version) :
		    l->in->session_version;
	/* A modern client gets the newest we have when what it names is none of ours. */
	if (row->era == MODERN)
		return l->claims && mcp_version_is_modern(mcp_version_of(l->m->claim_text)) ?
		    mcp_version_of(l->m->claim_text) : MCP_NEWEST_MODERN;
	return MCP_VERSION_NONE;
}

/* What the body was refused for, where its reader said so. */
static const char *
why(const struct era_input *in)
{
	if (in->body_error != 0)
		return in->message == NULL ? NULL : in->message->why;
	return in->batch->why;
}

void
era_judge(const struct era_input *in, struct era_verdict *out)
{
	static const struct rpc_message	none;
	const struct rpc_message	*m = in->message != NULL ? in->message : &none;
	struct ladder			 l = {
		.in = in,
		.m = m,
		.method = mcp_method_row(m->method),
		.is_request = m->kind == RPC_REQUEST,
		.is_note = m->kind == RPC_NOTIFICATION,
		.claims = m->claim.type != JSON_NONE,
		.claims_modern = mcp_version_claims_modern(m->claim_text),
		.header_modern = in->version.count > 0 &&
		    mcp_version_claims_modern(span_trim(in->version.value)),
	};
	const struct row		*row = ladder_rows;

	BUG_ON(in->http == ERA_HTTP_POST && in->message == NULL && in->body_error == 0 && in->is_json);
	while (!row->holds(&l))
		row++;
	*out = (struct era_verdict){ .act = row->act, .modern = row->era == MODERN, .row = row->name,
	    .version = version_of(row, &l) };
	if (row->act != ERA_REFUSE)
		return;
	out->error = row->error != 0 ? row->error : in->body_error != 0 ? in->body_error : in->batch->error;
	out->http = row->http != 0 ? row->http : err_row(out->error)->http_status;
	out->text = row->text != NULL ? row->text : row->error == 0 ? why(in) : NULL;
	if (out->text == NULL)
		out->text = err_text(out->error);
	out->data = row->data;
	if (row->data == ERA_DATA_CAPABILITIES)
		out->missing = in->needs & ~mcp_capabilities_of(m->claim_capabilities);
	if (out->error == E_HTTP_METHOD)
		out->allow = ALLOW;
}

int
era_write_data(struct buf *to, const struct era_input *in, const struct era_verdict *v)
{
	struct json_value	asked;
	int			r;

	switch (v->data) {
	case ERA_DATA_VERSIONS:
		if ((r = buf_put_fmt(to, "\"supported\":%.*s", SPAN_FMT(mcp_version_supported()))) != 0)
			return r;
		asked = v->modern ? in->message->claim : in->message->version_value;
		if (asked.type != JSON_STRING)
			return 0;
		if ((r = buf_put_str(to, ",\"requested\":")) != 0)
			return r;
		return buf_put(to, asked.raw);
	case ERA_DATA_CAPABILITIES:
		if ((r = buf_put_str(to, "\"requiredCapabilities\":")) != 0)
			return r;
		return mcp_capabilities_write(to, v->missing);
	default:
		return 0;
	}
}
