/* SPDX-License-Identifier: Apache-2.0
 *
 * elicit.c - who asks: the server's name before the message of an elicitation
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  no server: what has a member twice is refused, since clients do not agree on which one counts.
 */
#include "mcp/elicit.h"

static int
prove(struct json_value v)
{
	struct json_value	same;
	int			r = json_parse(v.raw, true, &same, NULL);

	return r == E_TOOBIG ? E_JSON_DUPLICATE : r;
}

/* All of a text goes in parts: what stands before this, from where the last one ended. */
static int
put_until(struct buf *to, const char **from, const char *until)
{
	struct span	part = span_make(*from, (size_t)(until - *from));

	*from = until;
	return buf_put(to, part);
}

int
mcp_elicit_put_message(struct buf *to, struct json_value message, struct span name)
{
	struct span	rest = message.type == JSON_STRING ? span_part(message.raw, 1, message.raw.n) : SPAN_LIT("\"");
	int		r;

	if ((r = json_put_string(to, name)) != 0)
		return r;
	to->used--;		/* its quote */
	if ((r = buf_put_str(to, ": ")) != 0)
		return r;
	return buf_put(to, rest);
}

/* Up to the end of the message; without one nothing. */
static int
put_named(struct buf *to, const char **from, struct json_value params, struct span name)
{
	struct json_value	message = json_get(params, "message");
	int			r;

	if (message.type != JSON_STRING)
		return 0;
	if ((r = put_until(to, from, message.raw.p)) != 0)
		return r;
	*from = message.raw.p + message.raw.n;
	return mcp_elicit_put_message(to, message, name);
}

int
mcp_elicit_put(struct buf *to, struct json_value params, struct span name)
{
	const char	*from = params.raw.p;
	int		 r;

	if ((r = prove(params)) != 0 || (r = put_named(to, &from, params, name)) != 0)
		return r;
	return put_until(to, &from, params.raw.p + params.raw.n);
}

int
mcp_elicit_put_requests(struct buf *to, struct json_value requests, struct span name)
{
	const char		*from = requests.raw.p;
	struct json_iter	 it;
	struct json_value	 one;
	struct span		 key;
	int			 r;

	if ((r = prove(requests)) != 0)
		return r;
	json_iter_init(&it, requests);
	while (json_iter_next(&it, &key, &one))
		if (json_is(json_get(one, "method"), "elicitation/create") &&
		    (r = put_named(to, &from, json_get(one, "params"), name)) != 0)
			return r;
	return put_until(to, &from, requests.raw.p + requests.raw.n);
}

int
mcp_elicit_put_data(struct buf *to, struct json_value data, struct span name)
{
	const char		*from = data.raw.p;
	struct json_value	 list = json_get(data, "elicitations"), one;
	struct json_iter	 it;
	struct span		 key;
	int			 r;

	if ((r = prove(data)) != 0)
		return r;
	if (list.type == JSON_ARRAY)
		json_iter_init(&it, list);
	while (list.type == JSON_ARRAY && json_iter_next(&it, &key, &one))
		if ((r = put_named(to, &from, one, name)) != 0)
			return r;
	return put_until(to, &from, data.raw.p + data.raw.n);
}
