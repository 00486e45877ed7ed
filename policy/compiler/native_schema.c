/* SPDX-License-Identifier: Apache-2.0
 *
 * native_schema.c - what tools/list says of a program: one JSON object, its inputSchema made from the slots
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  the operator's words.
 */
#include <sysexits.h>

#include "lib/log.h"
#include "policy/compiler/native.h"
#include "policy/compiler/typed.h"

#define DEFINITION_MAX	(256 * 1024)

/* Says once that it is too large; the rest is thrown away. */
struct writing {
	struct native	*t;
	struct buf	 to;
	bool		 full;
};

static void
done(struct writing *w, int r)
{
	if (r == E_NOMEM)
		fatal(EX_OSERR, "out of memory");
	if (r != 0 && !w->full)
		job_error_key(w->t->j, w->t->s, w->t->node, "its definition is larger than %d KiB",
		    DEFINITION_MAX / 1024);
	w->full |= r != 0;
}

static void
put(struct writing *w, const char *text)
{
	if (!w->full)
		done(w, buf_put_str(&w->to, text));
}

static void
put_string(struct writing *w, struct span text)
{
	if (!w->full)
		done(w, json_put_string(&w->to, text));
}

static void __attribute__((format(printf, 2, 3)))
put_fmt(struct writing *w, const char *fmt, ...)
{
	va_list	ap;

	if (w->full)
		return;
	va_start(ap, fmt);
	done(w, buf_put_vfmt(&w->to, fmt, ap));
	va_end(ap);
}

static void
put_node(struct writing *w, const struct conf_node *n)
{
	if (!w->full)
		done(w, conf_put_json(n, &w->to));
}

/* ,"key":"text", when the object has that member and it is a string. */
static void
put_text_member(struct writing *w, const struct conf_node *object, const char *key)
{
	const struct conf_node	*n = NULL;

	if (!typed_string(w->t->j, w->t->s, object, key, &n))
		return;
	put_fmt(w, ",\"%s\":", key);
	put_string(w, n->text);
}

/* --- inputSchema ------------------------------------------------------------------------------ */

static void
put_bound(struct writing *w, const struct native_slot *slot, const char *key, const char *as)
{
	const struct conf_node	*n = conf_find(slot->node, key);

	if (n == NULL || n->type != JSON_NUMBER)
		return;
	put_fmt(w, ",\"%s\":", as);
	put_node(w, n);
}

static void
put_string_schema(struct writing *w, const struct native_slot *slot)
{
	static const char *const	patterns[] = { [SLOT_WORD] = "^[A-Za-z0-9_.-]*$",
					    [SLOT_NAME] = "^[A-Za-z0-9_./:@+,=~^%-]*$" };

	put_fmt(w, "\"type\":\"string\",\"minLength\":%u,\"maxLength\":%u", slot->rec.min_length > 0,
	    slot->rec.max_length);
	if (slot->rec.type == SLOT_STRING && slot->rec.slot_class <= SLOT_NAME)
		put_fmt(w, ",\"pattern\":\"%s\"", patterns[slot->rec.slot_class]);
}

/* Of one value, without braces. */
static void
put_type(struct writing *w, const struct native_slot *slot)
{
	switch ((enum slot_type)slot->rec.type) {
	case SLOT_STRING:
	case SLOT_PATH:
		put_string_schema(w, slot);
		break;
	case SLOT_INTEGER:
	case SLOT_NUMBER:
		put_fmt(w, "\"type\":\"%s\"", slot->rec.type == SLOT_INTEGER ? "integer" : "number");
		put_bound(w, slot, "min", "minimum");
		put_bound(w, slot, "max", "maximum");
		break;
	case SLOT_BOOLEAN:
		put(w, "\"type\":\"boolean\"");
		break;
	case SLOT_CHOICE:
		put(w, "\"type\":\"string\"");
		if (conf_find(slot->node, "choices") != NULL) {
			put(w, ",\"enum\":");
			put_node(w, conf_find(slot->node, "choices"));
		}
		break;
	case SLOT_JSON:
		/* Anything, and that is said by saying nothing. */
		put(w, "\"title\":\"JSON\"");
		break;
	}
}

static void
put_slot_schema(struct writing *w, const struct native_slot *slot)
{
	put_string(w, slot->name);
	put(w, ":{");
	if ((slot->rec.flags & SLOT_FLAG_ARRAY) != 0) {
		put(w, "\"type\":\"array\",\"items\":{");
		put_type(w, slot);
		put_fmt(w, "},\"minItems\":%u,\"maxItems\":%u", (slot->rec.flags & SLOT_FLAG_REQUIRED) != 0,
		    slot->rec.max_items);
	} else {
		put_type(w, slot);
	}
	put_text_member(w, slot->node, "description");
	if (slot->fallback != NULL) {
		put(w, ",\"default\":");
		put_node(w, slot->fallback);
	}
	put(w, "}");
}

static void
put_schema(struct writing *w)
{
	struct native	*t = w->t;
	bool		 comma = false;

	put(w, ",\"inputSchema\":{\"type\":\"object\",\"properties\":{");
	for (size_t i = 0; i < t->slot_count; i++) {
		if (i > 0)
			put(w, ",");
		put_slot_schema(w, &t->slots[i]);
	}
	put(w, "},\"required\":[");
	for (size_t i = 0; i < t->slot_count; i++) {
		if ((t->slots[i].rec.flags & SLOT_FLAG_REQUIRED) == 0)
			continue;
		if (comma)
			put(w, ",");
		comma = true;
		put_string(w, t->slots[i].name);
	}
	put(w, "],\"additionalProperties\":false}");
}

/* --- the rest --------------------------------------------------------------------------------- */

static void
put_output_schema(struct writing *w)
{
	const struct conf_node	*n = NULL, *type;

	if (!typed_list(w->t->j, w->t->s, w->t->node, "output_schema", JSON_OBJECT, false, &n))
		return;
	type = conf_find(n, "type");
	if (w->t->rec.output != OUTPUT_STRUCTURED)
		job_error_key(w->t->j, w->t->s, n, "needs \"output\": \"structured\"");
	else if (type == NULL || type->type != JSON_STRING || !span_is(type->text, "object"))
		job_error(w->t->j, w->t->s, n, "want a schema of \"type\": \"object\"");
	put(w, ",\"outputSchema\":");
	put_node(w, n);
}

static void
put_hint(struct writing *w, const struct conf_node *said, const char *key, bool value, bool known)
{
	bool	own = value;

	if (said != NULL && typed_flag(w->t->j, w->t->s, said, key, &own))
		known = true;
	if (known)
		put_fmt(w, ",\"%s\":%s", key, own ? "true" : "false");
}

/* Hints that follow from what the file says; "annotations" says otherwise. */
static void
put_annotations(struct writing *w)
{
	static const char *const	keys[] = { "title", "readOnlyHint", "destructiveHint", "idempotentHint",
					    "openWorldHint", NULL };
	const struct native		*t = w->t;
	const struct conf_node		*said = NULL;
	bool				 known = t->risk != RISK_UNSAID;

	if (typed_list(t->j, t->s, t->node, "annotations", JSON_OBJECT, false, &said))
		typed_keys(t->j, t->s, said, keys);
	put_fmt(w, ",\"annotations\":{\"openWorldHint\":");
	if (said != NULL && conf_find(said, "openWorldHint") != NULL) {
		bool	open = false;

		(void)typed_flag(t->j, t->s, said, "openWorldHint", &open);
		put(w, open ? "true" : "false");
	} else {
		put(w, t->m->sv->rec.net == NET_NONE || t->m->sv->rec.net == NET_LOOPBACK ? "false" : "true");
	}
	put_hint(w, said, "readOnlyHint", t->risk == RISK_LOW, known);
	put_hint(w, said, "destructiveHint", t->risk == RISK_HIGH, known);
	put_hint(w, said, "idempotentHint", t->idempotent, t->idempotent);
	if (said != NULL)
		put_text_member(w, said, "title");
	put(w, "}");
}

struct span
native_definition(struct native *t)
{
	static const char *const	risks[] = { "low", "medium", "high" };
	const struct conf_node		*name = conf_find(t->node, "name");
	struct writing			 w = { .t = t };
	struct span			 whole;

	buf_init(&w.to, DEFINITION_MAX);
	put(&w, "{\"name\":");
	put_string(&w, name == NULL || name->type != JSON_STRING ? SPAN_NONE : name->text);
	put_text_member(&w, t->node, "title");
	put_text_member(&w, t->node, "description");
	put_schema(&w);
	put_output_schema(&w);
	put_annotations(&w);
	if (t->risk != RISK_UNSAID)
		put_fmt(&w, ",\"_meta\":{\"mcpgw/risk\":\"%s\"}", risks[t->risk]);
	put(&w, "}");
	whole = job_dup(t->j, buf_rest(&w.to));
	buf_fini(&w.to);
	return whole;
}
