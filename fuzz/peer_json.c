/* SPDX-License-Identifier: Apache-2.0
 *
 * peer_json.c - JSON as json-c reads it
 */
#include <json-c/json.h>
#include <stdint.h>
#include <stdlib.h>

#include "fuzz/peer_json.h"

#define DEPTH_MAX	512

/* A null is NULL to json-c, so a tree is held by its place. */
struct peer_json {
	struct json_object	*top;
};

static struct json_object *
object_of(const struct peer_json *v)
{
	return (struct json_object *)(uintptr_t)v;
}

static const struct peer_json *
value_of(struct json_object *o)
{
	return (const struct peer_json *)(uintptr_t)o;
}

struct peer_json *
peer_json_read(const char *text, size_t n)
{
	struct json_tokener	*tok = json_tokener_new_ex(DEPTH_MAX);
	struct peer_json	*p = NULL;
	struct json_object	*o;

	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tok, text, (int)n);
	if (json_tokener_get_error(tok) == json_tokener_continue)	/* a number at the top */
		o = json_tokener_parse_ex(tok, "", 1);
	if (json_tokener_get_error(tok) == json_tokener_success && n > 0 && (p = malloc(sizeof(*p))) != NULL)
		p->top = o;
	else
		json_object_put(o);
	json_tokener_free(tok);
	return p;
}

void
peer_json_free(struct peer_json *p)
{
	if (p != NULL)
		json_object_put(p->top);
	free(p);
}

enum peer_json_type
peer_json_type(const struct peer_json *v)
{
	switch (json_object_get_type(object_of(v))) {
	case json_type_boolean:	return PEER_BOOLEAN;
	case json_type_int:
	case json_type_double:	return PEER_NUMBER;
	case json_type_string:	return PEER_STRING;
	case json_type_object:	return PEER_OBJECT;
	case json_type_array:	return PEER_ARRAY;
	case json_type_null:
	default:		return PEER_NULL;
	}
}

bool
peer_json_true(const struct peer_json *v)
{
	return json_object_get_boolean(object_of(v));
}

const char *
peer_json_string(const struct peer_json *v, size_t *n)
{
	*n = (size_t)json_object_get_string_len(object_of(v));
	return json_object_get_string(object_of(v));
}

double
peer_json_number(const struct peer_json *v)
{
	return json_object_get_double(object_of(v));
}

size_t
peer_json_count(const struct peer_json *v)
{
	return json_object_is_type(object_of(v), json_type_array) ? json_object_array_length(object_of(v)) :
	    (size_t)json_object_object_length(object_of(v));
}

const struct peer_json *
peer_json_at(const struct peer_json *v, size_t i)
{
	return value_of(json_object_array_get_idx(object_of(v), i));
}

const struct peer_json *
peer_json_get(const struct peer_json *v, const char *name, bool *found)
{
	struct json_object	*o = NULL;

	*found = json_object_object_get_ex(object_of(v), name, &o);
	return value_of(o);
}

const struct peer_json *
peer_json_top(const struct peer_json *p)
{
	return value_of(p->top);
}
