/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_socks.c - SOCKS5: what is taken stays within what came, does not change when more follows, and names a host
 *                that reads the same again
 */
#include <stdint.h>
#include <string.h>

#include "lib/bug.h"
#include "sandbox/egress/socks.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
request(struct span in)
{
	struct socks_request	q, cut;
	struct reach_host	again;
	size_t			took, took_cut;
	int			r = socks_request(in, &q, &took);

	BUG_ON(took > in.n);
	if (r != 0)
		return;
	BUG_ON(q.port == 0);
	BUG_ON(socks_request(span_part(in, 0, took), &cut, &took_cut) != 0 || took_cut != took);
	BUG_ON(socks_request(span_part(in, 0, took - 1), &cut, &took_cut) != E_AGAIN);
	if (q.host.is_address) {
		BUG_ON(q.host.address.family != AF_INET && q.host.address.family != AF_INET6);
		return;
	}
	BUG_ON(reach_host_parse(span_of(q.host.name), &again, NULL) != 0 || strcmp(again.name, q.host.name) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span	in = span_make(data, n);
	size_t		took;
	int		r = socks_greeting(in, &took);

	BUG_ON(took > n);
	request(r == 0 ? span_part(in, took, n) : in);
	return 0;
}
