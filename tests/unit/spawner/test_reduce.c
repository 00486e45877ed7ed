/* SPDX-License-Identifier: Apache-2.0
 *
 * test_reduce.c - names of the jail become the host's, but not in what a client said
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/spawner/reduce.h"

static const struct reduce_folders	folders = { "/state/home", "/state/tmp" };
static const struct jail_bind		bound[] = { { "/srv/here", "/data", 0 }, { "/opt/py/bin/python3",
					    "/runtime/bin/python3", 0 } };

/* A plan with these words, the last one NULL; of argument `at` these bytes are a client's. */
static int
reduce(struct plan *p, const char *const *argv, const char *const *envp, size_t at, struct plan_value value)
{
	static const char *const	 none[] = { NULL };
	static struct plan_foreign	 foreign[8];
	static struct plan_value	 values[1];
	struct rec_profile		 rec = { .tier = TIER_STRICT, .max_instances = 1 };
	char				*room = calloc(1, 1 << 16);

	cr_assert(room != NULL);
	memset(foreign, 0, sizeof(foreign));
	values[0] = value;
	foreign[at] = (struct plan_foreign){ values, value.bytes > 0 };
	*p = (struct plan){ .spec = { .program = "/runtime/bin/python3", .argv = argv, .envp = envp != NULL ? envp : none,
	    .workdir = "/data/in", .binds = bound, .bind_count = 2 }, .foreign = foreign, .room = room,
	    .room_bytes = 1 << 16 };
	return reduce_plan(p, &rec, &folders);
}

Test(reduce, translates_what_the_operator_wrote)
{
	const char *const	argv[] = { "x", "/home/tool/a", "--in=/data", "/tmp/x:/data/y", "/database", "a/tmp", NULL };
	const char *const	envp[] = { "HOME=/home/tool", "PATH=/runtime/bin:/usr/bin", "TMPDIR=/tmp", NULL };
	struct plan		p;

	cr_assert(eq(int, reduce(&p, argv, envp, 0, (struct plan_value){ 0, 0 }), 0), "%s", p.why);
	cr_expect(strcmp(p.spec.program, "/opt/py/bin/python3") == 0, "%s", p.spec.program);
	cr_expect(strcmp(p.spec.workdir, "/srv/here/in") == 0, "%s", p.spec.workdir);
	cr_expect(strcmp(p.spec.argv[1], "/state/home/a") == 0, "%s", p.spec.argv[1]);
	cr_expect(strcmp(p.spec.argv[2], "--in=/srv/here") == 0, "%s", p.spec.argv[2]);
	cr_expect(strcmp(p.spec.argv[3], "/state/tmp/x:/srv/here/y") == 0, "%s", p.spec.argv[3]);
	cr_expect(strcmp(p.spec.argv[4], "/database") == 0, "%s", p.spec.argv[4]);
	cr_expect(strcmp(p.spec.argv[5], "a/tmp") == 0, "%s", p.spec.argv[5]);
	cr_expect(p.spec.argv[6] == NULL && p.spec.envp[3] == NULL);
	cr_expect(strcmp(p.spec.envp[0], "HOME=/state/home") == 0, "%s", p.spec.envp[0]);
	cr_expect(strcmp(p.spec.envp[1], "PATH=/opt/py/bin:/usr/bin") == 0, "%s", p.spec.envp[1]);
	cr_expect(strcmp(p.spec.envp[2], "TMPDIR=/state/tmp") == 0, "%s", p.spec.envp[2]);
	free(p.room);
}

Test(reduce, leaves_a_clients_values_alone)
{
	static const struct { const char *word; size_t at, bytes; const char *want; } rows[] = {
		{ "--regexp=/tmp/upload", 9, 11, "--regexp=/tmp/upload" },
		{ "/tmp", 0, 4, "/tmp" },
		{ "/home/tool/.ssh", 0, 15, "/home/tool/.ssh" },
		{ "a=/home/tool:/tmp", 0, 17, "a=/home/tool:/tmp" },
		{ "/runtime/bin/python3", 0, 20, "/runtime/bin/python3" },
		/* Around it the operator's names are translated. */
		{ "--f=/home/tool/V:/tmp", 15, 1, "--f=/state/home/V:/state/tmp" },
		/* And what a value makes look like the beginning of a word is none. */
		{ "a=/tmp", 0, 2, "a=/tmp" },
		{ "-/tmp/x", 0, 1, "-/tmp/x" },
	};
	struct plan	p;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const	argv[] = { "x", rows[i].word, NULL };

		cr_expect(eq(int, reduce(&p, argv, NULL, 1, (struct plan_value){ rows[i].at, rows[i].bytes }), 0), "%zu: %s",
		    i, p.why);
		cr_expect(strcmp(p.spec.argv[1], rows[i].want) == 0, "%zu: %s", i, p.spec.argv[1]);
		free(p.room);
	}
}

Test(reduce, refuses_names_that_cannot_be_had_and_shows_no_value)
{
	static const struct { const char *word; size_t at, bytes; } rows[] = {
		{ "x,/home/tool/a", 0, 0 },
		{ "x,/runtime/bin/python3", 0, 0 },
		/* Whether this is a name is the client's to say. */
		{ "/dataV", 5, 1 },
		{ "--in=/tmpV", 9, 1 },
	};
	const char *const	envp[] = { "A=b", "TOKEN=hush,/home/tool", NULL }, *const none[] = { "x", NULL };
	struct plan		p;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const	argv[] = { "x", rows[i].word, NULL };

		cr_expect(eq(int, reduce(&p, argv, NULL, 1, (struct plan_value){ rows[i].at, rows[i].bytes }), E_DENIED),
		    "row %zu", i);
		cr_expect(strstr(p.why, "argument 1") != NULL && strstr(p.why, rows[i].word) == NULL, "%s", p.why);
		free(p.room);
	}
	cr_expect(eq(int, reduce(&p, none, envp, 0, (struct plan_value){ 0, 0 }), E_DENIED));
	cr_expect(strstr(p.why, "variable TOKEN") != NULL && strstr(p.why, "hush") == NULL, "%s", p.why);
	free(p.room);
}
