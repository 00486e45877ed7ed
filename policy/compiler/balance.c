/* SPDX-License-Identifier: Apache-2.0
 *
 * balance.c - a server at several urls, and how calls of any server are spread, sent again and refused
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  the operator's words.
 */
#include "lib/glob.h"
#include "lib/nameset.h"
#include "policy/compiler/server.h"
#include "policy/compiler/typed.h"
#include "policy/endpoints.h"

#define WEIGHT_MAX	1000
#define HOUR_MS		(60 * 60 * 1000)
#define DAY_MS		(24 * HOUR_MS)

/* --- urls --------------------------------------------------------------------------------------- */

/* The url of an element of "endpoints" or "url"; NULL after saying what is wrong. */
static const struct conf_node *
url_of(struct server *sv, const struct conf_node *element)
{
	static const char *const	keys[] = { "url", "weight", NULL };
	const struct conf_node		*url = NULL;
	uint64_t			 weight;

	if (element->type == JSON_STRING)
		return element;
	if (!typed_is(sv->job, sv->source, element, JSON_OBJECT))
		return NULL;
	typed_keys(sv->job, sv->source, element, keys);
	(void)typed_number(sv->job, sv->source, element, "weight", 1, WEIGHT_MAX, &weight);
	if (conf_find(element, "url") == NULL)
		job_error_key(sv->job, sv->source, element, "needs a \"url\"");
	return typed_string(sv->job, sv->source, element, "url", &url) ? url : NULL;
}

static const struct conf_node *
list_of(const struct server *sv)
{
	const struct conf_node	*n = conf_find(sv->node, "endpoints");

	return n != NULL ? n : conf_find(sv->node, "url");
}

const struct conf_node *
balance_urls(struct server *sv, size_t *count)
{
	const struct conf_node	*list = list_of(sv), *n, *first = NULL, *url;
	const struct conf_node	*both = conf_find(sv->node, "url");

	*count = 0;
	if (both != NULL && both != list) {
		job_error_key(sv->job, sv->source, both, "beside \"endpoints\"; want one of them");
		return NULL;
	}
	if (list->type == JSON_STRING && both != NULL) {
		*count = 1;
		return list;
	}
	if (!typed_is(sv->job, sv->source, list, JSON_ARRAY))
		return NULL;
	for (n = list->first; n != NULL; n = n->next) {
		if ((url = url_of(sv, n)) == NULL)
			return NULL;
		if (first == NULL)
			first = url;
		++*count;
	}
	if (first == NULL)
		job_error(sv->job, sv->source, list, "is empty");
	else if (*count > ENDPOINTS_MAX)
		job_error(sv->job, sv->source, list, "%zu urls: want at most %d", *count, ENDPOINTS_MAX);
	return *count > ENDPOINTS_MAX ? NULL : first;
}

/* The element that a url belongs to: itself, or the object around it. */
static const struct conf_node *
element_of(const struct server *sv, const struct conf_node *url)
{
	const struct conf_node	*list = list_of(sv);

	return url == list || url->parent == list ? url : url->parent;
}

const struct conf_node *
balance_url_next(struct server *sv, const struct conf_node *url)
{
	const struct conf_node	*list = list_of(sv), *n;

	if (list == NULL || list->type != JSON_ARRAY || (n = element_of(sv, url)->next) == NULL)
		return NULL;
	return n->type == JSON_STRING ? n : conf_find(n, "url");
}

uint32_t
balance_weight(struct server *sv, const struct conf_node *url)
{
	const struct conf_node	*n = element_of(sv, url);
	uint64_t		 weight = 1;

	if (n->type == JSON_OBJECT)
		(void)typed_number(sv->job, sv->source, n, "weight", 1, WEIGHT_MAX, &weight);
	return (uint32_t)weight;
}

/* --- what is said of them ----------------------------------------------------------------------- */

struct number {
	const char	*key;
	uint32_t	*to;
	uint64_t	 min, max;
};

static void
read_numbers(struct server *sv, const struct conf_node *n, const struct number *rows, size_t count)
{
	uint64_t	v;

	for (size_t i = 0; i < count; i++)
		if (typed_number(sv->job, sv->source, n, rows[i].key, rows[i].min, rows[i].max, &v))
			*rows[i].to = (uint32_t)v;
}

static void
read_health(struct server *sv, const struct conf_node *n, struct rec_balance *b)
{
	static const char *const	keys[] = { "path", "interval_ms", "timeout_ms", "healthy", "unhealthy",
		"max_ejected_percent", "slow_start_ms", NULL };
	const struct number		rows[] = {
		{ "interval_ms", &b->health_ms, 100, DAY_MS }, { "timeout_ms", &b->health_timeout_ms, 10, HOUR_MS },
		{ "healthy", &b->healthy, 1, 100 }, { "unhealthy", &b->unhealthy, 1, 100 },
		{ "max_ejected_percent", &b->eject_percent, 0, 100 },
		{ "slow_start_ms", &b->slow_start_ms, 0, HOUR_MS },
	};
	const struct conf_node		*path = NULL;

	typed_keys(sv->job, sv->source, n, keys);
	read_numbers(sv, n, rows, sizeof(rows) / sizeof(rows[0]));
	if (!typed_string(sv->job, sv->source, n, "path", &path))
		return;
	if (path->text.n == 0 || path->text.p[0] != '/')
		job_error(sv->job, sv->source, path, "\"%.*s\": want a path that begins with /", SHOWN(path->text));
	for (size_t i = 0; i < path->text.n; i++)
		if ((unsigned char)path->text.p[i] <= ' ' || (unsigned char)path->text.p[i] >= 0x7f) {
			job_error(sv->job, sv->source, path, "a path has no blanks and nothing that must be encoded");
			return;
		}
	b->health_path = put_text(sv->job->policy, path->text);
}

static void
read_breaker(struct server *sv, const struct conf_node *n, struct rec_balance *b)
{
	static const char *const	keys[] = { "failures", "open_ms", "probes", "error_percent", "min_calls",
		"window_ms", "slow_ms", "per_tool", NULL };
	const struct number		rows[] = {
		{ "failures", &b->failures, 1, 1000 }, { "open_ms", &b->open_ms, 100, HOUR_MS },
		{ "probes", &b->probes, 1, 7 }, { "error_percent", &b->error_percent, 1, 100 },
		{ "min_calls", &b->min_calls, 1, 10000 }, { "window_ms", &b->window_ms, 1000, HOUR_MS },
		{ "slow_ms", &b->slow_ms, 1, HOUR_MS },
	};
	bool				per_tool = false;

	typed_keys(sv->job, sv->source, n, keys);
	read_numbers(sv, n, rows, sizeof(rows) / sizeof(rows[0]));
	if (typed_flag(sv->job, sv->source, n, "per_tool", &per_tool) && per_tool)
		b->flags |= BALANCE_FLAG_TOOLS;
}

static void
read_retry(struct server *sv, const struct conf_node *n, struct rec_balance *b)
{
	static const char *const	keys[] = { "attempts", "budget_percent", NULL };
	const struct number		rows[] = {
		{ "attempts", &b->attempts, 1, 10 }, { "budget_percent", &b->retry_percent, 1, 100 },
	};

	typed_keys(sv->job, sv->source, n, keys);
	read_numbers(sv, n, rows, sizeof(rows) / sizeof(rows[0]));
}

static void
read_idempotent(struct server *sv)
{
	const struct conf_node	*list = NULL, *n;
	struct span		*names, all = SPAN_NONE;
	const char		*wrong;
	size_t			 count = 0;

	if (!typed_list(sv->job, sv->source, sv->node, "idempotent", JSON_ARRAY, true, &list) || list->count == 0)
		return;
	names = job_alloc(sv->job, list->count * sizeof(*names));
	for (n = list->first; n != NULL; n = n->next) {
		if ((wrong = glob_check(n->text)) != NULL)
			job_error(sv->job, sv->source, n, "\"%.*s\": %s", SHOWN(n->text), wrong);
		names[count++] = n->text;
	}
	if (nameset_make(names, count, &sv->job->arena, &all) != 0)
		job_error(sv->job, sv->source, list, "more than %d patterns", NAMESET_MAX);
	sv->rec.idempotent = put_text(sv->job->policy, all);
}

void
balance_read(struct server *sv)
{
	static const char *const strategies[] = { "round_robin", "least_connections", "weighted", "hash", "random",
		NULL };
	static const char *const hash_by[] = { "principal", "session", NULL };
	static const struct {
		const char	*key;
		void		(*read)(struct server *sv, const struct conf_node *n, struct rec_balance *b);
	} parts[] = { { "health", read_health }, { "breaker", read_breaker }, { "retry", read_retry } };
	struct rec_balance	 b = { .eject_percent = 50 };
	const struct conf_node	*n;
	bool			 said;

	said = conf_find(sv->node, "balance") != NULL || conf_find(sv->node, "hash_by") != NULL;
	read_idempotent(sv);
	b.health_path = put_text(sv->job->policy, SPAN_NONE);
	(void)typed_word(sv->job, sv->source, sv->node, "balance", strategies, &b.strategy);
	if (typed_word(sv->job, sv->source, sv->node, "hash_by", hash_by, &b.hash_by) && b.strategy != BALANCE_HASH)
		job_error_key(sv->job, sv->source, conf_find(sv->node, "hash_by"),
		    "has a meaning with \"balance\": \"hash\" alone");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if ((n = conf_find(sv->node, parts[i].key)) == NULL ||
		    !typed_is(sv->job, sv->source, n, JSON_OBJECT))
			continue;
		parts[i].read(sv, n, &b);
		said = true;
	}
	if (said)
		sv->rec.balance = put_record(sv->job->policy, SECTION_BALANCE, &b) + 1;
}
