/* SPDX-License-Identifier: Apache-2.0
 *
 * test_vault.c - ${vault:} and ${cred:} in files: what is wanted of whom, and what is refused
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/policy.h"
#include "tests/unit/compiler/compile.h"

#define CONF	"vault_addr = http://127.0.0.1:8200/\nvault_token_file = T\n"
#define SERVER(header)	"{\"mcpServers\":{\"web\":{\"url\":\"http://127.0.0.1:1/mcp\",\"headers\":{\"X-Key\":\"" header "\"}}}}"

static char	folder[64];

static void
setup(void)
{
	scratch_new(folder);
	scratch_write(folder, "rules.json", "{\"agents\":{}}", 0644);
	scratch_write(folder, "secrets/T", "the-token\n", 0600);
	scratch_write(folder, "ca.pem", "no certificate", 0644);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void
teardown(void)
{
	scratch_remove(folder);
}

TestSuite(vault, .init = setup, .fini = teardown);

static void
compile(const char *conf, const char *servers, struct compiled *out)
{
	scratch_write(folder, "mcpgw.conf", conf, 0644);
	scratch_write(folder, "servers.json", servers, 0644);
	compile_folder(folder, false, NULL, out);
	cr_assert(buf_put(&out->notes, SPAN_LIT("\0")) == 0);
}

Test(vault, what_is_wanted_is_told_to_the_scout)
{
	const struct rec_vault		*v;
	const struct rec_vault_want	*w;
	const struct rec_secret		*s;
	struct compiled			 c;

	compile(CONF "vault_refresh = 30s\nvault_namespace = a/b\n", "{\"mcpServers\":{\"web\":{\"url\":\"http://127.0.0.1:1/mcp\","
	    "\"headers\":{\"A\":\"${vault:kv/x/y#k}\",\"B\":\"${vault:kv/x/y#k} ${vault:kv/x/y#l}\"}}}}", &c);
	cr_assert(c.errors == 0, "%s", c.notes.data);
	cr_expect(strstr(c.notes.data, "the vault was not asked yet; mcpgw-scout does it now; the server is down") != NULL);
	cr_expect(strstr(c.notes.data, "the-token") == NULL);
	v = SNAP_AT(c.policy, VAULT, 0);
	cr_assert(v != NULL);
	cr_expect(span_is(snap_text(c.policy, v->address), "http://127.0.0.1:8200") && v->address_count == 1);
	cr_expect(span_is(snap_text(c.policy, v->name_space), "a/b") && v->refresh_ms == 30000 && v->role_id.bytes == 0);
	cr_expect(snap_count(c.policy, SECTION_VAULT_WANT) == 2, "each once");
	w = SNAP_AT(c.policy, VAULT_WANT, 1);
	cr_expect(w != NULL && span_is(snap_text(c.policy, w->path), "kv/x/y") && span_is(snap_text(c.policy, w->field), "l"));
	s = SNAP_AT(c.scout_secrets, SECRET, 0);
	cr_expect(s != NULL && span_is(snap_text(c.scout_secrets, s->value), "the-token"));
	cr_expect(snap_count(c.worker_secrets, SECTION_SECRET) == 0);
	compiled_fini(&c);
	/* Nothing names it: nobody is told the token. */
	compile(CONF, SERVER("x"), &c);
	cr_expect(c.errors == 0 && SNAP_AT(c.policy, VAULT, 0) == NULL && snap_count(c.scout_secrets, SECTION_SECRET) == 0);
	compiled_fini(&c);
}

Test(vault, refuses_what_names_nothing)
{
	static const struct { const char *conf, *servers, *words; } rows[] = {
		{ CONF, SERVER("${vault:}"), "want MOUNT/PATH#FIELD" },
		{ CONF, SERVER("${vault:kv/x}"), "want MOUNT/PATH#FIELD" },
		{ CONF, SERVER("${vault:kv#k}"), "want MOUNT/PATH#FIELD" },
		{ CONF, SERVER("${vault:kv/x#}"), "want MOUNT/PATH#FIELD" },
		{ CONF, SERVER("${vault:kv//x#k}"), "want MOUNT/PATH#FIELD" },
		{ CONF, SERVER("${vault:kv/x/#k}"), "want MOUNT/PATH#FIELD" },
		{ CONF, SERVER("${vault:/kv/x#k}"), "want MOUNT/PATH#FIELD" },
		{ CONF, SERVER("${vault:kv/../sys#k}"), "want MOUNT/PATH#FIELD" },
		{ CONF, SERVER("${vault:kv/x?list=true#k}"), "a path in the vault is of letters" },
		{ CONF, SERVER("${vault:kv/%2e%2e/x#k}"), "a path in the vault is of letters" },
		{ CONF, SERVER("${vault:kv/x#k k}"), "a field's name" },
		{ CONF, "{\"mcpServers\":{\"web\":{\"url\":\"http://${vault:kv/x#k}/mcp\"}}}", "env, headers and auth only" },
		{ "", SERVER("${vault:kv/x#k}"), "vault_addr" },
		{ "vault_addr = http://10.0.0.1:8200\nvault_token_file = T\n", SERVER("${vault:kv/x#k}"), "want https://" },
		{ "vault_addr = https://vault.example/v1\nvault_token_file = T\n", SERVER("${vault:kv/x#k}"), "want no path" },
		{ "vault_addr = http://127.0.0.1:8200\n", SERVER("${vault:kv/x#k}"), "vault_token_file: is not set" },
		{ "vault_addr = http://127.0.0.1:8200\nvault_token_file = T\nvault_role_id = r\n", SERVER("${vault:kv/x#k}"), "one of them" },
		{ "vault_addr = http://127.0.0.1:8200\nvault_role_id = r\n", SERVER("${vault:kv/x#k}"), "vault_secret_id_file: is not set" },
		{ "vault_addr = http://127.0.0.1:8200\nvault_token_file = NONE\n", SERVER("${vault:kv/x#k}"), "NONE: no such secret" },
		{ "vault_addr = http://127.0.0.1:8200\nvault_token_file = cred:T\n", SERVER("${vault:kv/x#k}"), "CREDENTIALS_DIRECTORY" },
		{ "vault_addr = https://vault.example\nvault_token_file = T\nvault_ca = none.pem\n", SERVER("${vault:kv/x#k}"), "none.pem" },
		{ "vault_addr = https://vault.example\nvault_token_file = T\nvault_ca = ca.pem\n", SERVER("${vault:kv/x#k}"),
		    "vault_ca: ca.pem: holds no certificate" },
		{ "", SERVER("${cred:T}"), "hands over no credentials" },
		{ "", SERVER("${cred:a/b}"), "a credential's name" },
		{ "", "{\"mcpServers\":{\"web\":{\"url\":\"http://${cred:T}/mcp\"}}}", "env, headers and auth only" },
	};
	struct compiled	c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		compile(rows[i].conf, rows[i].servers, &c);
		cr_expect(c.errors > 0, "row %zu", i);
		cr_expect(strstr(c.notes.data, rows[i].words) != NULL, "row %zu: %s", i, c.notes.data);
		compiled_fini(&c);
	}
}

Test(vault, tenants_have_what_is_theirs)
{
	struct compiled	c;
	char		path[128];

	scratch_write(folder, "tenants.d/acme/rules.json", "{\"agents\":{}}", 0644);
	scratch_write(folder, "tenants.d/acme/servers.json", SERVER("${vault:kv/app/web#k}"), 0644);
	compile(CONF, SERVER("x"), &c);
	cr_expect(c.errors == 1 && strstr(c.notes.data, "tenant acme has of the vault what lies below its name: MOUNT/acme/") != NULL,
	    "%s", c.notes.data);
	compiled_fini(&c);
	scratch_write(folder, "tenants.d/acme/servers.json", SERVER("${vault:kv/acmes/web#k}"), 0644);
	compile(CONF, SERVER("x"), &c);
	cr_expect(c.errors == 1);
	compiled_fini(&c);
	scratch_write(folder, "tenants.d/acme/servers.json", SERVER("${vault:kv/acme/web#k}"), 0644);
	compile(CONF, SERVER("x"), &c);
	cr_expect(c.errors == 0, "%s", c.notes.data);
	compiled_fini(&c);

	/* A credential of theirs bears their name. */
	scratch_write(folder, "creds/K", "of-the-operator", 0400);
	scratch_write(folder, "creds/acme.K", "of-acme\n", 0400);
	snprintf(path, sizeof(path), "%s/creds", folder);
	setenv("CREDENTIALS_DIRECTORY", path, 1);
	scratch_write(folder, "tenants.d/acme/servers.json", SERVER("${cred:K}"), 0644);
	compile("", SERVER("${cred:K}"), &c);
	cr_assert(c.errors == 0, "%s", c.notes.data);
	for (uint64_t i = 0; i < 2; i++) {
		const struct rec_secret	*r = SNAP_AT(c.worker_secrets, SECRET, i);
		const bool		 acme = span_is(snap_text(c.worker_secrets, r->tenant), "acme");

		cr_expect(span_is(snap_text(c.worker_secrets, r->value), acme ? "of-acme" : "of-the-operator"));
	}
	compiled_fini(&c);
	unsetenv("CREDENTIALS_DIRECTORY");
}
