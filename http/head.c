/* SPDX-License-Identifier: Apache-2.0
 *
 * head.c - the head of an HTTP/1.1 message, strictly, in both roles
 *
 * Process: worker, mcpgw-egress.  Owns: nothing; offsets into the caller's bytes.
 * Trusts:  nobody.
 */
#include "http/head.h"
#include "lib/num.h"

enum repeat { ONE, COUNT, LIST };

struct header_row {
	const char	*name;
	uint8_t		 bytes;
	uint8_t		 repeat;
};

static const struct header_row header_rows[HTTP_HEADER_LIMIT] = {
#define HEADER(name, text, repeat, doc) [HTTP_##name] = { text, sizeof(text) - 1, repeat },
#include "tables/headers.def"
#undef HEADER
};

static const char *const method_names[HTTP_METHOD_LIMIT] = {
	[HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD", [HTTP_POST] = "POST", [HTTP_DELETE] = "DELETE",
	[HTTP_OPTIONS] = "OPTIONS",
};

/* ---- character classes ------------------------------------------------------------------------- */

enum { C_TOKEN = 1, C_TARGET = 2, C_VALUE = 4, C_HOST = 8 };

#define T (C_TOKEN | C_VALUE)
static const uint8_t class_of[256] = {
	['\t'] = C_VALUE, [' '] = C_VALUE,
	['!'] = T | C_TARGET | C_HOST, ['"'] = C_VALUE, ['#'] = T, ['$'] = T | C_TARGET | C_HOST,
	['%'] = T | C_TARGET | C_HOST, ['&'] = T | C_TARGET | C_HOST, ['\''] = T | C_TARGET | C_HOST,
	['('] = C_VALUE | C_TARGET | C_HOST, [')'] = C_VALUE | C_TARGET | C_HOST,
	['*'] = T | C_TARGET | C_HOST, ['+'] = T | C_TARGET | C_HOST, [','] = C_VALUE | C_TARGET | C_HOST,
	['-'] = T | C_TARGET | C_HOST, ['.'] = T | C_TARGET | C_HOST, ['/'] = C_VALUE | C_TARGET,
	['0' ... '9'] = T | C_TARGET | C_HOST,
	[':'] = C_VALUE | C_TARGET, [';'] = C_VALUE | C_TARGET | C_HOST, ['<'] = C_VALUE,
	['='] = C_VALUE | C_TARGET | C_HOST, ['>'] = C_VALUE, ['?'] = C_VALUE | C_TARGET,
	['@'] = C_VALUE | C_TARGET, ['A' ... 'Z'] = T | C_TARGET | C_HOST,
	['['] = C_VALUE, ['\\'] = C_VALUE, [']'] = C_VALUE, ['^'] = T, ['_'] = T | C_TARGET | C_HOST,
	['`'] = T, ['a' ... 'z'] = T | C_TARGET | C_HOST, ['{'] = C_VALUE, ['|'] = T, ['}'] = C_VALUE,
	['~'] = T | C_TARGET | C_HOST, [0x80 ... 0xff] = C_VALUE,
};
#undef T

static bool
all_of(const char *p, size_t n, uint8_t class)
{
	for (size_t i = 0; i < n; i++)
		if (!(class_of[(uint8_t)p[i]] & class))
			return false;
	return true;
}

/* Whether every byte may stand in a value: 8 at once while none is a control, which TAB is too. */
static bool
is_value(const char *p, size_t n)
{
	const uint64_t	ones = UINT64_C(0x0101010101010101), highs = ones << 7;
	uint64_t	w, del;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		del = w ^ ones * 0x7f;
		if ((((w - ones * 0x20) & ~w) | ((del - ones) & ~del)) & highs)
			break;
	}
	return all_of(p, n, C_VALUE);
}

bool
http_is_token(struct span s)
{
	return s.n > 0 && all_of(s.p, s.n, C_TOKEN);
}

bool
http_is_value(struct span s)
{
	return is_value(s.p, s.n) && span_trim(s).n == s.n;
}

/* ---- the first line ---------------------------------------------------------------------------- */

static int
version_parse(const char *p, size_t n, uint8_t *minor)
{
	if (n != 8 || memcmp(p, "HTTP/", 5) != 0 || p[6] != '.' || p[5] < '0' || p[5] > '9' ||
	    p[7] < '0' || p[7] > '9')
		return E_HTTP_SYNTAX;
	if (p[5] != '1' || p[7] > '1')
		return E_HTTP_VERSION;
	*minor = (uint8_t)(p[7] - '0');
	return 0;
}

/* origin-form, "*" of OPTIONS, or the absolute-form of RFC 9112 3.2.2, whose authority is compared
 * with Host once that is known. */
static int
target_parse(struct http_head *h)
{
	struct span	t = http_head_part(h, h->target.at, h->target.bytes);
	const char	*slash, *question;
	size_t		 skip = 0;

	if (!all_of(t.p, t.n, C_TARGET))
		return E_HTTP_SYNTAX;
	if (span_is(t, "*")) {
		h->path.at = h->target.at;
		h->path.bytes = 1;
		return h->method == HTTP_OPTIONS ? 0 : E_HTTP_SYNTAX;
	}
	if (t.n == 0)
		return E_HTTP_SYNTAX;
	if (t.p[0] != '/') {
		skip = span_starts(t, SPAN_LIT("http://")) ? 7 : span_starts(t, SPAN_LIT("https://")) ? 8 : 0;
		slash = skip == 0 ? NULL : memchr(t.p + skip, '/', t.n - skip);
		if (slash == NULL)
			return E_HTTP_SYNTAX;
		skip = (size_t)(slash - t.p);
	}
	question = memchr(t.p + skip, '?', t.n - skip);
	h->path.at = (uint16_t)(h->target.at + skip);
	h->path.bytes = (uint16_t)((question == NULL ? t.n : (size_t)(question - t.p)) - skip);
	if (question != NULL) {
		h->query.at = (uint16_t)(h->target.at + (question - t.p) + 1);
		h->query.bytes = (uint16_t)(t.p + t.n - question - 1);
	}
	return 0;
}

/* host [ ":" port ] of RFC 3986, IPv6 in brackets. */
static bool
host_ok(struct span s)
{
	size_t	i = 0, digits = 0;

	if (s.n > 0 && s.p[0] == '[') {
		for (i = 1; i < s.n && s.p[i] != ']'; i++)
			if (!(class_of[(uint8_t)s.p[i]] & C_HOST) && s.p[i] != ':')
				return false;
		if (i == s.n || i == 1)
			return false;
		i++;
	} else {
		while (i < s.n && (class_of[(uint8_t)s.p[i]] & C_HOST))
			i++;
		if (i == 0)
			return false;
	}
	if (i == s.n)
		return true;
	if (s.p[i++] != ':')
		return false;
	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		digits++;
	return i == s.n && digits > 0 && digits <= 5;
}

/* authority-form, RFC 9112 3.2.3: with a port. */
static bool
is_connect(const struct http_head *h)
{
	return h->role == HTTP_PROXY_REQUEST && span_is(http_head_method(h), "CONNECT");
}

static int
request_line(struct http_head *h, const char *line, size_t n)
{
	const char	*sp1 = memchr(line, ' ', n), *sp2;
	int		 r;

	if (sp1 == NULL || (sp2 = memchr(sp1 + 1, ' ', (size_t)(line + n - sp1) - 1)) == NULL)
		return E_HTTP_SYNTAX;
	h->method_text.at = h->line_at;
	h->method_text.bytes = (uint16_t)(sp1 - line);
	h->target.at = (uint16_t)(h->line_at + (sp1 - line) + 1);
	h->target.bytes = (uint16_t)(sp2 - sp1 - 1);
	if (!http_is_token(http_head_method(h)))
		return E_HTTP_SYNTAX;
	for (unsigned m = HTTP_METHOD_OTHER + 1; m < HTTP_METHOD_LIMIT; m++)
		if (span_is(http_head_method(h), method_names[m]))
			h->method = (uint8_t)m;
	if ((r = version_parse(sp2 + 1, (size_t)(line + n - sp2) - 1, &h->minor)) != 0)
		return r;
	if (is_connect(h)) {
		struct span target = http_head_part(h, h->target.at, h->target.bytes);

		return host_ok(target) && target.p[target.n - 1] != ']' && memchr(target.p, ':', target.n) != NULL ? 0 :
		    E_HTTP_SYNTAX;
	}
	return target_parse(h);
}

static int
status_line(struct http_head *h, const char *line, size_t n)
{
	int	r;

	if (n < 12 || line[8] != ' ' || (n > 12 && line[12] != ' '))
		return E_HTTP_SYNTAX;
	if ((r = version_parse(line, 8, &h->minor)) != 0)
		return r;
	if (line[9] < '1' || line[9] > '5' || line[10] < '0' || line[10] > '9' || line[11] < '0' ||
	    line[11] > '9' || !is_value(line + 12, n - 12))
		return E_HTTP_SYNTAX;
	h->status = (uint16_t)((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
	return 0;
}

/* ---- fields ------------------------------------------------------------------------------------ */

/* A token is compared with a name of the table, which has small letters and '-' alone: of the bytes of
 * tokens, only these become one of them with this bit set. */
static bool
is_named(const char *token, const char *name, size_t n)
{
	const uint64_t	bits = UINT64_C(0x2020202020202020);
	uint64_t	t, w;

	for (; n >= 8; token += 8, name += 8, n -= 8) {
		memcpy(&t, token, 8);
		memcpy(&w, name, 8);
		if ((t | bits) != w)
			return false;
	}
	for (size_t i = 0; i < n; i++)
		if ((token[i] | 0x20) != name[i])
			return false;
	return true;
}

static enum http_header
header_of(struct span name)
{
	for (size_t id = HTTP_OTHER + 1; id < HTTP_HEADER_LIMIT; id++)
		if (header_rows[id].bytes == name.n && is_named(name.p, header_rows[id].name, name.n))
			return (enum http_header)id;
	return HTTP_OTHER;
}

static int
field_line(struct http_head *h, const char *line, size_t n)
{
	const char	*colon = memchr(line, ':', n);
	struct http_field *f;
	struct span	 name, value, raw;

	/* A line that begins with a blank is a folded one: its name is no token either. */
	if (colon == NULL)
		return E_HTTP_SYNTAX;
	name = span_make(line, (size_t)(colon - line));
	value = span_make(colon + 1, (size_t)(line + n - colon) - 1);
	if (!http_is_token(name) || !is_value(value.p, value.n))
		return E_HTTP_SYNTAX;
	raw = value;
	value = span_trim(value);
	if (h->count == HTTP_HEAD_FIELDS_MAX)
		return E_HTTP_HEAD;
	f = &h->fields[h->count++];
	f->name_at = h->line_at;
	f->name_bytes = (uint16_t)name.n;
	f->value_at = (uint16_t)(value.p - h->bytes);
	f->value_bytes = (uint16_t)value.n;
	f->id = (uint16_t)header_of(name);
	if (f->id == HTTP_OTHER)
		return 0;
	/* RFC 9110 5.6.3 lets a TAB stand beside a value, and there are readers for whom it is part of it: behind one
	 * of these what we take for a body is the next request. */
	if ((f->id == HTTP_TRANSFER_ENCODING || f->id == HTTP_CONTENT_LENGTH) &&
	    memchr(raw.p, '\t', raw.n) != NULL)
		return E_HTTP_SYNTAX;
	if (h->first[f->id] == 0)
		h->first[f->id] = h->count;
	h->times[f->id]++;
	if (h->times[f->id] > 1 && header_rows[f->id].repeat == ONE)
		return f->id == HTTP_CONTENT_LENGTH ? E_HTTP_LENGTH : E_HTTP_SYNTAX;
	return 0;
}

/* ---- the head as a whole ----------------------------------------------------------------------- */

static int
request_host(const struct http_head *h)
{
	struct span	host = http_head_get(h, HTTP_HOST), target, authority;

	if (host.p == NULL)
		return h->minor == 0 ? 0 : E_HTTP_SYNTAX;
	if (!host_ok(host))
		return E_HTTP_SYNTAX;
	target = http_head_part(h, h->target.at, h->target.bytes);
	if (target.p[0] == '/' || target.n == 1 || is_connect(h))
		return 0;
	authority = span_part(target, 0, (size_t)(h->path.at - h->target.at));
	authority = span_part(authority, authority.p[4] == 's' ? 8 : 7, authority.n);
	return span_eq_nocase(authority, host) ? 0 : E_HTTP_SYNTAX;
}

static int
framing(struct http_head *h)
{
	struct span	length = http_head_get(h, HTTP_CONTENT_LENGTH);
	struct span	coding = http_head_get(h, HTTP_TRANSFER_ENCODING);
	int		r;

	if (coding.p != NULL) {
		if (length.p != NULL || h->minor == 0)
			return E_HTTP_LENGTH;
		if (!span_eq_nocase(coding, SPAN_LIT("chunked")))
			return E_HTTP_CODING;
		h->chunked = true;
	}
	if (length.p != NULL) {
		if ((r = num_u64(length, &h->length)) != 0 || h->length > INT64_MAX)
			return E_HTTP_LENGTH;
		h->has_length = true;
	}
	return 0;
}

static int
head_check(struct http_head *h)
{
	struct span	expect;
	int		r;

	if ((r = framing(h)) != 0)
		return r;
	h->keep_alive = h->minor == 1 ? !http_head_lists(h, HTTP_CONNECTION, "close") :
	    http_head_lists(h, HTTP_CONNECTION, "keep-alive");
	if (h->role == HTTP_RESPONSE)
		return 0;
	expect = http_head_get(h, HTTP_EXPECT);
	if (expect.p != NULL && h->minor == 1) {
		if (!span_eq_nocase(expect, SPAN_LIT("100-continue")))
			return E_HTTP_SYNTAX;
		h->expect_continue = true;
	}
	return request_host(h);
}

void
http_head_init(struct http_head *h, enum http_role role)
{
	/* The array of fields is written before it is read. */
	memset(h, 0, offsetof(struct http_head, fields));
	h->role = (uint8_t)role;
}

int
http_head_parse(struct http_head *h, const char *bytes, size_t n)
{
	const char	*lf, *line;
	size_t		 limit = n < HTTP_HEAD_BYTES_MAX ? n : HTTP_HEAD_BYTES_MAX, line_bytes;
	int		 r;

	h->bytes = bytes;
	if (n > 0 && !(class_of[(uint8_t)bytes[0]] & C_TOKEN))
		return E_HTTP_SYNTAX;	/* a TLS hello would wait for its line end */
	for (;;) {
		lf = h->scanned == limit ? NULL : memchr(bytes + h->scanned, '\n', limit - h->scanned);
		if (lf == NULL) {
			h->scanned = (uint16_t)limit;
			return limit == HTTP_HEAD_BYTES_MAX ? E_HTTP_HEAD : E_AGAIN;
		}
		line = bytes + h->line_at;
		line_bytes = (size_t)(lf - line);
		if (line_bytes == 0 || lf[-1] != '\r')
			return E_HTTP_SYNTAX;
		line_bytes--;
		h->scanned = (uint16_t)(lf + 1 - bytes);
		if (h->line_at == 0)
			r = h->role != HTTP_RESPONSE ? request_line(h, line, line_bytes) :
			    status_line(h, line, line_bytes);
		else if (line_bytes == 0)
			break;
		else
			r = field_line(h, line, line_bytes);
		if (r != 0)
			return r;
		h->line_at = h->scanned;
	}
	h->head_bytes = h->scanned;
	return head_check(h);
}

/* ---- looking up -------------------------------------------------------------------------------- */

struct span
http_field_name(const struct http_head *h, size_t i)
{
	return i < h->count ? http_head_part(h, h->fields[i].name_at, h->fields[i].name_bytes) : SPAN_NONE;
}

struct span
http_field_value(const struct http_head *h, size_t i)
{
	return i < h->count ? http_head_part(h, h->fields[i].value_at, h->fields[i].value_bytes) : SPAN_NONE;
}

struct span
http_head_find(const struct http_head *h, const char *name, unsigned *times)
{
	struct span	want = span_of(name), found = SPAN_NONE;
	unsigned	seen = 0;

	for (size_t i = 0; i < h->count; i++) {
		if (!span_eq_nocase(http_field_name(h, i), want))
			continue;
		if (seen++ == 0)
			found = http_field_value(h, i);
	}
	if (times != NULL)
		*times = seen;
	return found;
}

bool
http_media_is(struct span content_type, const char *media)
{
	const char	*semicolon = content_type.n == 0 ? NULL : memchr(content_type.p, ';', content_type.n);

	if (semicolon != NULL)
		content_type.n = (size_t)(semicolon - content_type.p);
	return span_eq_nocase(span_trim(content_type), span_of(media));
}

bool
http_head_lists(const struct http_head *h, enum http_header id, const char *token)
{
	struct span	value, item;
	const char	*comma;

	for (size_t i = h->first[id]; i > 0 && i <= h->count; i++) {
		if (h->fields[i - 1].id != id)
			continue;
		for (value = http_field_value(h, i - 1); value.n > 0;) {
			comma = memchr(value.p, ',', value.n);
			item = span_part(value, 0, comma == NULL ? value.n : (size_t)(comma - value.p));
			if (http_media_is(item, token))
				return true;
			value = span_part(value, item.n + 1, value.n);
		}
	}
	return false;
}
