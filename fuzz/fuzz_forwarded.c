/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_forwarded.c - what proxies say of clients: nobody who is no proxy is listened to, and no proxy is taken for a
 *                    client while somebody else is named behind it
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "http/forwarded.h"
#include "lib/bug.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Of two header lines, divided by the first line feed. */
static void
look(const uint8_t *data, size_t n, const char *name, bool rfc7239)
{
	static const struct addr_net	proxies = { { AF_INET, { 10 } }, 8 };
	char				text[8192];
	struct http_head		h;
	struct addr			client = { AF_INET, { 10, 0, 0, 1 } }, other = { AF_INET, { 192, 0, 2, 1 } };
	struct span			rest = span_make(data, n), line = span_take_line(&rest);
	int				bytes;

	bytes = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s: %.*s\r\n%s: %.*s\r\n\r\n", name,
	    (int)line.n, line.p, name, (int)rest.n, rest.p);
	http_head_init(&h, HTTP_REQUEST);
	if (bytes < 0 || (size_t)bytes >= sizeof(text) || http_head_parse(&h, text, (size_t)bytes) != 0)
		return;
	forwarded_client(&h, rfc7239, &proxies, 1, &other);
	BUG_ON(other.family != AF_INET || other.bytes[0] != 192);
	forwarded_client(&h, rfc7239, &proxies, 1, &client);
	BUG_ON(client.family != 0 && client.family != AF_INET && client.family != AF_INET6);
	/* It was decided; deciding it again changes nothing, unless all are proxies. */
	other = client;
	forwarded_client(&h, rfc7239, &proxies, 1, &other);
	BUG_ON(other.family != client.family || memcmp(other.bytes, client.bytes, sizeof(other.bytes)) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n > 3000)
		return 0;
	look(data, n, "X-Forwarded-For", false);
	look(data, n, "Forwarded", true);
	return 0;
}
