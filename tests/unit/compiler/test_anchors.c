/* SPDX-License-Identifier: Apache-2.0
 *
 * test_anchors.c - whom the certificates of https servers must lead to
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "policy/policy.h"
#include "tests/harness/testca.h"
#include "tests/unit/compiler/compile.h"

static void
expect_note(const struct compiled *c, const char *words)
{
	struct span	notes = buf_rest(&c->notes);

	cr_expect(memmem(notes.p, notes.n, words, strlen(words)) != NULL, "want \"%s\" in:\n%.*s", words,
	    SPAN_FMT(notes));
}

static void
certificate(const char *folder, const char *name, const char *file)
{
	struct testca	ca;
	char		path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	testca_new(&ca, name, NULL);
	testca_write(&ca, path);
	testca_free(&ca);
}

Test(anchors, https_servers_have_anchors)
{
	const struct rec_server	*a, *b, *own, *plain;
	struct compiled		 c, again;
	char			 folder[64], option[128];
	const char		*options[] = { option, NULL };

	scratch_new(folder);
	certificate(folder, "everybody's", "all.pem");
	certificate(folder, "its own", "own.pem");
	snprintf(option, sizeof(option), "upstream_ca_file=%s/all.pem", folder);
	scratch_write(folder, "servers.json", "{\"mcpServers\": {"
	    "\"a\": {\"url\": \"https://127.0.0.1:8443/mcp\"},"
	    "\"b\": {\"url\": \"https://127.0.0.1/\"},"
	    "\"own\": {\"url\": \"https://127.0.0.1/\", \"ca\": \"own.pem\"},"
	    "\"plain\": {\"url\": \"http://127.0.0.1/\"}}}", 0644);
	compile_folder(folder, false, options, &c);
	cr_assert(eq(uint, c.errors + c.warnings, 0), "%s", buf_rest(&c.notes).p);
	a = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("a"));
	b = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("b"));
	own = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("own"));
	plain = policy_server_find(c.policy, SPAN_LIT("default"), SPAN_LIT("plain"));
	cr_expect(a->https != 0 && a->port == 8443 && b->port == 443 && plain->https == 0);
	cr_expect(span_is(snap_text(c.policy, b->url_host), "127.0.0.1"));
	cr_expect(a->anchor_count == 1 && own->anchor_count == 1 && plain->anchor_count == 0);
	cr_expect(a->anchor_first == b->anchor_first && a->anchor_first != own->anchor_first);
	cr_expect(gt(u32, SNAP_AT(c.policy, ANCHOR, own->anchor_first)->der.bytes, 200));

	/* Who is trusted is part of what a server is: sessions of before are not gone on with. */
	certificate(folder, "its next", "own.pem");
	compile_folder(folder, false, options, &again);
	cr_expect(policy_server_find(again.policy, SPAN_LIT("default"), SPAN_LIT("a"))->profile == a->profile);
	cr_expect(policy_server_find(again.policy, SPAN_LIT("default"), SPAN_LIT("own"))->profile != own->profile);
	compiled_fini(&c);
	compiled_fini(&again);
	scratch_remove(folder);
}

Test(anchors, a_file_of_certificates_that_is_none_is_refused)
{
	static const struct { const char *text, *want; } rows[] = {
		{ "", "holds no certificate" },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "malformed" },
		{ "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "malformed" },
		{ NULL, "No such file" },
	};
	struct compiled	c;
	char		folder[64], option[128];
	const char	*options[] = { option, NULL };

	scratch_new(folder);
	snprintf(option, sizeof(option), "upstream_ca_file=%s/all.pem", folder);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		scratch_write(folder, "all.pem", rows[i].text, 0644);
		scratch_write(folder, "servers.json", "{\"mcpServers\": {\n\"a\": {\"url\": \"https://127.0.0.1/\"},"
		    "\"b\": {\"url\": \"https://127.0.0.1/\"}}}", 0644);
		compile_folder(folder, false, options, &c);
		cr_expect(eq(uint, c.errors, 1), "row %zu: said once", i);
		expect_note(&c, rows[i].want);
		expect_note(&c, "upstream_ca_file");
		compiled_fini(&c);
		scratch_write(folder, "servers.json", "{\"mcpServers\": {\n\"a\": {\"url\": \"https://127.0.0.1/\","
		    " \"ca\": \"all.pem\"}}}", 0644);
		compile_folder(folder, false, options, &c);
		cr_expect(eq(uint, c.errors, 1), "row %zu", i);
		expect_note(&c, rows[i].want);
		expect_note(&c, "servers.json:2:");
		compiled_fini(&c);
	}
	/* Without an https server nobody reads it. */
	scratch_write(folder, "servers.json", "{\"mcpServers\": {\"a\": {\"url\": \"http://127.0.0.1/\"}}}", 0644);
	compile_folder(folder, false, options, &c);
	cr_expect(eq(uint, c.errors, 0));
	compiled_fini(&c);
	scratch_write(folder, "servers.json", "{\"mcpServers\": {\"a\": {\"url\": \"http://127.0.0.1/\", \"ca\": \"x\"},"
	    "\"b\": {\"command\": \"/bin/true\", \"ca\": \"x\"}}}", 0644);
	compile_folder(folder, false, options, &c);
	cr_expect(eq(uint, c.errors, 2));
	expect_note(&c, "has no meaning for a url that is not https://");
	expect_note(&c, "has no meaning for a server with a command");
	compiled_fini(&c);
	scratch_remove(folder);
}
