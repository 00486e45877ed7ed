/* SPDX-License-Identifier: Apache-2.0
 *
 * test_located.c - where HTTP upstreams are: addresses, the machine's list of hosts, names for the scout
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <stdio.h>

#include "policy/compiler/job.h"
#include "policy/compiler/server.h"
#include "tests/unit/compiler/compile.h"

static void
say(enum note_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

struct row {
	const char	*host;
	uint32_t	 count;
	uint8_t		 first;		/* the first byte of the first */
	const char	*left;		/* for the scout; "" nothing */
};

static const struct row rows[] = {
	{ "192.0.2.1", 1, 192, "" },
	{ "::1", 1, 0, "" },
	{ "web.example", 2, 10, "" },
	{ "WEB.example", 2, 10, "" },
	{ "alias", 1, 10, "" },
	{ "alias.", 1, 10, "" },
	{ "six", 1, 0xfd, "" },
	{ "commented", 0, 0, "commented" },
	{ "behind", 0, 0, "behind" },
	{ "localhost", 2, 127, "" },
	{ "a.LocalHost", 2, 127, "" },
	{ "notlocalhost", 0, 0, "notlocalhost" },
	{ "Other.Example.", 0, 0, "other.example" },
	{ "2130706433", 0, 0, "2130706433" },
	{ "bad", 0, 0, "bad" },
};

Test(located, finds_hosts_without_asking_anybody)
{
	char	folder[64], path[96];

	scratch_new(folder);
	scratch_write(folder, "hosts", "# a list\n10.0.0.1\tweb.example alias # behind\n#10.0.0.2 commented\n\n"
	    "10.0.0.3 web.example\nfd00::1 six\nnonsense bad\n10.0.0.4.5 bad", 0644);
	snprintf(path, sizeof(path), "%s/hosts", folder);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct job			 j = { .config_fd = -1, .say = say, .config_dir = "/", .hosts_file = path };
		struct server			 sv = { .job = &j };
		const struct rec_address	*a;

		job_init(&j);
		located_read(&sv, span_of(rows[i].host));
		cr_expect(eq(u32, sv.rec.address_count, rows[i].count), "row %zu", i);
		a = build_at(j.policy, SECTION_ADDRESS, sv.rec.address_first);
		cr_expect(rows[i].count == 0 || a->bytes[0] == rows[i].first, "row %zu", i);
		cr_expect(eq(u32, sv.rec.host.bytes, (uint32_t)strlen(rows[i].left)), "row %zu", i);
		job_fini(&j);
	}
	scratch_remove(folder);
}
