/* SPDX-License-Identifier: Apache-2.0
 *
 * metaargs.c - the arguments of the gateway's own tools
 *
 * Process: worker.  Owns: nothing; texts are the request's.
 * Trusts:  no type and no count of what a client sends.
 */
#include "worker/meta/metaargs.h"

static int
string_arg(struct request *rq, struct json_value args, const char *name, struct span *out)
{
	struct json_value	v = json_get(args, name);

	*out = SPAN_NONE;
	if (v.type == JSON_NONE || v.type == JSON_NULL)
		return 0;
	return json_string(v, &rq->x->arena, out) != 0 ? E_RPC_PARAMS : 0;
}

static int
number_arg(struct json_value args, const char *name, bool *has, uint64_t *out)
{
	struct json_value	v = json_get(args, name);

	*has = v.type != JSON_NONE && v.type != JSON_NULL;
	*out = 0;
	return *has && json_u64(v, out) != 0 ? E_RPC_PARAMS : 0;
}

/* Two values for one argument: a reader of the audit might believe in the other. */
static bool
has_argument_twice(struct json_value args)
{
	static const char *const names[] = { "agent_id", "server", "tool", "args", "timeout_ms", "names",
		"pattern", "max_schema_tokens", "include_metadata", "query", "limit" };
	struct json_iter	 it;
	struct json_value	 value;
	struct span		 key;
	unsigned		 seen = 0;

	if (args.type != JSON_OBJECT)
		return false;
	json_iter_init(&it, args);
	while (json_iter_next(&it, &key, &value))
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (!json_is(json_key(key), names[i]))
				continue;
			if (seen & 1u << i)
				return true;
			seen |= 1u << i;
		}
	return false;
}

/* In the order of this list; *wrong is the one that failed. */
static int
read_each(struct request *rq, struct meta_args *out, const char **wrong)
{
	struct json_value	a = rq->msg.arguments, v;
	bool			has_timeout, has_limit;

	*out = (struct meta_args){ .args = json_get(a, "args") };
	if ((*wrong = "agent_id", string_arg(rq, a, "agent_id", &out->agent)) != 0 ||
	    (*wrong = "server", string_arg(rq, a, "server", &out->server)) != 0 ||
	    (*wrong = "tool", string_arg(rq, a, "tool", &out->tool)) != 0 ||
	    (*wrong = "names", string_arg(rq, a, "names", &out->names)) != 0 ||
	    (*wrong = "pattern", string_arg(rq, a, "pattern", &out->pattern)) != 0 ||
	    (*wrong = "max_schema_tokens", number_arg(a, "max_schema_tokens", &out->has_budget,
		&out->max_schema_tokens)) != 0 ||
	    (*wrong = "timeout_ms", number_arg(a, "timeout_ms", &has_timeout, &out->timeout_ms)) != 0 ||
	    (*wrong = "query", string_arg(rq, a, "query", &out->query)) != 0 ||
	    (*wrong = "limit", number_arg(a, "limit", &has_limit, &out->limit)) != 0)
		return E_RPC_PARAMS;
	if (!has_limit)
		out->limit = META_LIMIT;
	out->limit = out->limit < 1 ? 1 : out->limit > META_LIMIT_MAX ? META_LIMIT_MAX : out->limit;
	*wrong = "include_metadata";
	v = json_get(a, "include_metadata");
	if (v.type != JSON_NONE && v.type != JSON_TRUE && v.type != JSON_FALSE && v.type != JSON_NULL)
		return E_RPC_PARAMS;
	out->include_metadata = v.type == JSON_TRUE;
	*wrong = "args";
	if (out->args.type != JSON_NONE && out->args.type != JSON_OBJECT && out->args.type != JSON_NULL)
		return E_RPC_PARAMS;
	if (out->args.type == JSON_NULL)
		out->args.type = JSON_NONE;
	return 0;
}

/* The text that is longer than it may be, or NULL. */
static const char *
too_long(const struct meta_args *args)
{
	const struct { const char *name; size_t bytes, max; } texts[] = {
		{ "query", args->query.n, META_QUERY_MAX }, { "names", args->names.n, META_NAMES_MAX },
		{ "pattern", args->pattern.n, META_PATTERN_MAX },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].bytes > texts[i].max)
			return texts[i].name;
	return NULL;
}

int
metaargs_read(struct request *rq, struct meta_args *out, struct span *wrong)
{
	const char	*name;

	if (has_argument_twice(rq->msg.arguments)) {
		*wrong = SPAN_LIT("an argument comes twice");
		return E_RPC_PARAMS;
	}
	if (read_each(rq, out, &name) != 0) {
		*wrong = arena_fmt(&rq->x->arena, "argument %s has the wrong type", name);
		return E_RPC_PARAMS;
	}
	if ((name = too_long(out)) != NULL) {
		*wrong = arena_fmt(&rq->x->arena, "argument %s is too long", name);
		return E_RPC_PARAMS;
	}
	return 0;
}
