/* SPDX-License-Identifier: Apache-2.0
 *
 * test_listens.c - the entries of the parameter listen
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "policy/listens.h"

Test(listens, takes_entries_apart)
{
	static const struct {
		const char		*text, *address[3];
		bool			 tls[3];
		enum listens_client	 client[3];
		const char		*wrong;		/* of the last one */
	} rows[] = {
		{ "", { NULL }, { false }, { 0 }, "" },
		{ "127.0.0.1:8080", { "127.0.0.1:8080" }, { false }, { 0 }, "" },
		{ " 127.0.0.1:8080 ,\t[::1]:8443  tls ", { "127.0.0.1:8080", "[::1]:8443" }, { false, true }, { 0 }, "" },
		{ "a:1 tls client=optional, b:2 tls client=required,c:3 tls", { "a:1", "b:2", "c:3" },
		    { true, true, true }, { LISTENS_CLIENT_OPTIONAL, LISTENS_CLIENT_REQUIRED, LISTENS_CLIENT_NONE }, "" },
		{ "a:1 client=required", { "a:1" }, { false }, { 0 }, "client=required" },
		{ "a:1 ssl", { "a:1" }, { false }, { 0 }, "ssl" },
		{ "a:1 b:2", { "a:1" }, { false }, { 0 }, "b:2" },
		{ "a:1, , b:2", { "a:1", "", "b:2" }, { false }, { 0 }, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span		list = span_of(rows[i].text);
		struct listens_entry	e, last = { 0 };
		size_t			n = 0;

		for (; listens_next(&list, &e); n++) {
			cr_assert(n < 3 && rows[i].address[n] != NULL, "row %zu", i);
			cr_expect(span_is(e.address, rows[i].address[n]) && e.tls == rows[i].tls[n] &&
			    e.client == rows[i].client[n], "row %zu, entry %zu", i, n);
			last = e;
		}
		cr_expect(n == 3 || rows[i].address[n] == NULL, "row %zu: %zu entries", i, n);
		cr_expect(span_is(last.wrong, rows[i].wrong), "row %zu", i);
	}
}

Test(listens, tells_clients_of_one_with_tls)
{
	struct listens_entry	e;

	cr_expect(listens_best(SPAN_LIT("a:1, b:2 tls, c:3 tls"), &e) && span_is(e.address, "b:2"));
	cr_expect(listens_best(SPAN_LIT("a:1, b:2"), &e) && span_is(e.address, "a:1"));
	cr_expect(not(listens_best(SPAN_LIT(" "), &e)));
}
