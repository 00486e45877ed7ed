/* SPDX-License-Identifier: Apache-2.0
 *
 * json_priv.h - what the files of the scanner share
 */
#ifndef LIB_JSON_PRIV_H
#define LIB_JSON_PRIV_H

#include "lib/json.h"

enum scan_state {
	/* between tokens */
	SCAN_VALUE,
	SCAN_VALUE_OR_CLOSE,	/* just behind [ */
	SCAN_NAME,
	SCAN_NAME_OR_CLOSE,	/* just behind { */
	SCAN_COLON,
	SCAN_AFTER,		/* behind a value: comma or close */
	SCAN_DONE,		/* behind the top value: blanks only */
	/* inside tokens; a chunk may end in any of them */
	SCAN_STRING,
	SCAN_UTF8,
	SCAN_ESCAPE,		/* behind a backslash */
	SCAN_HEX,
	SCAN_LOW,		/* behind a high surrogate: a backslash must come */
	SCAN_NUMBER,
	SCAN_LITERAL,
};

enum scan_number {
	NUMBER_SIGN, NUMBER_ZERO, NUMBER_DIGITS, NUMBER_POINT, NUMBER_FRACTION,
	NUMBER_E, NUMBER_E_SIGN, NUMBER_E_DIGITS,
};

#define SCAN_NO_WANT	(-2)		/* wants[] indexes begin at 0, JSON_ROOT is -1 */
#define SCAN_NAMES_FEW	64		/* names held without allocating */

/* The names seen in checked objects: hashes of (object, decoded name), open addressing.  Equal names
 * always meet; two different ones are taken for equal once in 2^64 pairs. */
struct scan_names {
	uint64_t	*at;
	uint32_t	 room, used;	/* room is a power of two */
	uint64_t	 few[SCAN_NAMES_FEW];
};

struct scan_level {
	uint64_t	serial;		/* of the object, for scan_names */
	int8_t		owner;		/* the want this container answers, JSON_ROOT, or none */
	bool		object;
	uint8_t		unique;		/* JSON_WANT_UNIQUE_* in force */
	bool		plain;		/* no name in it is wanted or checked */
};

struct json_scan {
	const struct json_want	*wants;
	size_t			 want_count;
	uint8_t			 top_flags;
	uint8_t			 want_bytes[JSON_WANTS_MAX];
	int8_t			 first_of[JSON_WANTS_MAX + 1];	/* first want of owner, by owner + 1 */
	int8_t			 next_of[JSON_WANTS_MAX];	/* its next sibling */
	struct json_slot	 slots[JSON_WANTS_MAX];
	uint16_t		 strangers[JSON_WANTS_MAX + 1];	/* by owner + 1 */

	enum scan_state		 state;
	int			 error;
	uint8_t			 top;		/* enum json_type */
	uint8_t			 depth;
	int8_t			 want;		/* that the value to come answers, or none */
	struct scan_level	 level[JSON_DEPTH_MAX + 1];	/* [0] stands for the text itself */
	uint64_t		 serials;

	const char		*chunk;
	uint64_t		 base;		/* offset of chunk in the text */
	uint64_t		 at;

	/* the token we are in */
	uint64_t		 token_at;
	const char		*literal;	/* what must still come */
	uint32_t		 code;		/* of an \u escape so far */
	uint16_t		 high;		/* its high surrogate, or 0 */
	uint8_t			 digits;
	uint8_t			 number;	/* enum scan_number */
	uint8_t			 utf8_left, utf8_low, utf8_high;
	bool			 is_name;
	bool			 keeps_name;	/* this name's bytes are wanted */
	const char		*name_from;	/* its part of the chunk not yet in `name`, or NULL */
	struct buf		 name;
	struct scan_names	 names;
};

/* On the stack instead of json_scan_new/_free. */
must_check int	scan_init(struct json_scan *s, const struct json_want *wants, size_t count, uint8_t top_flags);
void		scan_fini(struct json_scan *s);

/* Each takes the bytes [p, end) as far as its token goes and answers where it stopped, or NULL with
 * s->error and s->at set. */
const char	*scan_string(struct json_scan *s, const char *p, const char *end);
const char	*scan_string_inside(struct json_scan *s, const char *p, const char *end);
const char	*scan_number(struct json_scan *s, const char *p, const char *end);

/* From a place between tokens in a plain container: as far as tokens are whole and right, or until a
 * container closes that is not plain. */
const char	*scan_plain(struct json_scan *s, const char *p, const char *end);
/* A string from behind its opening quote: the place behind the closing one, or NULL when it is cut or not
 * right.  An escaped NUL counts as not right. */
const char	*json_fast_string(const char *p, const char *end, bool *escaped);

const char	*scan_fail(struct json_scan *s, const char *p, int error);
/* The value in s->want ends before p. */
void		 scan_value_end(struct json_scan *s, int want, const char *p);
/* A name ends: match it, refuse a double. */
int		 scan_name_end(struct json_scan *s, struct span name);

must_check int	 scan_names_ready(void);
/* 0, E_JSON_DUPLICATE, E_TOOBIG or E_NOMEM. */
must_check int	 scan_names_add(struct scan_names *n, uint64_t serial, struct span name);
void		 scan_names_clear(struct scan_names *n);

/* The first byte of [p, end) that is a quote, a backslash, a control or not ASCII; or end. */
const char	*json_skip_plain(const char *p, const char *end);
/* Bytes of the well-formed UTF-8 sequence at p, 0 when there is none (RFC 3629). */
size_t		 json_utf8_bytes(const char *p, const char *end);
/* UTF-8 of a scalar value; answers its length. */
size_t		 json_utf8_put(uint32_t code, char to[4]);

#endif
