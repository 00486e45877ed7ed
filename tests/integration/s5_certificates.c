/* SPDX-License-Identifier: Apache-2.0
 *
 * s5_certificates.c - certificates and the keys of tickets change, by reload and by upgrade, and no connection is lost
 */
#include "tests/integration/steadyload.h"
#include "tests/integration/tls.h"

#define ROUNDS		24		/* ROUNDS=... makes it more; each sixth is an upgrade */

static void
own_certificate(struct gateway *g)
{
	tls_certificate(g, "server", "DNS:localhost,IP:127.0.0.1", 10);
}

Test(certificates, change_under_load_and_over_upgrades, .timeout = 300)
{
	static const char *const names[] = { "DNS:odd.example,IP:127.0.0.1", "DNS:even.example,IP:127.0.0.1" };
	const unsigned	 rounds = env_number("ROUNDS", ROUNDS);
	struct gateway	 g;
	struct steady	 s;
	static const char *const wants[] = { "certs/server.key: holds no private key",
		"certs/server.key: is not the key of the certificate" };
	const char	*key;
	char		 path[512];
	char		*keys[2] = { "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", NULL };
	char		*out;
	int		 r;

	NEEDS_JAILS();
	tls_begin();
	gateway_start(&g, &(struct gateway_setup){ .listen = "127.0.0.1:0, 127.0.0.1:0 tls", .servers = DEMO_SERVERS,
	    .rules = STEADY_RULES, .conf = "tls_certificates = server\ntls_ticket_time = 1s\n", .before = own_certificate });
	key = gateway_key(&g, "a");
	steady_init(&s);
	for (int i = 0; i < 3; i++) {
		steady_add(&s, STEADY_KEEPS, g.tls[0], "/servers/clock/mcp", key, "add", 3000);
		steady_add(&s, STEADY_SHORT, g.tls[0], "/servers/clock/mcp", key, "add", 8000);
	}
	steady_add(&s, STEADY_KEEPS, g.tls[0], "/servers/clock/mcp", key, "add", 300000);
	steady_add(&s, STEADY_KEEPS, g.mcp, "/servers/clock/mcp", key, "add", 10000);
	steady_start(&s);
	for (unsigned i = 0; i < rounds; i++) {
		tls_certificate(&g, "server", names[i % 2], 10);
		r = gateway_ctl(&g, &out, true, i % 6 == 5 ? "upgrade" : "reload", NULL);
		cr_expect(r == 0, "round %u: exit %d: %s", i, r, out);
		free(out);
		cr_expect_str_eq(tls_got_name(g.tls[0], NULL), i % 2 == 0 ? "odd.example" : "even.example");
		sleep_ms(30);
	}
	/* A key that is none, or another's, refuses the reload, and the upgrade. */
	tls_certificate(&g, "another", names[0], 10);
	keys[1] = gateway_file(&g, "certs/another.key");
	for (size_t i = 0; i < 2; i++) {
		gateway_write(&g, "certs/server.key", keys[i]);
		/* Else it is refused for who may read it. */
		tls_path(&g, "server.key", path);
		cr_assert(chmod(path, 0600) == 0);
		EXPECT_CTL(&g, 1, wants[i], "reload");
		EXPECT_CTL(&g, 78, wants[i], "upgrade");
		cr_expect_str_eq(tls_got_name(g.tls[0], NULL), rounds % 2 == 1 ? "odd.example" : "even.example");
	}
	free(keys[1]);
	steady_check(&s, 200);
	gateway_stop(&g);
	tls_end();
}
