/* SPDX-License-Identifier: Apache-2.0
 *
 * test_probe.c - the table of mcp-wire 4.5, HTTP
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "upstream/probe.h"

struct row {
	enum probe_verdict	 want;
	int			 error;
	unsigned		 status;
	bool			 again;
	const char		*body;		/* NULL: no JSON-RPC response */
};

#define RESULT(r)	"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":" r "}"
#define ERROR(c)	"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":" c ",\"message\":\"m\"}}"
#define VERSION(v)	"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32022,\"message\":\"m\",\"data\":{\"supported\":" v "}}}"

static const struct row rows[] = {
	{ PROBE_MODERN, 0, 200, false, RESULT("{\"supportedVersions\":[\"2026-07-28\"]}") },
	{ PROBE_MODERN, 0, 200, false, RESULT("{\"supportedVersions\":[\"2099-01-01\",\"2026-07-28\",\"2025-11-25\"]}") },
	{ PROBE_LEGACY, 0, 200, false, RESULT("{\"supportedVersions\":[\"2025-11-25\"]}") },
	{ PROBE_LEGACY, 0, 200, false, RESULT("{\"supportedVersions\":[]}") },
	{ PROBE_LEGACY, 0, 200, false, RESULT("{}") },
	{ PROBE_AGAIN, 0, 400, false, VERSION("[\"2026-07-28\"]") },
	{ PROBE_REFUSED, 0, 400, true, VERSION("[\"2026-07-28\"]") },
	{ PROBE_UNSUPPORTED, 0, 400, false, VERSION("[\"2099-01-01\"]") },
	{ PROBE_UNSUPPORTED, 0, 400, false, ERROR("-32022") },
	{ PROBE_LEGACY, 0, 400, false, VERSION("[\"2025-11-25\",\"2025-06-18\"]") },
	{ PROBE_LEGACY, 0, 400, false, VERSION("[\"2099-01-01\",\"2025-06-18\"]") },
	{ PROBE_REFUSED, 0, 400, false, ERROR("-32020") },
	{ PROBE_REFUSED, 0, 400, false, ERROR("-32021") },
	{ PROBE_LEGACY, 0, 200, false, ERROR("-32601") },
	{ PROBE_LEGACY, 0, 404, false, ERROR("-32601") },
	{ PROBE_LEGACY, 0, 400, false, ERROR("-32602") },
	{ PROBE_LEGACY, 0, 400, false, ERROR("-32000") },
	{ PROBE_LEGACY, 0, 404, false, ERROR("-32001") },
	{ PROBE_LEGACY, 0, 400, false, NULL },
	{ PROBE_LEGACY, 0, 404, false, NULL },
	{ PROBE_LEGACY, 0, 405, false, NULL },
	{ PROBE_AUTH, 0, 401, false, NULL },
	{ PROBE_AUTH, 0, 403, false, ERROR("-32601") },
	{ PROBE_AUTH, 0, 407, false, NULL },
	{ PROBE_LATER, 0, 408, false, NULL },
	{ PROBE_LATER, 0, 429, false, ERROR("-32601") },
	{ PROBE_LATER, 0, 500, false, ERROR("-32601") },
	{ PROBE_LATER, 0, 503, false, NULL },
	{ PROBE_LATER, 0, 200, false, NULL },
	{ PROBE_LATER, 0, 302, false, NULL },
	{ PROBE_LATER, E_TIMEOUT, 0, false, NULL },
	{ PROBE_LATER, E_SERVER, 0, false, NULL },
};

Test(probe, follows_the_table)
{
	struct rpc_scan		*scan;
	struct rpc_answer	 m;
	struct probe_answer	 in;
	const char		*why;
	enum probe_verdict	 got;
	bool			 fine;

	cr_assert(eq(int, rpc_answer_new(&scan), 0));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		in = (struct probe_answer){ .error = rows[i].error, .status = rows[i].status, .again = rows[i].again };
		if (rows[i].body != NULL) {
			cr_assert(eq(int, rpc_answer_whole(scan, span_of(rows[i].body), &m), 0), "row %zu", i);
			in.rpc = &m;
		}
		got = probe_judge(&in, &why);
		cr_expect(eq(int, got, rows[i].want), "row %zu", i);
		fine = got == PROBE_MODERN || got == PROBE_LEGACY || got == PROBE_AGAIN;
		cr_expect(eq(int, why == NULL, fine), "row %zu", i);
	}
	rpc_scan_free(&scan);
}
