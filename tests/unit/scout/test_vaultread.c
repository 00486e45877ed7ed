/* SPDX-License-Identifier: Apache-2.0
 *
 * test_vaultread.c - what a vault answers, and what is no answer of one
 */
#include <criterion/criterion.h>
#include <string.h>

#include "scout/vaultread.h"

#define TEXT(s)	SPAN_LIT(s)

Test(vaultread, a_token_and_its_time)
{
	struct vaultread_token	t;
	struct buf		b;

	buf_init(&b, 100);
	cr_assert(vaultread_login(TEXT("{\"auth\":{\"client_token\":\"s.x\",\"lease_duration\":3600,\"renewable\":true}}"), &b, &t) == 0);
	cr_expect(span_is(t.token, "s.x") && t.lease_s == 3600 && t.renewable);
	cr_expect(vaultread_lookup(TEXT("{\"data\":{\"ttl\":0,\"renewable\":false}}"), &t) == 0 && t.lease_s == 0 && !t.renewable);
	cr_expect(vaultread_lookup(TEXT("{\"data\":{\"ttl\":-5,\"renewable\":\"yes\"}}"), &t) == 0 && t.lease_s == 0 && !t.renewable);
	cr_expect(vaultread_login(TEXT("{\"auth\":null}"), &b, &t) == E_FORMAT);
	cr_expect(vaultread_login(TEXT("[]"), &b, &t) == E_FORMAT);
	cr_expect(vaultread_lookup(TEXT("<html>"), &t) == E_FORMAT);
	cr_expect(vaultread_lookup(SPAN_NONE, &t) == E_FORMAT);
	buf_fini(&b);
}

Test(vaultread, a_mount_is_the_beginning_of_the_path)
{
	static const struct { const char *body; int r; size_t mount; bool versions; } rows[] = {
		{ "{\"data\":{\"path\":\"kv/\",\"type\":\"kv\",\"options\":{\"version\":\"2\"}}}", 0, 3, true },
		{ "{\"data\":{\"path\":\"kv/team/\",\"type\":\"kv\",\"options\":{\"version\":\"1\"}}}", 0, 8, false },
		{ "{\"data\":{\"path\":\"kv/\",\"type\":\"generic\",\"options\":null}}", 0, 3, false },
		{ "{\"data\":{\"path\":\"kv/\",\"type\":\"database\"}}", E_DENIED, 0, false },
		{ "{\"data\":{\"path\":\"other/\",\"type\":\"kv\"}}", E_FORMAT, 0, false },
		{ "{\"data\":{\"path\":\"kv/team/db\",\"type\":\"kv\"}}", E_FORMAT, 0, false },
		{ "{\"data\":{\"path\":\"kv\",\"type\":\"kv\"}}", E_FORMAT, 0, false },
		{ "{\"data\":{\"path\":\"\",\"type\":\"kv\"}}", E_FORMAT, 0, false },
		{ "{}", E_FORMAT, 0, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t	mount = 0;
		bool	versions = false;
		int	r = vaultread_mount(span_of(rows[i].body), TEXT("kv/team/db"), &mount, &versions);

		cr_expect(r == rows[i].r && mount == rows[i].mount && (r != 0 || versions == rows[i].versions), "row %zu: %d %zu", i, r,
		    mount);
	}
}

Test(vaultread, a_field_is_text_of_the_secret_alone)
{
	static const struct { const char *body; bool versions; int r; const char *value; } rows[] = {
		{ "{\"data\":{\"data\":{\"a b\":\"x\\u0041\"},\"metadata\":{}}}", true, 0, "xA" },
		{ "{\"data\":{\"a b\":12.5}}", false, 0, "12.5" },
		{ "{\"data\":{\"a b\":\"x\"}}", true, E_NOTFOUND, "" },
		{ "{\"data\":{\"data\":null,\"metadata\":{}}}", true, E_NOTFOUND, "" },
		{ "{\"data\":{\"a b\":true}}", false, E_FORMAT, "" },
		{ "{\"data\":{\"a b\":{}}}", false, E_FORMAT, "" },
		{ "{\"data\":{\"a b\":\"\"}}", false, E_FORMAT, "" },
		{ "{\"data\":{\"a b\":\"x\\u0000y\"}}", false, E_FORMAT, "" },
		{ "{\"lease_id\":\"database/creds/1\",\"data\":{\"a b\":\"x\"}}", false, E_DENIED, "" },
		{ "{\"data\":{\"a b\":\"01234567890123456789\"}}", false, E_TOOBIG, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf	b;
		int		r;

		buf_init(&b, 16);
		r = vaultread_field(span_of(rows[i].body), rows[i].versions, TEXT("a b"), &b);
		cr_expect(r == rows[i].r && span_is(buf_rest(&b), rows[i].value), "row %zu: %d", i, r);
		buf_fini(&b);
	}
}

Test(vaultread, an_error_is_one_line)
{
	char	said[160];

	vaultread_error(TEXT("{\"errors\":[\"permission\\ndenied\",\"and more\"]}"), said, sizeof(said));
	cr_expect_str_eq(said, "permission denied");
	vaultread_error(TEXT("{\"errors\":[]}"), said, sizeof(said));
	cr_expect_str_eq(said, "");
	vaultread_error(TEXT("no JSON"), said, sizeof(said));
	cr_expect_str_eq(said, "");
}
