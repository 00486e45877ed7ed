/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_endpoint.c - the endpoint of an HTTP+SSE server: what is accepted is a request target, and resolving it
 *                   again changes nothing
 */
#include <stdint.h>

#include "lib/bug.h"
#include "upstream/endpoint.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
resolve(struct span uri, struct buf *to)
{
	const struct upstream_target	t = { .host = SPAN_LIT("a.example:8080"), .path = SPAN_LIT("/b/c/sse?d=/e") };
	const char			*why;
	int				 r;

	buf_init(to, ENDPOINT_MAX);
	r = endpoint_resolve(&t, uri, to, &why);
	BUG_ON((r == 0) != (why == NULL) && r != E_NOMEM);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span	path;
	struct buf	once, twice;

	if (resolve(span_make(data, n), &once) == 0) {
		path = buf_rest(&once);
		BUG_ON(path.n == 0 || path.n > ENDPOINT_MAX || path.p[0] != '/');
		for (size_t i = 0; i < path.n; i++)
			BUG_ON((unsigned char)path.p[i] <= ' ' || (unsigned char)path.p[i] >= 0x7f || path.p[i] == '#');
		/* But for one that begins with an empty segment, which a reference cannot begin with. */
		if (!span_starts(path, SPAN_LIT("//"))) {
			BUG_ON(resolve(path, &twice) != 0 || !span_eq(buf_rest(&twice), path));
			buf_fini(&twice);
		}
	}
	buf_fini(&once);
	return 0;
}
