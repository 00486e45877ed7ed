/* SPDX-License-Identifier: Apache-2.0
 *
 * cachekey.c - which calls are equal: a digest of all that an answer hangs on
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  nothing: what is left out here would be shown to whom it was not made for.
 */
#include "mcp/bridge.h"
#include "mcp/canon.h"
#include "worker/cache/cachekey.h"
#include "worker/talk/asks.h"

#define KEY_WORD	"mcpgw cached 2"
#define ARGUMENTS_MAX	(64 * 1024)	/* larger ones are not compared */

static int
put_text(struct buf *b, struct span s)
{
	int	r = buf_put_u64(b, s.n);

	return r != 0 ? r : buf_put(b, s);
}

/* Whose it is, where it is not everybody's of the tenant. */
static int
put_whose(struct buf *b, const struct request *rq, const struct rec_server *server)
{
	const bool	each = server->isolation == ISOLATION_CALL;
	int		r;

	if ((r = buf_put_u64(b, rq->who.hash)) != 0 || (r = put_text(b, rq->who.subject)) != 0 ||
	    (r = put_text(b, rq->who.agent)) != 0)
		return r;
	return buf_put_u64(b, each ? 0 : call_instance(rq, server));
}

/* Names may repeat in a client's JSON, and which of them counts is its reader's choice: such arguments have no form
 * that others could equal. */
static int
put_arguments(struct buf *b, struct json_value arguments)
{
	struct json_value	proven;
	int			r;

	if (arguments.type == JSON_NONE)
		return buf_put_str(b, "{}");
	if ((r = json_parse(arguments.raw, true, &proven, NULL)) != 0)
		return r;
	return canon_put(b, proven, NULL);
}

int
cachekey_put_passing(struct buf *b, const struct rpc_message *from)
{
	struct json_value	proven;
	struct buf		text;
	int			r;

	if (from == NULL)
		return buf_put_str(b, "{}");
	buf_init(&text, ARGUMENTS_MAX);
	if ((r = bridge_put_passing(&text, from)) == 0 && (r = json_parse(buf_rest(&text), true, &proven, NULL)) == 0)
		r = canon_put(b, proven, NULL);
	if (text.data != NULL)
		crypt_wipe(text.data, text.used);
	buf_fini(&text);
	return r;
}

int
cachekey_make(const struct request *rq, const struct call_ask *ask, bool shared, struct crypt_digest *out)
{
	struct buf	b;
	int		r;

	if (ask->arguments.raw.n > ARGUMENTS_MAX)
		return E_TOOBIG;
	buf_init(&b, 8 * ARGUMENTS_MAX);
	if ((r = buf_put_str(&b, KEY_WORD)) == 0 && (r = buf_put_u8(&b, shared)) == 0 &&
	    (r = put_text(&b, rq->who.tenant)) == 0 && (r = buf_put_u64(&b, rq->config->generation)) == 0 &&
	    (r = buf_put_u64(&b, ask->server->profile)) == 0 && (r = buf_put_u8(&b, ask->what)) == 0 &&
	    (r = put_text(&b, ask->tool)) == 0 &&
	    (r = buf_put_u64(&b, asks_capabilities(rq, ask->server))) == 0 &&
	    (shared || (r = put_whose(&b, rq, ask->server)) == 0) && (r = put_arguments(&b, ask->arguments)) == 0 &&
	    (r = cachekey_put_passing(&b, ask->from)) == 0)
		r = crypt_sha256(buf_rest(&b), out);
	if (b.data != NULL)
		crypt_wipe(b.data, b.used);
	buf_fini(&b);
	return r;
}
