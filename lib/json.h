/* SPDX-License-Identifier: Apache-2.0
 *
 * json.h - JSON without a tree: a strict one-pass scanner, a walker over proven text, a writer
 *
 * The scanner proves a text (RFC 8259: UTF-8, no lone surrogates, numbers, depth, duplicate members
 * where asked) and notes where wanted members stand.  It is fed chunk by chunk and never looks back,
 * so it serves a held body and a relayed stream alike.  The walker goes over text that was proven
 * before; it does not check again.  Members match by their exact decoded bytes.
 */
#ifndef LIB_JSON_H
#define LIB_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/span.h"

enum json_type {
	JSON_NONE,		/* absent */
	JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT,
};

#define JSON_DEPTH_MAX	64
#define JSON_NUMBER_MAX	1024		/* characters of one number */
#define JSON_NAME_MAX	(64 * 1024)	/* decoded bytes of a name that is matched or checked */
#define JSON_NAMES_MAX	(256 * 1024)	/* names checked for doubles in one text */

/* --- the scanner ------------------------------------------------------------------------------ */

/* One member to note: `name` in the object noted by wants[parent] (JSON_ROOT: the top).  With
 * JSON_WANT_UNIQUE_MEMBERS the value, an object, may not hold one name twice (E_JSON_DUPLICATE);
 * JSON_WANT_UNIQUE_DEEP asks this of every object below it too. */
struct json_want {
	int8_t		 parent;
	uint8_t		 flags;
	const char	*name;
};
#define JSON_ROOT			(-1)
#define JSON_WANT_UNIQUE_MEMBERS	1
#define JSON_WANT_UNIQUE_DEEP		2
#define JSON_SCAN_NUL_OK		4	/* with unique_top: \u0000 may stand in strings */
#define JSON_WANTS_MAX			32

/* Where a wanted member's value stands: absolute offsets over all chunks fed.  seen counts how often
 * the member came; the last one is noted. */
struct json_slot {
	uint64_t	at, bytes;
	uint8_t		type;		/* enum json_type */
	uint8_t		seen;
};

struct json_scan;

/* `wants` is borrowed until free, parents before their members.  unique_top: JSON_WANT_UNIQUE_* for the
 * top-level object, JSON_SCAN_NUL_OK for the text. */
must_check int	json_scan_new(const struct json_want *wants, size_t count, uint8_t unique_top,
		    struct json_scan **out);
void		json_scan_free(struct json_scan **s);
void		json_scan_reset(struct json_scan *s);
/* 0 or E_JSON_SYNTAX, E_JSON_DEPTH, E_JSON_DUPLICATE, E_TOOBIG (a limit above), E_NOMEM; after an error
 * only reset helps. */
must_check int	json_scan_feed(struct json_scan *s, struct span chunk);
/* The text ends here: 0, or E_JSON_SYNTAX when it is not whole. */
must_check int	json_scan_end(struct json_scan *s);
/* slots[i] answers wants[i]; valid until reset or free. */
const struct json_slot *json_scan_slots(const struct json_scan *s);
/* How many members no want names in wants[owner] (JSON_ROOT: the top object), when some want names
 * wants[owner] as its parent; stops at 65535. */
unsigned	json_scan_strangers(const struct json_scan *s, int owner);
/* Type of the top value, and the offset where scanning stopped (of the error, if there was one). */
enum json_type	json_scan_top(const struct json_scan *s);
uint64_t	json_scan_at(const struct json_scan *s);

/* --- the walker ------------------------------------------------------------------------------- */

struct json_value {
	enum json_type	type;
	struct span	raw;		/* the value's text, quotes and brackets included */
};

/* Proves that text is one JSON value (blanks around it allowed) without duplicate members anywhere
 * when `unique`.  On error *at is the offset of the trouble (at may be NULL). */
must_check int	json_parse(struct span text, bool unique, struct json_value *out, size_t *at);

/* Members of an object (key set, raw and without quotes) or elements of an array (key empty). */
struct json_iter {
	const char		*p, *end;
	const struct json_value	*known;
	size_t			 known_count;
	bool			 object;
};
void		json_iter_init(struct json_iter *it, struct json_value container);
/* Over part of an object's text: members as they stand in it, perhaps with a comma before the first.  When it ends
 * before a value, the last call of json_iter_next() says no, and the key of that value. */
void		json_iter_members(struct json_iter *it, struct span text);
/* Values of the same text whose ends are known already, JSON_NONE among them passed over: what is large and among
 * them is not gone through again.  Borrowed. */
void		json_iter_know(struct json_iter *it, const struct json_value *known, size_t count);
bool		json_iter_next(struct json_iter *it, struct span *key, struct json_value *value);
/* A key as the string value it stands for: json_is(json_key(key), "name"). */
static inline struct json_value
json_key(struct span key)
{
	return (struct json_value){ JSON_STRING, { key.p - 1, key.n + 2 } };
}
/* The first member with this (decoded) name; JSON_NONE when there is none or v is no object. */
struct json_value json_get(struct json_value v, const char *name);

/* A string's content.  Borrowed from the text when it holds no escape, else decoded into `a`.
 * E_FORMAT when v is no string, E_NOMEM when the arena is full. */
must_check int	json_string(struct json_value v, struct arena *a, struct span *out);
/* Is v the string `cstr`?  Compares decoded. */
bool		json_is(struct json_value v, const char *cstr);
/* Is it one of these?  `names` ends with NULL. */
bool		json_is_one_of(struct json_value v, const char *const *names);
/* A whole number without fraction or exponent: 0, E_FORMAT or E_RANGE. */
must_check int	json_u64(struct json_value v, uint64_t *out);
must_check int	json_i64(struct json_value v, int64_t *out);
/* Whether a raw number token is an integer as JSON-RPC ids want it: -?digits, no fraction/exponent. */
bool		json_is_integer(struct span raw);

/* Is this well-formed UTF-8 (RFC 3629)? */
bool		json_utf8_ok(struct span s);

/* --- the writer ------------------------------------------------------------------------------- */

/* "s" with quotes and escapes; bytes that are not UTF-8 become U+FFFD.  0, E_TOOBIG, E_NOMEM. */
must_check int	json_put_string(struct buf *to, struct span s);

#endif
