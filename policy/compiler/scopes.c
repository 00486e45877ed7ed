/* SPDX-License-Identifier: Apache-2.0
 *
 * scopes.c - "scopes" of issuers.json: what each is good for (SCOPE, GRANT)
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  see files.c.
 */
#include "lib/glob.h"
#include "policy/compiler/files.h"
#include "policy/compiler/scopes.h"
#include "policy/compiler/typed.h"
#include "policy/decide.h"

#define SCOPES_MAX	256
#define GRANTS_MAX	65536		/* of all scopes, those of implied ones counted again */

#define TOOLS		(1u << OBJECT_TOOL)
#define PROMPTS		(1u << OBJECT_PROMPT | 1u << OBJECT_COMPLETION)
#define RESOURCES	(1u << OBJECT_RESOURCE | 1u << OBJECT_TEMPLATE | 1u << OBJECT_COMPLETION)

struct scopes {
	struct job		*j;
	const struct source	*s;
	const struct conf_node	*all;
	uint32_t		 tenant;
	bool			 full;			/* said already */
	bool			 seen[SCOPES_MAX];	/* while one is put: what it has already */
};

/* RFC 6749 3.3: a name stands in a list with blanks between, within quotes. */
static bool
is_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\')
			return false;
	return s.n > 0 && s.n <= 128;
}

static bool
is_pattern(struct scopes *sc, const struct conf_node *n, struct span text)
{
	const char	*why = glob_check(text);

	if (why != NULL)
		job_error(sc->j, sc->s, n, "\"%.*s\": %s", SHOWN(text), why);
	return why == NULL;
}

static void
put_grant(struct scopes *sc, struct rec_scope *to, struct span server, struct span tool, unsigned kinds)
{
	struct rec_grant	g = { .server = put_text(sc->j->policy, server), .tool = put_text(sc->j->policy, tool),
				    .kinds = kinds };

	if (build_count(sc->j->policy, SECTION_GRANT) >= GRANTS_MAX) {
		if (!sc->full)
			job_error_key(sc->j, sc->s, sc->all, "together they list more than %d servers and tools",
			    GRANTS_MAX);
		sc->full = true;
		return;
	}
	put_record(sc->j->policy, SECTION_GRANT, &g);
	to->grant_count++;
}

/* Which kinds "servers" stands for; wrong words were said by check_scope(). */
static unsigned
kinds_of(const struct conf_node *scope)
{
	const struct conf_node	*list = conf_find(scope, "kinds"), *n;
	unsigned		 kinds = 0;

	if (list == NULL)
		return TOOLS | PROMPTS | RESOURCES;
	for (n = list->first; n != NULL; n = n->next)
		kinds |= span_is(n->text, "tools") ? TOOLS : span_is(n->text, "prompts") ? PROMPTS : RESOURCES;
	return kinds;
}

static void put_grants(struct scopes *sc, struct rec_scope *to, const struct conf_node *scope);

static void
put_implied(struct scopes *sc, struct rec_scope *to, const struct conf_node *scope)
{
	const struct conf_node	*list = conf_find(scope, "implies"), *n, *other;

	for (n = list == NULL ? NULL : list->first; n != NULL; n = n->next)
		for (other = sc->all->first; other != NULL; other = other->next)
			if (!sc->seen[other->index] && glob_match(n->text, other->key))
				put_grants(sc, to, other);
}

/* Its own, and those of the scopes it stands for, each once: they may imply each other. */
static void
put_grants(struct scopes *sc, struct rec_scope *to, const struct conf_node *scope)
{
	const struct conf_node	*servers = conf_find(scope, "servers"), *tools = conf_find(scope, "tools"), *n, *e;

	sc->seen[scope->index] = true;
	for (n = servers == NULL ? NULL : servers->first; n != NULL; n = n->next)
		put_grant(sc, to, n->text, SPAN_LIT("*"), kinds_of(scope));
	for (n = tools == NULL ? NULL : tools->first; n != NULL; n = n->next)
		for (e = n->first; e != NULL; e = e->next)
			put_grant(sc, to, n->key, e->text, TOOLS);
	put_implied(sc, to, scope);
}

static void
check_tools(struct scopes *sc, const struct conf_node *tools)
{
	const struct conf_node	*n, *e;

	for (n = tools->first; n != NULL; n = n->next) {
		(void)is_pattern(sc, n, n->key);
		if (!typed_is(sc->j, sc->s, n, JSON_ARRAY))
			continue;
		for (e = n->first; e != NULL; e = e->next)
			if (typed_is(sc->j, sc->s, e, JSON_STRING))
				(void)is_pattern(sc, e, e->text);
	}
}

static void
check_implied(struct scopes *sc, const struct conf_node *list)
{
	const struct conf_node	*n, *other;

	for (n = list->first; n != NULL; n = n->next) {
		for (other = sc->all->first; other != NULL && !glob_match(n->text, other->key); other = other->next)
			;
		if (other == NULL)
			job_error(sc->j, sc->s, n, "there is no scope \"%.*s\" in this file", SHOWN(n->text));
	}
}

static void
check_scope(struct scopes *sc, const struct conf_node *scope)
{
	static const char *const keys[] = { "servers", "tools", "kinds", "implies", "advertise", "description", NULL };
	const struct conf_node	*servers = NULL, *tools = NULL, *kinds = NULL, *implies = NULL, *n;

	if (!is_name(scope->key))
		job_error_key(sc->j, sc->s, scope, "a scope's name has no blanks, quotes or backslashes, and at most "
		    "128 characters of ASCII");
	if (!typed_is(sc->j, sc->s, scope, JSON_OBJECT))
		return;
	typed_keys(sc->j, sc->s, scope, keys);
	if (typed_list(sc->j, sc->s, scope, "servers", JSON_ARRAY, true, &servers))
		for (n = servers->first; n != NULL; n = n->next)
			(void)is_pattern(sc, n, n->text);
	if (typed_list(sc->j, sc->s, scope, "tools", JSON_OBJECT, false, &tools))
		check_tools(sc, tools);
	if (typed_list(sc->j, sc->s, scope, "kinds", JSON_ARRAY, true, &kinds))
		for (n = kinds->first; n != NULL; n = n->next)
			if (!span_is(n->text, "tools") && !span_is(n->text, "prompts") &&
			    !span_is(n->text, "resources"))
				job_error(sc->j, sc->s, n, "\"%.*s\": want \"tools\", \"prompts\" or \"resources\"",
				    SHOWN(n->text));
	if (typed_list(sc->j, sc->s, scope, "implies", JSON_ARRAY, true, &implies))
		check_implied(sc, implies);
	if (conf_find(scope, "servers") == NULL && conf_find(scope, "tools") == NULL &&
	    conf_find(scope, "implies") == NULL)
		job_error_key(sc->j, sc->s, scope, "is good for nothing: give it \"servers\", such as [\"*\"], or "
		    "\"tools\"");
	if (kinds != NULL && servers == NULL)
		job_error_key(sc->j, sc->s, kinds, "means nothing without \"servers\"");
}

static void
put_scope(struct scopes *sc, const struct conf_node *scope)
{
	struct rec_scope	rec = { .name = put_text(sc->j->policy, scope->key), .tenant = sc->tenant };
	bool			advertised = true;

	(void)typed_flag(sc->j, sc->s, scope, "advertise", &advertised);
	rec.flags = advertised ? SCOPE_FLAG_ADVERTISED : 0;
	rec.grant_first = (uint32_t)build_count(sc->j->policy, SECTION_GRANT);
	memset(sc->seen, 0, sizeof(sc->seen));
	put_grants(sc, &rec, scope);
	put_record(sc->j->policy, SECTION_SCOPE, &rec);
}

bool
scopes_read(struct job *j, const struct source *s, const struct conf_node *top, uint32_t tenant)
{
	struct scopes		 sc = { .j = j, .s = s, .tenant = tenant };
	const uint32_t		 errors = j->errors;
	const struct conf_node	*n;

	if (!typed_list(j, s, top, "scopes", JSON_OBJECT, false, &sc.all))
		return false;
	if (sc.all->count > SCOPES_MAX)
		job_error_key(j, s, sc.all, "at most %d scopes", SCOPES_MAX);
	for (n = sc.all->first; n != NULL; n = n->next)
		check_scope(&sc, n);
	if (j->errors == errors)
		for (n = sc.all->first; n != NULL; n = n->next)
			put_scope(&sc, n);
	return true;
}
