/* SPDX-License-Identifier: Apache-2.0
 *
 * cors.c - what browsers are told, for origins that are allowed
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  no name a browser asks for: those that are echoed are tokens.
 *
 * A page's client takes an answer it may not see for an old server, so a name that is missing here makes
 * browsers speak an older revision, silently.
 */
#include "mcp/param.h"
#include "worker/front/cors.h"
#include "worker/front/reply.h"

#define METHODS	"POST, GET, DELETE, OPTIONS"
#define HEADERS	"Content-Type, Accept, Authorization, MCP-Protocol-Version, Mcp-Method, Mcp-Name, " \
	"Mcp-Session-Id, Last-Event-ID"

size_t
cors_fields(const struct request *rq, struct exchange_field f[CORS_FIELDS])
{
	if (!rq->origin_ok)
		return 0;
	f[0] = (struct exchange_field){ SPAN_LIT("Access-Control-Allow-Origin"),
	    http_head_get(&rq->x->head, HTTP_ORIGIN) };
	f[1] = (struct exchange_field){ SPAN_LIT("Access-Control-Expose-Headers"),
	    SPAN_LIT("Mcp-Session-Id, WWW-Authenticate, Retry-After") };
	return 2;
}

/* A list of names to ask leave for; those of arguments are the tools' own, so no list of ours has them. */
static int
put_params(struct buf *to, struct span names)
{
	const struct span	 prefix = SPAN_LIT(MCP_PARAM_PREFIX);
	const char		*comma;
	struct span		 name;
	size_t			 n;
	int			 r;

	while (names.n > 0) {
		comma = memchr(names.p, ',', names.n);
		n = comma == NULL ? names.n : (size_t)(comma - names.p);
		name = span_trim(span_part(names, 0, n));
		names = span_part(names, n + 1, names.n);
		if (name.n <= prefix.n || !span_eq_nocase(span_part(name, 0, prefix.n), prefix) ||
		    !http_is_token(name))
			continue;
		if ((r = buf_put_str(to, ", ")) != 0 || (r = buf_put(to, name)) != 0)
			return r;
	}
	return 0;
}

static int
put_headers(struct buf *to, const struct http_head *h)
{
	int	r = buf_put_str(to, HEADERS);

	for (size_t i = 0; r == 0 && i < h->count; i++)
		if (h->fields[i].id == HTTP_ACCESS_CONTROL_REQUEST_HEADERS)
			r = put_params(to, http_field_value(h, i));
	return r;
}

void
cors_preflight(struct request *rq)
{
	struct buf	allowed;

	if (!rq->origin_ok) {
		reply_refuse_with(rq, E_HTTP_METHOD, "OPTIONS is for browsers: it needs an Origin",
		    &(struct exchange_field){ SPAN_LIT("Allow"), SPAN_LIT(METHODS) });
		return;
	}
	buf_init(&allowed, 2 * HTTP_HEAD_BYTES_MAX);
	if (put_headers(&allowed, &rq->x->head) != 0) {
		reply_refuse(rq, E_NOMEM, NULL);
	} else {
		const struct exchange_field fields[] = {
			{ SPAN_LIT("Access-Control-Allow-Origin"), http_head_get(&rq->x->head, HTTP_ORIGIN) },
			{ SPAN_LIT("Access-Control-Allow-Methods"), SPAN_LIT(METHODS) },
			{ SPAN_LIT("Access-Control-Allow-Headers"), buf_rest(&allowed) },
			{ SPAN_LIT("Access-Control-Max-Age"), SPAN_LIT("600") },
			{ SPAN_LIT("Vary"), SPAN_LIT("Origin, Access-Control-Request-Headers") },
		};

		exchange_reply(rq->x, 204, fields, sizeof(fields) / sizeof(fields[0]), SPAN_NONE);
		request_done(rq);
	}
	buf_fini(&allowed);
}
