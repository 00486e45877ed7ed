/* SPDX-License-Identifier: Apache-2.0
 *
 * write.c - heads and chunks of HTTP/1.1, onto a queue
 *
 * Process: worker, mcpgw-admin.  Owns: nothing.
 * Trusts:  no field's text: what could end a line is left out.
 */
#include <stdio.h>

#include "http/write.h"
#include "lib/num.h"

#define FIXED_BYTES	256	/* all that is not the caller's text */

struct reason {
	uint16_t	 status;
	const char	*text;
};

static const struct reason reasons[] = {
	{ 200, "OK" }, { 202, "Accepted" }, { 204, "No Content" }, { 400, "Bad Request" },
	{ 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" }, { 408, "Request Timeout" }, { 409, "Conflict" },
	{ 413, "Content Too Large" }, { 415, "Unsupported Media Type" }, { 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" },
	{ 501, "Not Implemented" }, { 502, "Bad Gateway" }, { 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" },
};

static const char *
reason_of(unsigned status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "";
}

static char *
put(char *to, struct span s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return to + s.n;
}

#define PUT(to, lit) put((to), SPAN_LIT(lit))

static char *
put_number(char *to, uint64_t v)
{
	return to + num_decimal(v, to);
}

static size_t
fields_bytes(const struct http_out_head *h)
{
	size_t	total = FIXED_BYTES + h->method.n + h->target.n + h->host.n + h->date.n;

	for (size_t i = 0; i < h->n; i++)
		total += h->fields[i].name.n + h->fields[i].value.n + 4;
	return total;
}

static char *
put_rest(char *to, const struct http_out_head *h)
{
	for (size_t i = 0; i < h->n; i++) {
		if (!http_is_token(h->fields[i].name) || !http_is_value(h->fields[i].value))
			continue;
		to = put(to, h->fields[i].name);
		to = PUT(to, ": ");
		to = put(to, h->fields[i].value);
		to = PUT(to, "\r\n");
	}
	if (h->framing == HTTP_FRAMING_LENGTH) {
		to = PUT(to, "Content-Length: ");
		to = put_number(to, h->length);
		to = PUT(to, "\r\n");
	} else if (h->framing == HTTP_FRAMING_CHUNKED)
		to = PUT(to, "Transfer-Encoding: chunked\r\n");
	if (h->close)
		to = PUT(to, "Connection: close\r\n");
	return PUT(to, "\r\n");
}

/* Room for a whole head: 0, E_TOOBIG or E_NOMEM. */
static int
head_begin(struct http_queue *q, const struct http_out_head *h, char **start)
{
	size_t	room = fields_bytes(h);

	if (room > HTTP_BLOCK_PAYLOAD)
		return E_TOOBIG;
	return (*start = http_queue_reserve(q, room)) == NULL ? E_NOMEM : 0;
}

int
http_write_answer(struct http_queue *q, const struct http_out_head *h)
{
	char	*start, *to;
	int	 r;

	if ((r = head_begin(q, h, &start)) != 0)
		return r;
	to = PUT(start, "HTTP/1.1 ");
	to = put_number(to, h->status % 1000);
	to = PUT(to, " ");
	to = put(to, span_of(reason_of(h->status)));
	to = PUT(to, "\r\n");
	if (h->date.n > 0) {
		to = PUT(to, "Date: ");
		to = put(to, h->date);
		to = PUT(to, "\r\n");
	}
	to = put_rest(to, h);
	http_queue_commit(q, (size_t)(to - start));
	return 0;
}

int
http_write_request(struct http_queue *q, const struct http_out_head *h)
{
	char	*start, *to;
	int	 r;

	if ((r = head_begin(q, h, &start)) != 0)
		return r;
	to = put(start, h->method);
	to = PUT(to, " ");
	to = put(to, h->target);
	to = PUT(to, " HTTP/1.1\r\nHost: ");
	to = put(to, h->host);
	to = PUT(to, "\r\n");
	to = put_rest(to, h);
	http_queue_commit(q, (size_t)(to - start));
	return 0;
}

int
http_write_chunk(struct http_queue *q, struct span bytes)
{
	char	line[24];
	int	n, r;

	if (bytes.n == 0)
		return 0;
	n = snprintf(line, sizeof(line), "%zx\r\n", bytes.n);
	if ((r = http_queue_put(q, span_make(line, (size_t)n))) != 0 || (r = http_queue_put(q, bytes)) != 0)
		return r;
	return http_queue_put(q, SPAN_LIT("\r\n"));
}

unsigned
http_error_status(int err)
{
	int	status = err_row(err)->http_status;

	/* Rows whose errors ride on 200 have no other place here. */
	return status < 400 ? 500 : (unsigned)status;
}

struct span
http_error_body(int err, char to[HTTP_ERROR_BYTES])
{
	const struct err_row	*row = err_row(err);
	int			 n;

	/* The table's texts need no escapes: tests/unit/http proves it. */
	n = snprintf(to, HTTP_ERROR_BYTES, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":%d,\"message\":\"%s\","
	    "\"data\":{\"code\":\"%s\"}}}", row->rpc_code, row->text, row->symbol);
	return span_make(to, n < 0 || n >= HTTP_ERROR_BYTES ? 0 : (size_t)n);
}

void
http_write_date(uint64_t wall_ms, char to[HTTP_DATE_BYTES])
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	uint64_t	s = wall_ms / 1000, days_in = s / 86400;
	uint64_t	era_day, year, day, month;

	/* Neither strftime nor gmtime: the one follows the locale, the other opens a file.  Years from
	 * March, in eras of 400 years, make leap days the last of their year. */
	s %= 86400;
	era_day = (days_in + 719468) % 146097;
	year = (era_day - era_day / 1460 + era_day / 36524 - era_day / 146096) / 365;
	day = era_day - (365 * year + year / 4 - year / 100);
	month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;
	year += (days_in + 719468) / 146097 * 400 + (month >= 10);
	month = month < 10 ? month + 2 : month - 10;
	snprintf(to, HTTP_DATE_BYTES, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", days + (days_in + 4) % 7 * 3,
	    (unsigned)(day + 1) % 100, months + month * 3, (unsigned)(year % 10000),
	    (unsigned)(s / 3600) % 100, (unsigned)(s / 60 % 60), (unsigned)(s % 60));
}
