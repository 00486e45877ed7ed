/* SPDX-License-Identifier: Apache-2.0
 *
 * vaultread.c - what a vault answers
 *
 * Process: mcpgw-scout.  Owns: nothing beyond a call.
 * Trusts:  the vault for the values alone: what a request looks like is not its to say.
 */
#include <stdio.h>
#include <string.h>

#include "lib/conf.h"
#include "lib/num.h"
#include "scout/vaultread.h"

static int
parse(struct span body, struct conf **out)
{
	struct conf_error	error;
	int			r = conf_new(body, out, &error);

	return r == 0 || r == E_NOMEM ? r : E_FORMAT;
}

static bool
is_true(const struct conf_node *n)
{
	return n != NULL && n->type == JSON_TRUE;
}

static uint64_t
number(const struct conf_node *n)
{
	uint64_t	v;

	return n != NULL && n->type == JSON_NUMBER && num_u64(n->text, &v) == 0 ? v : 0;
}

int
vaultread_login(struct span body, struct buf *room, struct vaultread_token *out)
{
	const struct conf_node	*auth, *token;
	struct conf		*c;
	int			 r;

	*out = (struct vaultread_token){ .token = SPAN_NONE };
	if ((r = parse(body, &c)) != 0)
		return r;
	auth = conf_find(conf_top(c), "auth");
	token = conf_find(auth, "client_token");
	out->lease_s = number(conf_find(auth, "lease_duration"));
	out->renewable = is_true(conf_find(auth, "renewable"));
	if (auth == NULL || auth->type != JSON_OBJECT)
		r = E_FORMAT;
	else if (token != NULL && token->type == JSON_STRING && (r = buf_put(room, token->text)) == 0)
		out->token = buf_rest(room);
	conf_free(&c);
	return r;
}

int
vaultread_lookup(struct span body, struct vaultread_token *out)
{
	const struct conf_node	*data;
	struct conf		*c;
	int			 r;

	*out = (struct vaultread_token){ .token = SPAN_NONE };
	if ((r = parse(body, &c)) != 0)
		return r;
	data = conf_find(conf_top(c), "data");
	out->lease_s = number(conf_find(data, "ttl"));
	out->renewable = is_true(conf_find(data, "renewable"));
	if (data == NULL || data->type != JSON_OBJECT)
		r = E_FORMAT;
	conf_free(&c);
	return r;
}

int
vaultread_mount(struct span body, struct span path, size_t *mount, bool *versions)
{
	const struct conf_node	*data, *at, *type, *version;
	struct conf		*c;
	int			 r;

	if ((r = parse(body, &c)) != 0)
		return r;
	data = conf_find(conf_top(c), "data");
	at = conf_find(data, "path");
	type = conf_find(data, "type");
	version = conf_find(conf_find(data, "options"), "version");
	if (type != NULL && type->type == JSON_STRING && !span_is(type->text, "kv") && !span_is(type->text, "generic"))
		r = E_DENIED;
	else if (at == NULL || at->type != JSON_STRING || at->text.n == 0 || at->text.n >= path.n ||
	    !span_starts(path, at->text) || at->text.p[at->text.n - 1] != '/')
		r = E_FORMAT;
	else
		*mount = at->text.n;
	*versions = version != NULL && span_is(version->text, "2");
	conf_free(&c);
	return r;
}

/* conf_find() takes names of ours. */
static const struct conf_node *
member(const struct conf_node *n, struct span name)
{
	if (n == NULL || n->type != JSON_OBJECT)
		return NULL;
	for (n = n->first; n != NULL; n = n->next)
		if (span_eq(n->key, name))
			return n;
	return NULL;
}

int
vaultread_field(struct span body, bool versions, struct span field, struct buf *to)
{
	const struct conf_node	*data, *lease, *n;
	struct conf		*c;
	int			 r;

	if ((r = parse(body, &c)) != 0)
		return r;
	data = conf_find(conf_top(c), "data");
	if (versions)
		data = conf_find(data, "data");
	lease = conf_find(conf_top(c), "lease_id");
	n = member(data, field);
	if (lease != NULL && lease->type == JSON_STRING && lease->text.n > 0)
		r = E_DENIED;
	else if (n == NULL)
		r = E_NOTFOUND;
	else if ((n->type != JSON_STRING && n->type != JSON_NUMBER) || n->text.n == 0 ||
	    memchr(n->text.p, '\0', n->text.n) != NULL)
		r = E_FORMAT;
	else
		r = buf_put(to, n->text);
	conf_free(&c);
	return r;
}

void
vaultread_error(struct span body, char *to, size_t room)
{
	const struct conf_node	*errors;
	struct conf		*c;

	to[0] = '\0';
	if (parse(body, &c) != 0)
		return;
	errors = conf_find(conf_top(c), "errors");
	if (errors != NULL && errors->type == JSON_ARRAY && errors->first != NULL && errors->first->type == JSON_STRING)
		snprintf(to, room, "%.*s", (int)(errors->first->text.n > 120 ? 120 : errors->first->text.n),
		    errors->first->text.p);
	for (char *p = to; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = ' ';
	conf_free(&c);
}
