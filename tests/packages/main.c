/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - fetching packages (ctl/import/package.h) as a program, for tests of it
 *
 * fetch-packages CONFDIR INTO [--scripts] [--source] [--fresh] [--from PATH] [--bin NAME] KIND SPEC ...: options count
 * for what follows them; prints one object of JSON for each.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/import/package.h"
#include "ctl/out.h"
#include "lib/log.h"

#define PACKAGES_MAX	32

static void
put(const char *name, const char *value)
{
	out_json_text(name, span_of(value == NULL ? "" : value));
}

static void
show(const struct package_got *g)
{
	char	list[4096] = "";

	out_json_begin();
	put("why", g->why);
	put("name", g->name);
	put("version", g->version);
	put("dir", g->dir);
	put("runtime", g->runtime);
	put("entry", g->entry);
	put("tree", g->tree_hash);
	for (size_t i = 0; i < g->with_scripts_n; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i == 0 ? "" : " ", g->with_scripts[i]);
	put("with_scripts", list);
	out_json_u64("modules", g->modules);
	out_json_u64("bytes", g->bytes);
	out_json_bool("already", g->already);
	out_json_end();
}

int
main(int argc, char **argv)
{
	struct ctl		ctl = { .config_given = argc > 1 ? argv[1] : NULL };
	struct package_want	want[PACKAGES_MAX], next = { NULL };
	struct package_got	got[PACKAGES_MAX];
	size_t			n = 0;
	int			r;

	log_init("fetch-packages", STDERR_FILENO, LOG_FORM_PLAIN);
	signal(SIGPIPE, SIG_IGN);
	if (argc < 5 || where_init(&ctl.where, geteuid() == 0) != 0)
		return 64;
	for (int i = 3; i < argc && n < PACKAGES_MAX; i++) {
		if (strcmp(argv[i], "--scripts") == 0)
			next.scripts = true;
		else if (strcmp(argv[i], "--source") == 0)
			next.source = true;
		else if (strcmp(argv[i], "--fresh") == 0)
			next.fresh = true;
		else if (strcmp(argv[i], "--from") == 0)
			next.from = argv[++i];
		else if (strcmp(argv[i], "--bin") == 0)
			next.bin = argv[++i];
		else if (i + 1 < argc) {
			next.kind = argv[i];
			next.spec = argv[++i];
			want[n++] = next;
			next = (struct package_want){ NULL };
		}
	}
	r = packages_fetch(&ctl, want, got, n, argv[2]);
	for (size_t i = 0; i < n; i++)
		show(&got[i]);
	packages_free(got, n);
	return r;
}
