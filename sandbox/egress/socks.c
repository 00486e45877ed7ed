/* SPDX-License-Identifier: Apache-2.0
 *
 * socks.c - SOCKS5, the server's side of what comes before the bytes (RFC 1928)
 *
 * Process: mcpgw-egress.  Owns: nothing.
 * Trusts:  nobody.
 */
#include "sandbox/egress/socks.h"

#define NO_CREDENTIALS	0
#define CONNECT		1

enum { TYPE_V4 = 1, TYPE_NAME = 3, TYPE_V6 = 4 };

int
socks_greeting(struct span in, size_t *took)
{
	size_t	methods;

	*took = 0;
	if (in.n > 0 && (uint8_t)in.p[0] != SOCKS_VERSION)
		return E_FORMAT;
	if (in.n < 2 || in.n - 2 < (uint8_t)in.p[1])
		return E_AGAIN;
	methods = (uint8_t)in.p[1];
	*took = 2 + methods;
	return memchr(in.p + 2, NO_CREDENTIALS, methods) == NULL ? E_DENIED : 0;
}

static void
take_address(struct span bytes, int type, struct reach_host *out)
{
	struct addr		a = { .family = type == TYPE_V4 ? AF_INET : AF_INET6 };
	struct sockaddr_storage	ss;
	uint16_t		port;
	socklen_t		n;

	memcpy(a.bytes, bytes.p, bytes.n);
	n = addr_to_sockaddr(&a, 0, &ss);
	/* IPv4-mapped ones are IPv4 from here on. */
	out->is_address = addr_from_sockaddr((struct sockaddr *)&ss, n, &out->address, &port) == 0;
}

static int
refuse(struct socks_request *r, enum socks_reply reply)
{
	r->reply = reply;
	return E_DENIED;
}

int
socks_request(struct span in, struct socks_request *out, size_t *took)
{
	size_t	at = 4, bytes;

	*took = 0;
	*out = (struct socks_request){ 0 };
	if ((in.n > 0 && (uint8_t)in.p[0] != SOCKS_VERSION) || (in.n > 2 && in.p[2] != 0))
		return E_FORMAT;
	if (in.n < 5)
		return E_AGAIN;
	switch (in.p[3]) {
	case TYPE_V4:
		bytes = 4;
		break;
	case TYPE_V6:
		bytes = 16;
		break;
	case TYPE_NAME:
		bytes = (uint8_t)in.p[at++];
		break;
	default:
		return refuse(out, SOCKS_NO_ADDRESS_TYPE);
	}
	if (in.n - at < bytes + 2)
		return E_AGAIN;
	out->text = span_part(in, at, bytes);
	out->port = (uint16_t)((uint8_t)in.p[at + bytes] << 8 | (uint8_t)in.p[at + bytes + 1]);
	*took = at + bytes + 2;
	out->command = (uint8_t)in.p[1];
	if (out->command != CONNECT)
		return refuse(out, SOCKS_NO_COMMAND);
	if (in.p[3] != TYPE_NAME)
		take_address(out->text, in.p[3], &out->host);
	else if (reach_host_parse(out->text, &out->host, &out->why) != 0)
		return refuse(out, SOCKS_NOT_ALLOWED);
	if (out->port == 0) {
		out->why = "there is no port 0";
		return refuse(out, SOCKS_NOT_ALLOWED);
	}
	return 0;
}

void
socks_answer(enum socks_reply reply, uint8_t to[SOCKS_ANSWER_BYTES])
{
	memset(to, 0, SOCKS_ANSWER_BYTES);
	to[0] = SOCKS_VERSION;
	to[1] = (uint8_t)reply;
	to[3] = TYPE_V4;
}
