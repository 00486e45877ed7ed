/* SPDX-License-Identifier: Apache-2.0
 *
 * test_switched.c - a server is off as long as its file says, and says why
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "policy/policy.h"
#include "tests/unit/compiler/compile.h"

Test(switched, a_server_is_off_as_long_as_its_file_says)
{
	static const struct {
		const char	*says;
		bool		 off;
		uint64_t	 until_ms;
		const char	*why;
		uint32_t	 errors, warnings;
	} rows[] = {
		{ "\"enabled\": true", false, 0, "", 0, 0 },
		{ "\"enabled\": false", true, 0, "switched off in the configuration", 0, 0 },
		{ "\"disabled\": true", true, 0, "switched off in the configuration", 0, 0 },
		{ "\"enabled\": false, \"disabled_reason\": \"broken\"", true, 0,
		    "broken (switched off in the configuration)", 0, 0 },
		{ "\"enabled\": false, \"disabled_until\": \"2999-01-01T00:00:00Z\", \"disabled_reason\": \"x\"", true,
		    UINT64_C(32472144000000), "x (switched off until 2999-01-01T00:00:00Z)", 0, 0 },
		{ "\"enabled\": false, \"disabled_until\": \"2999-01-01T00:00:00Z\"", true, UINT64_C(32472144000000),
		    "switched off until 2999-01-01T00:00:00Z", 0, 0 },
		/* Over: on, and what is left is said.  Without "enabled" it means nothing. */
		{ "\"enabled\": false, \"disabled_until\": \"2001-01-01T00:00:00Z\"", false, 0, "", 0, 1 },
		{ "\"disabled_until\": \"2999-01-01T00:00:00Z\"", false, 0, "", 0, 0 },
		{ "\"enabled\": false, \"disabled_until\": \"2999-01-01\"", true, 0, NULL, 1, 0 },
		{ "\"enabled\": false, \"disabled_until\": \"2999-01-01T00:00:00Z and more\"", true, 0, NULL, 1, 0 },
		{ "\"enabled\": false, \"disabled_until\": \"\"", true, 0, NULL, 1, 0 },
		{ "\"enabled\": false, \"disabled_reason\": 7", true, 0, NULL, 1, 0 },
	};
	const struct rec_server	*v;
	char			 text[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char		 folder[64];
		struct compiled	 c;

		scratch_new(folder);
		snprintf(text, sizeof(text), "{\"mcpServers\": {\"t\": {\"command\": \"true\", %s}}}", rows[i].says);
		scratch_write(folder, "servers.json", text, 0644);
		compile_folder(folder, false, NULL, &c);
		cr_expect(eq(uint, c.errors, rows[i].errors), "row %zu: %.*s", i, SPAN_FMT(buf_rest(&c.notes)));
		cr_expect(eq(uint, c.warnings, rows[i].warnings), "row %zu: %.*s", i, SPAN_FMT(buf_rest(&c.notes)));
		if (rows[i].errors == 0) {
			v = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("t"));
			cr_expect(eq(int, (v->flags & SERVER_FLAG_DISABLED) != 0, rows[i].off), "row %zu", i);
			cr_expect(eq(u64, v->disabled_until_ms, rows[i].until_ms), "row %zu", i);
			cr_expect(span_is(snap_text(c.policy, v->why), rows[i].why), "row %zu: %.*s", i,
			    SPAN_FMT(snap_text(c.policy, v->why)));
		}
		compiled_fini(&c);
		scratch_remove(folder);
	}
}
