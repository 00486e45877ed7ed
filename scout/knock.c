/* SPDX-License-Identifier: Apache-2.0
 *
 * knock.c - is a server well?
 *
 * Process: mcpgw-scout.  Owns: a request and the head of its answer.
 * Trusts:  no server: of what it says the status is looked at, within KNOCK_HEAD_MAX.
 */
#include <stdlib.h>

#include "scout/knock.h"

int
knock_new(struct block_pool *blocks, struct span host, struct span path, struct knock **out)
{
	const struct span	parts[] = { SPAN_LIT("GET "), path, SPAN_LIT(" HTTP/1.1\r\nHost: "), host,
		SPAN_LIT("\r\nAccept: */*\r\nConnection: close\r\n\r\n") };
	struct knock		*k = calloc(1, sizeof(*k));
	int			 r = 0;

	*out = NULL;
	if (k == NULL)
		return E_NOMEM;
	http_queue_init(&k->out, blocks);
	http_head_init(&k->head, HTTP_RESPONSE);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && r == 0; i++)
		r = http_queue_put(&k->out, parts[i]);
	if (r != 0)
		knock_free(&k);
	*out = k;
	return r;
}

void
knock_free(struct knock **kp)
{
	struct knock	*k = *kp;

	*kp = NULL;
	if (k == NULL)
		return;
	http_queue_fini(&k->out);
	free(k);
}

static int
judge(const struct knock *k, const char **why)
{
	if (k->head.status >= 200 && k->head.status < 300)
		return 0;
	*why = k->head.status >= 500 ? "its health path answers that it is out of order" :
	    "its health path does not answer 200";
	return E_SERVER;
}

int
knock_go(struct knock *k, struct cable *c, bool *writes, const char **why)
{
	size_t	n;
	int	r;

	*writes = false;
	if (k->out.bytes > 0 && (r = cable_write(c, &k->out)) != 0) {
		*writes = r == E_AGAIN;
		*why = "the server closed the connection";
		return r == E_AGAIN ? r : E_SERVER;
	}
	for (;;) {
		if ((r = cable_read(c, k->in + k->used, sizeof(k->in) - k->used, &n)) == E_AGAIN)
			return r;
		if (r != 0) {
			*why = "the server closed the connection without an answer";
			return E_SERVER;
		}
		k->used += n;
		if ((r = http_head_parse(&k->head, k->in, k->used)) == 0)
			return judge(k, why);
		if (r != E_AGAIN || k->used == sizeof(k->in)) {
			*why = "its health path answers no HTTP";
			return E_SERVER;
		}
	}
}
