/* SPDX-License-Identifier: Apache-2.0
 *
 * known.c - which server a URI came from
 *
 * Process: worker.  Owns: the worker's table, made with the first URI.
 * Trusts:  no URI: an entry is for one principal and leads to a server that policy is asked about; the
 *          hash is keyed, so nobody can aim at another's entry.
 */
#include <stdlib.h>

#include "lib/crypt.h"
#include "lib/sum.h"
#include "mcp/catalogue.h"
#include "worker/lists/known.h"

#define SLOTS		4096		/* a power of two; 64 KiB */
#define URIS_MAX	64		/* of one result */
#define DECODED_MAX	(64 * 1024)

struct known {
	struct sum_key	key;
	struct {
		uint64_t	hash;		/* of the principal and the URI; 0: free */
		uint64_t	server;		/* sum64 of its name */
	} slot[SLOTS];
};

struct learner {
	struct request	*rq;
	struct known	*known;
	uint64_t	 server;
	struct arena	 text;
	unsigned	 left;
};

static uint64_t
hash_of(const struct known *k, const struct request *rq, struct span uri)
{
	uint64_t	parts[3] = { rq->who.hash, rq->who.tenant_hash, hash64(&k->key, uri) };

	return hash64(&k->key, span_make(parts, sizeof(parts))) | 1;
}

static struct known *
known_get(struct worker *w)
{
	if (w->known == NULL && (w->known = calloc(1, sizeof(*w->known))) != NULL &&
	    crypt_random(&w->known->key, sizeof(w->known->key)) != 0) {
		free(w->known);
		w->known = NULL;
	}
	return w->known;
}

static void
learn_uri(struct learner *l, struct json_value uri)
{
	struct span	text;
	uint64_t	hash;

	if (uri.type != JSON_STRING || l->left == 0 || uri.raw.n > CATALOGUE_URI_MAX ||
	    json_string(uri, &l->text, &text) != 0)
		return;
	l->left--;
	hash = hash_of(l->known, l->rq, text);
	l->known->slot[hash / 2 % SLOTS].hash = hash;
	l->known->slot[hash / 2 % SLOTS].server = l->server;
}

static void
learn_block(struct learner *l, struct json_value block)
{
	struct json_value	type = json_get(block, "type");

	if (json_is(type, "resource_link"))
		learn_uri(l, json_get(block, "uri"));
	else if (json_is(type, "resource"))
		learn_uri(l, json_get(json_get(block, "resource"), "uri"));
}

void
known_learn(struct request *rq, const struct rec_server *server, const struct rpc_answer *answer)
{
	struct learner		l = { .rq = rq, .left = URIS_MAX };
	const enum mcp_method	m = rq->msg.method;
	bool			is_task = m == MCP_TASKS_GET, is_prompt = m == MCP_PROMPTS_GET,
				is_tool = is_task || m == MCP_TOOLS_CALL || m == MCP_TASKS_RESULT;
	struct json_value	list = is_task ? json_get(json_get(answer->result, "result"), "content") :
				    is_tool ? answer->content :
				    json_get(answer->result, is_prompt ? "messages" : "contents");
	struct json_iter	it;
	struct json_value	value;
	struct span		key;

	if (list.type != JSON_ARRAY || (l.known = known_get(rq->w)) == NULL)
		return;
	l.server = sum64(snap_text(rq->config->policy, server->name));
	arena_init(&l.text, NULL, 0, DECODED_MAX);
	json_iter_init(&it, list);
	while (l.left > 0 && json_iter_next(&it, &key, &value)) {
		if (is_tool)
			learn_block(&l, value);
		else if (is_prompt)
			learn_block(&l, json_get(value, "content"));
		else
			learn_uri(&l, json_get(value, "uri"));
	}
	arena_fini(&l.text);
}

const struct rec_server *
known_find(const struct request *rq, struct span uri)
{
	const struct known	*k = rq->w->known;
	const struct rec_server	*s;
	uint64_t		 hash;

	if (k == NULL)
		return NULL;
	hash = hash_of(k, rq, uri);
	if (k->slot[hash / 2 % SLOTS].hash != hash)
		return NULL;
	for (uint64_t i = 0; (s = request_server_at(rq, i)) != NULL; i++)
		if (sum64(snap_text(rq->config->policy, s->name)) == k->slot[hash / 2 % SLOTS].server)
			return s;
	return NULL;
}
