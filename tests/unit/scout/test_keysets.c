/* SPDX-License-Identifier: Apache-2.0
 *
 * test_keysets.c - when key sets are fetched again, and where an issuer's metadata may be
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "scout/keyfetch.h"
#include "scout/keysets.h"

Test(keysets, are_fetched_by_their_age_within_bounds_and_well_before_their_end)
{
	static const struct keysets_times	t = { 60000, 3600000, 30000 };
	static const struct {
		bool		has;
		uint64_t	age_s, keep_ms, want;
	} rows[] = {
		{ true, 300, 86400000, 300000 }, { true, 0, 86400000, 60000 }, { true, 1, 86400000, 60000 },
		{ true, 1000000, 86400000, 3600000 }, { false, 0, 86400000, 3600000 },
		{ true, 300, 100000, 50000 }, { false, 0, 1000, 500 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(eq(u64, keysets_refresh_ms(&t, rows[i].has, rows[i].age_s, rows[i].keep_ms), rows[i].want),
		    "row %zu", i);
}

Test(keyfetch, looks_for_metadata_where_the_standards_say)
{
	static const struct {
		const char	*issuer;
		unsigned	 attempt;
		const char	*want;		/* NULL: nowhere */
	} rows[] = {
		{ "https://idp.example", 0, "https://idp.example/.well-known/openid-configuration" },
		{ "https://idp.example", 1, "https://idp.example/.well-known/oauth-authorization-server" },
		{ "https://idp.example/", 0, "https://idp.example/.well-known/openid-configuration" },
		{ "https://idp.example:8443/realms/a", 0,
		    "https://idp.example:8443/realms/a/.well-known/openid-configuration" },
		{ "https://idp.example:8443/realms/a/", 1,
		    "https://idp.example:8443/.well-known/oauth-authorization-server/realms/a" },
		{ "https://idp.example", 2, NULL },
		{ "https://idp.example/?a=b", 0, NULL },
		{ "urn:idp", 0, NULL },
	};
	char	to[KEYFETCH_URL_MAX + 1];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool	found = keyfetch_metadata_url(span_of(rows[i].issuer), rows[i].attempt, to);

		cr_expect(eq(int, found, rows[i].want != NULL), "row %zu", i);
		if (found)
			cr_expect(eq(str, to, (char *)(uintptr_t)rows[i].want), "row %zu", i);
	}
}
