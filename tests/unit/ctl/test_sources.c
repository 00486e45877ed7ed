/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sources.c - what an installer is given of a user's settings
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/import/rcfile.h"
#include "ctl/import/sources.h"
#include "sandbox/tree.h"

extern char	**environ;

static char	home[64];

static void
begin(void)
{
	static char	*none[] = { NULL };

	environ = none;
	snprintf(home, sizeof(home), "/tmp/mcpgw-sources-XXXXXX");
	cr_assert(mkdtemp(home) != NULL);
	setenv("HOME", home, 1);
	/* What the machine of the test says of its own is not looked at. */
	setenv("NPM_CONFIG_REGISTRY", "http://192.0.2.1/npm/", 1);
	setenv("PIP_INDEX_URL", "http://192.0.2.2/simple", 1);
}

static void
end(void)
{
	const struct tree_bounds	none = { 0 };
	int				tmp = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);

	cr_expect(eq(int, tree_remove(tmp, home + strlen("/tmp/"), &none), 0));
	close(tmp);
}

static void
put(const char *name, const char *text)
{
	char	path[128];
	FILE	*f;

	snprintf(path, sizeof(path), "%s/%s", home, name);
	f = fopen(path, "w");
	cr_assert(f != NULL);
	fputs(text, f);
	fclose(f);
}

static bool
holds(const struct buf *b, const char *words)
{
	struct span	s = buf_rest(b);

	return memmem(s.p, s.n, words, strlen(words)) != NULL;
}

TestSuite(sources, .init = begin, .fini = end);

Test(sources, of_npm_are_registries_with_their_tokens_and_nothing_else)
{
	struct sources	s;
	char		why[SOURCES_WHY];

	setenv("TOKEN", "s3cret", 1);
	put(".npmrc", "; mine\nregistry = http://192.0.2.9/\n@corp:registry=https://192.0.2.3:8443/npm/\n"
	    "//192.0.2.3:8443/npm/:_authToken=${TOKEN}\n//elsewhere.example/:_authToken=other\n"
	    "ignore-scripts=false\nscript-shell=/tmp/x\nstrict-ssl=false\n");
	sources_init(&s);
	cr_assert(eq(int, sources_npm(&s, "/nonexistent/npm", "http://192.0.2.99/", "/ca", why), 0), "%s", why);
	cr_expect(holds(&s.npmrc, "registry=\"http://192.0.2.1/npm/\"\n"), "the environment counts more");
	cr_expect(holds(&s.npmrc, "@corp:registry=\"https://192.0.2.3:8443/npm/\"\n"));
	cr_expect(holds(&s.npmrc, "//192.0.2.3:8443/npm/:_authToken=\"s3cret\"\n"));
	cr_expect(true && !holds(&s.npmrc_open, "s3cret"), "who runs scripts gets no token");
	cr_expect(holds(&s.npmrc_open, "@corp:registry"));
	cr_expect(true && !holds(&s.npmrc, "other") && !holds(&s.npmrc, "script") && !holds(&s.npmrc, "strict-ssl"));
	cr_expect(eq(sz, s.hosts.count, 2));
	sources_fini(&s);
}

Test(sources, of_npm_on_this_machine_are_found_by_another_name)
{
	struct sources	s;
	char		why[SOURCES_WHY];

	setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:4873/", 1);
	put(".npmrc", "//127.0.0.1:4873/:_authToken=abc\n");
	sources_init(&s);
	cr_assert(eq(int, sources_npm(&s, "/nonexistent/npm", "http://192.0.2.99/", "/ca", why), 0), "%s", why);
	cr_expect(holds(&s.npmrc, "registry=\"http://host-1.mcpgw.internal:4873/\"\n"));
	cr_expect(holds(&s.npmrc, "//host-1.mcpgw.internal:4873/:_authToken=\"abc\"\n"));
	cr_expect(holds(&s.npmrc, "replace-registry-host=\"always\"\n"));
	sources_fini(&s);
}

Test(sources, behind_a_proxy_are_the_proxy_and_what_goes_past_it)
{
	struct sources	s;
	char		why[SOURCES_WHY];

	setenv("HTTPS_PROXY", "http://u:p@192.0.2.8:3128", 1);
	setenv("NO_PROXY", "192.0.2.1,.corp.example", 1);
	put(".npmrc", "@x:registry=https://r.example/\n");
	sources_init(&s);
	cr_assert(eq(int, sources_npm(&s, "/nonexistent/npm", "http://192.0.2.99/", "/ca", why), 0), "%s", why);
	cr_assert(eq(sz, s.hosts.count, 2));
	cr_expect(eq(str, s.hosts.list[0].host, "192.0.2.8"));
	cr_expect(eq(str, s.hosts.list[1].host, "192.0.2.1"));
	cr_expect(holds(&s.npmrc, "https-proxy=\"http://u:p@host-1.mcpgw.internal:18000\"\n"));
	cr_expect(true && !holds(&s.npmrc_open, "u:p@"));
	sources_fini(&s);
}

Test(sources, of_certificates_are_copied)
{
	struct sources	s;
	char		why[SOURCES_WHY], text[160];

	put("ca.pem", "PEM");
	snprintf(text, sizeof(text), "cafile=%s/ca.pem\n", home);
	put(".npmrc", text);
	snprintf(text, sizeof(text), "%s/ca.pem", home);
	setenv("PIP_CERT", text, 1);
	sources_init(&s);
	cr_assert(eq(int, sources_npm(&s, "/nonexistent/npm", "http://192.0.2.99/", "/rc/npm-ca.pem", why), 0), "%s", why);
	cr_expect(holds(&s.npmrc, "cafile=\"/rc/npm-ca.pem\"\n") && holds(&s.npm_ca, "PEM"));
	cr_assert(eq(int, sources_pip(&s, "http://192.0.2.98/simple", "192.0.2.97", "/rc/pip-ca.pem", why), 0), "%s", why);
	cr_expect(holds(&s.pip, "cert = /rc/pip-ca.pem\n") && holds(&s.pip_ca, "PEM"));
	sources_fini(&s);
	setenv("NPM_CONFIG_CAFILE", "/nonexistent/ca", 1);
	sources_init(&s);
	cr_expect(ne(int, sources_npm(&s, "/nonexistent/npm", "http://192.0.2.99/", "/ca", why), 0));
	cr_expect(strstr(why, "/nonexistent/ca") != NULL, "%s", why);
	sources_fini(&s);
}

Test(sources, of_pip_are_its_indexes_and_folders)
{
	struct sources	s;
	char		why[SOURCES_WHY], path[128], text[256];

	snprintf(path, sizeof(path), "%s/.pip", home);
	cr_assert(mkdir(path, 0700) == 0);
	snprintf(text, sizeof(text), "[global]\nindex-url = http://192.0.2.9/simple\nextra-index-url =\n"
	    "  http://192.0.2.4/a\n  http://127.0.0.1:3141/b\nfind-links = %s /nonexistent\n[other]\nproxy = x\n", home);
	put(".pip/pip.conf", text);
	sources_init(&s);
	cr_assert(eq(int, sources_pip(&s, "http://192.0.2.98/simple", "192.0.2.97", "/ca", why), 0), "%s", why);
	cr_expect(holds(&s.pip, "index-url = http://192.0.2.2/simple\n"));
	cr_expect(holds(&s.pip, "extra-index-url = http://192.0.2.4/a\n\thttp://host-3.mcpgw.internal:3141/b\n"));
	cr_expect(holds(&s.pip, "trusted-host = host-3.mcpgw.internal\n"));
	cr_expect(true && !holds(&s.pip, "nonexistent") && !holds(&s.pip, "proxy"));
	cr_expect(eq(sz, s.folder_count, 1));
	sources_fini(&s);
}

Test(sources, that_nobody_names_are_what_the_installers_have_themselves)
{
	struct sources	s;
	char		why[SOURCES_WHY];

	unsetenv("NPM_CONFIG_REGISTRY");
	setenv("npm_config_globalconfig", "/nonexistent", 1);
	setenv("PIP_INDEX_URL", "http://192.0.2.98/simple", 1);
	sources_init(&s);
	cr_assert(eq(int, sources_npm(&s, "/nonexistent/npm", "http://192.0.2.99/", "/ca", why), 0), "%s", why);
	cr_expect(holds(&s.npmrc, "registry="));
	cr_assert(eq(int, sources_pip(&s, "http://192.0.2.98/simple", "192.0.2.97", "/ca", why), 0), "%s", why);
	cr_assert(eq(sz, s.hosts.count, 3));
	cr_expect(eq(str, s.hosts.list[1].host, "192.0.2.97"), "the files of that index are elsewhere");
	sources_fini(&s);
}

Test(sources, settings_are_read_as_npm_and_pip_read_them)
{
	struct rc	rc = { NULL, 0 };

	setenv("SET", "value", 1);
	rc_npm_text(&rc, SPAN_LIT("a=1\na = 2 \n# b=1\n;c=1\n[d]\ne=\"q s\"\nf=${SET}/${UNSET}/${UNSET?}\nca[]=x\nca[]=y\n"
	    "novalue\n=x\n"));
	cr_expect(eq(str, (char *)rc_get(&rc, "a"), "2"));
	cr_expect(eq(str, (char *)rc_get(&rc, "e"), "q s"));
	cr_expect(eq(str, (char *)rc_get(&rc, "f"), "value/${UNSET}/"));
	cr_expect(rc_get(&rc, "b") == NULL && rc_get(&rc, "c") == NULL && rc_get(&rc, "novalue") == NULL);
	cr_expect(eq(sz, rc.count, 5), "a list keeps each of its values");
	rc_free(&rc);
}
