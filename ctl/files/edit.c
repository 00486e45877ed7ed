/* SPDX-License-Identifier: Apache-2.0
 *
 * edit.c - a change to one place of a configuration text, all else left as it was written
 *
 * Process: mcpgwctl.
 * Owns:    nothing.
 * Trusts:  the text, which lib/conf.c has read: strings end, brackets match.
 */
#include <string.h>

#include "ctl/files/edit.h"

/* ---- places ------------------------------------------------------------------------------------ */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Lines and columns count from 1, columns in characters, from behind a byte order mark on. */
static size_t
offset_of(struct span text, uint32_t line, uint32_t column)
{
	size_t	at = text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	for (uint32_t l = 1; l < line && at < text.n; at++)
		l += text.p[at] == '\n';
	for (uint32_t c = 1; c < column && at < text.n; c++) {
		at++;
		while (at < text.n && ((unsigned char)text.p[at] & 0xc0) == 0x80)
			at++;
	}
	return at;
}

static size_t
string_end(struct span text, size_t at)
{
	for (at++; at < text.n && text.p[at] != '"'; at++)
		if (text.p[at] == '\\')
			at++;
	return at < text.n ? at + 1 : text.n;
}

/* Behind the comment that begins here, or `at` when none does. */
static size_t
comment_end(struct span text, size_t at)
{
	const char	*end;

	if (at + 1 >= text.n || text.p[at] != '/' || (text.p[at + 1] != '/' && text.p[at + 1] != '*'))
		return at;
	if (text.p[at + 1] == '/')
		end = memchr(text.p + at, '\n', text.n - at);
	else if ((end = memmem(text.p + at + 2, text.n - at - 2, "*/", 2)) != NULL)
		end += 2;
	return end == NULL ? text.n : (size_t)(end - text.p);
}

/* Behind the value that begins here. */
static size_t
value_end(struct span text, size_t at)
{
	unsigned	depth = 0;
	size_t		behind;

	if (at < text.n && text.p[at] == '"')
		return string_end(text, at);
	if (at < text.n && text.p[at] != '{' && text.p[at] != '[') {
		while (at < text.n && strchr(",]}/ \t\r\n", text.p[at]) == NULL)
			at++;
		return at;
	}
	while (at < text.n) {
		char c = text.p[at];

		if ((behind = comment_end(text, at)) != at) {
			at = behind;
			continue;
		}
		if (c == '"') {
			at = string_end(text, at);
			continue;
		}
		at++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			break;
	}
	return at;
}

static size_t
value_start(struct span text, const struct conf_node *n)
{
	return offset_of(text, n->line, n->column);
}

/* ---- changes ----------------------------------------------------------------------------------- */

static int
splice_text(struct span text, size_t from, size_t to, struct span with, struct buf *out)
{
	int	r;

	if ((r = buf_put(out, span_part(text, 0, from))) != 0 || (r = buf_put(out, with)) != 0)
		return r;
	return buf_put(out, span_part(text, to, text.n));
}

int
edit_replace(struct span text, const struct conf_node *node, struct span value, struct buf *out)
{
	size_t	at = value_start(text, node);

	return splice_text(text, at, value_end(text, at), value, out);
}

/* What stands between the beginning of its line and this place, if that is blank; else nothing. */
static bool
begins_line(struct span text, size_t at, struct span *indent)
{
	size_t	from = at;

	while (from > 0 && text.p[from - 1] != '\n')
		from--;
	*indent = span_part(text, from, at - from);
	for (size_t i = from; i < at; i++)
		if (!is_blank(text.p[i]))
			return false;
	return from > 0;
}

/* The comma behind a value, past blanks and comments; text.n when there is none. */
static size_t
comma_behind(struct span text, size_t at)
{
	size_t	behind;

	while (at < text.n) {
		if ((behind = comment_end(text, at)) != at)
			at = behind;
		else if (is_blank(text.p[at]) || text.p[at] == '\n')
			at++;
		else
			break;
	}
	return at < text.n && text.p[at] == ',' ? at : text.n;
}

static bool
ends_line(struct span text, size_t at)
{
	return text.p[at] == '\n' || (text.p[at] == '\r' && at + 1 < text.n && text.p[at + 1] == '\n');
}

/* The end of this line, when nothing but blanks and a comment comes before it; else `at`. */
static size_t
line_end(struct span text, size_t at)
{
	size_t	i = at, behind;

	while (i < text.n && !ends_line(text, i)) {
		behind = comment_end(text, i);
		if (behind == i && !is_blank(text.p[i]))
			return at;
		if (memchr(text.p + i, '\n', behind - i) != NULL)
			return at;
		i = behind == i ? i + 1 : behind;
	}
	return i;
}

int
edit_append(struct span text, const struct conf_node *container, struct span item, struct buf *out)
{
	const struct conf_node	*last = container->first;
	struct span		 indent;
	size_t			 end, comma, at;
	bool			 own_line;
	int			 r;

	if (last == NULL) {
		at = value_start(text, container) + 1;
		return splice_text(text, at, at, item, out);
	}
	while (last->next != NULL)
		last = last->next;
	own_line = begins_line(text, offset_of(text, last->key_line, last->key_column), &indent);
	end = value_end(text, value_start(text, last));
	comma = comma_behind(text, end);
	at = comma == text.n ? end : comma + 1;
	if (own_line)
		at = line_end(text, at);
	if ((r = buf_put(out, span_part(text, 0, end))) != 0 ||
	    (comma == text.n && (r = buf_put_str(out, ",")) != 0) ||
	    (r = buf_put(out, span_part(text, end, at - end))) != 0 ||
	    (r = buf_put_str(out, !own_line ? " " : at < text.n && text.p[at] == '\r' ? "\r\n" : "\n")) != 0 ||
	    (own_line && (r = buf_put(out, indent)) != 0) || (r = buf_put(out, item)) != 0 ||
	    (comma != text.n && (r = buf_put_str(out, ",")) != 0))
		return r;
	return buf_put(out, span_part(text, at, text.n));
}

/* ---- taking away ------------------------------------------------------------------------------- */

static size_t
key_start(struct span text, const struct conf_node *n)
{
	return offset_of(text, n->key_line, n->key_column);
}

static const struct conf_node *
before(const struct conf_node *node)
{
	const struct conf_node	*n = node->parent->first;

	if (n == node)
		return NULL;
	while (n->next != node)
		n = n->next;
	return n;
}

static size_t
line_start(struct span text, size_t at)
{
	while (at > 0 && text.p[at - 1] != '\n')
		at--;
	return at;
}

/* Behind the line feed that comes here. */
static size_t
behind_line(struct span text, size_t at)
{
	if (at < text.n && text.p[at] == '\r')
		at++;
	return at < text.n && text.p[at] == '\n' ? at + 1 : at;
}

int
edit_remove(struct span text, const struct conf_node *node, struct buf *out)
{
	const struct conf_node	*last = before(node);
	struct span		 indent;
	size_t			 from = key_start(text, node), to = value_end(text, value_start(text, node));
	size_t			 comma = comma_behind(text, to), lost = text.n;
	int			 r;

	if (comma < text.n)
		to = comma + 1;
	else if (last != NULL)		/* its comma would be one too many */
		lost = comma_behind(text, value_end(text, value_start(text, last)));
	if (begins_line(text, from, &indent) && (line_end(text, to) > to || to == text.n || ends_line(text, to))) {
		from = line_start(text, from);
		to = behind_line(text, line_end(text, to));
	} else if (comma < text.n) {
		while (to < text.n && is_blank(text.p[to]))
			to++;
	} else if (lost < text.n) {
		while (from > lost + 1 && is_blank(text.p[from - 1]))
			from--;
	}
	if (lost >= from)
		return splice_text(text, from, to, SPAN_NONE, out);
	if ((r = buf_put(out, span_part(text, 0, lost))) != 0 ||
	    (r = buf_put(out, span_part(text, lost + 1, from - lost - 1))) != 0)
		return r;
	return buf_put(out, span_part(text, to, text.n));
}

struct span
edit_text(struct span text, const struct conf_node *node)
{
	size_t	at = value_start(text, node);

	return span_part(text, at, value_end(text, at) - at);
}

/* ---- places by name ---------------------------------------------------------------------------- */

const struct conf_node *
edit_find(const struct conf *c, const char *const *keys)
{
	const struct conf_node	*n = conf_top(c);

	for (; *keys != NULL && n != NULL; keys++)
		n = conf_find(n, *keys);
	return n;
}

/* `"a": {"b": [item]}` of the keys that are left. */
static int
put_nested(struct buf *b, const char *const *keys, bool is_list, struct span item)
{
	size_t	depth = 0;
	int	r = 0;

	for (; keys[depth] != NULL && r == 0; depth++) {
		if (depth > 0)
			r = buf_put_str(b, "{");
		if (r == 0 && (r = json_put_string(b, span_of(keys[depth]))) == 0)
			r = buf_put_str(b, ": ");
	}
	if (r != 0 || (r = buf_put_str(b, is_list ? "[" : "{")) != 0 || (r = buf_put(b, item)) != 0 ||
	    (r = buf_put_str(b, is_list ? "]" : "}")) != 0)
		return r;
	for (; depth > 1 && r == 0; depth--)
		r = buf_put_str(b, "}");
	return r;
}

int
edit_put(struct span text, const struct conf *c, const char *const *keys, bool is_list, struct span item,
    struct buf *out)
{
	const struct conf_node	*n = conf_top(c), *below;
	struct buf		 nested;
	int			 r;

	for (; *keys != NULL; keys++, n = below) {
		if (n->type != JSON_OBJECT)
			return E_FORMAT;
		if ((below = conf_find(n, *keys)) == NULL)
			break;
	}
	if (*keys == NULL)
		return n->type == (is_list ? JSON_ARRAY : JSON_OBJECT) ? edit_append(text, n, item, out) : E_FORMAT;
	buf_init(&nested, CONF_MAX_BYTES);
	if ((r = put_nested(&nested, keys, is_list, item)) == 0)
		r = edit_append(text, n, buf_rest(&nested), out);
	buf_fini(&nested);
	return r;
}
