/* SPDX-License-Identifier: Apache-2.0
 *
 * rules.c - bench-rules [ROUNDS]: what a decision takes, by how many rules there are, and what a compilation takes
 *
 * Policies are compiled by the compiler's own code, in this process, and asked by decide(), as workers do.  Rows are
 * interleaved, medians are printed: ns of one decision.  "same" asks about one tool over and over, "all" about each
 * tool of the policy in turn, so that most of what is looked at is in no cache.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/fd.h"
#include "policy/compiler/job.h"
#include "policy/compiler/secrets.h"
#include "policy/decide.h"

#define ROUNDS		21
#define ASKS		20000
#define ROUNDS_MAX	1000

/* tenants * agents * per = rules; two more of each agent have conditions.  One tenant: the default. */
static const struct shape {
	unsigned	tenants, agents, per;
} shapes[] = { { 1, 1, 10 }, { 1, 1, 1000 }, { 1, 1, 100000 }, { 1, 100, 1000 }, { 1, 10000, 10 }, { 1000, 1, 100 },
	{ 10000, 1, 10 } };
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

enum row { ROW_SAME, ROW_ALL, ROW_WILD, ROW_DENIED, ROW_TIME, ROW_ARGUMENT, ROWS };
static const char *const titles[ROWS] = { "same", "all", "wildcard", "no rule", "if time", "if argument" };

struct subject {
	struct shape	 shape;
	struct snap	*policy;
	double		 compile_ms, ns[ROWS][ROUNDS_MAX];
};

static char	folder[64] = "/tmp/bench-rules-XXXXXX";

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "bench-rules: %s\n", what);
	exit(71);
}

static double
now_ns(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
say(enum note_level level, const char *line, void *arg)
{
	(void)arg;
	if (level == NOTE_ERROR)
		fprintf(stderr, "%s\n", line);
}

static void
path_of(const struct shape *shape, unsigned tenant, char *to, size_t room, const char *file)
{
	if (shape->tenants == 1)
		snprintf(to, room, "%s%s", folder, file);
	else
		snprintf(to, room, "%s/tenants.d/tenant%u%s", folder, tenant, file);
}

static void
write_rules(const struct shape *shape, unsigned tenant)
{
	char	path[128];
	FILE	*f;

	path_of(shape, tenant, path, sizeof(path), "");
	if (shape->tenants > 1 && mkdir(path, 0700) == -1)
		die("a folder cannot be made");
	path_of(shape, tenant, path, sizeof(path), "/rules.json");
	if ((f = fopen(path, "w")) == NULL)
		die("a file cannot be written");
	fprintf(f, "{\"agents\":{");
	for (unsigned a = 0; a < shape->agents; a++) {
		fprintf(f, "%s\"agent%u\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"z_*\"],\"pg\":[\n"
		    "{\"tool\":\"by_day\",\"when\":{\"DateGreaterThan\":{\"time\":\"2020-01-01T00:00:00Z\"},"
		    "\"StringEquals\":{\"credential\":\"key\"}}},\n"
		    "{\"tool\":\"small\",\"when\":{\"NumericLessThan\":{\"arguments/limit\":100}}}",
		    a > 0 ? ",\n" : "", a);
		for (unsigned i = 0; i < shape->per; i++)
			fprintf(f, ",\n\"tool_number_%u\"", i);
		fprintf(f, "]}},\"deny\":{\"tools\":{\"pg\":[\"*_77x\",\"drop_*\",\"admin_*\"]}}}");
	}
	fprintf(f, "}}");
	if (fclose(f) != 0 || chmod(path, 0600) != 0)
		die("a file cannot be written");
}

static struct snap *
compile(void)
{
	struct job	 j = { .tenant = "default" };
	struct snap	*s;
	uint64_t	 bytes;
	int		 fd;

	job_init(&j);
	j.config_dir = folder;
	j.config_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	j.say = say;
	j.secret_open = secret_open_directly;
	j.secret_arg = &j;
	job_run(&j);
	if (j.errors > 0 || build_seal(j.policy, 1, &fd, &bytes) != 0 || snap_map(fd, &s) != 0)
		die("a policy does not compile");
	fd_close(&fd);
	close(j.config_fd);
	job_fini(&j);
	return s;
}

static void
prepare(struct subject *s)
{
	double	from;

	char	path[128];

	snprintf(path, sizeof(path), "%s/tenants.d", folder);
	if (mkdir(path, 0700) == -1)
		die("a folder cannot be made");
	for (unsigned t = 0; t < s->shape.tenants; t++)
		write_rules(&s->shape, t);
	from = now_ns();
	s->policy = compile();
	s->compile_ms = (now_ns() - from) / 1e6;
	for (unsigned t = 0; t < s->shape.tenants; t++) {
		path_of(&s->shape, t, path, sizeof(path), "/rules.json");
		unlink(path);
		path_of(&s->shape, t, path, sizeof(path), "");
		if (s->shape.tenants > 1)
			rmdir(path);
	}
	snprintf(path, sizeof(path), "%s/tenants.d", folder);
	rmdir(path);
}

static double
ask(const struct subject *s, enum row row)
{
	static const char *const	named[ROWS] = { [ROW_SAME] = "tool_number_7", [ROW_WILD] = "z_last",
		[ROW_DENIED] = "unknown", [ROW_TIME] = "by_day", [ROW_ARGUMENT] = "small" };
	const struct span		limit = SPAN_LIT("{\"table\":\"users\",\"limit\":5}");
	struct facts			facts = { .known = FACTS_ALL, .wall_ms = UINT64_C(1800000000000),
						.arguments = { JSON_OBJECT, limit } };
	struct object			what = { OBJECT_TOOL, SPAN_LIT("pg"), SPAN_NONE, &facts };
	struct principal		who = { .how = HOW_KEY };
	static char			tenants[ASKS][20], agents[ASKS][16], tools[ASKS][24];
	struct decision			d;
	unsigned			allowed = 0;
	double				from;

	for (unsigned i = 0; i < ASKS; i++) {
		if (s->shape.tenants == 1)
			snprintf(tenants[i], sizeof(tenants[i]), "default");
		else
			snprintf(tenants[i], sizeof(tenants[i]), "tenant%u", row == ROW_ALL ?
			    i * 7919u % s->shape.tenants : s->shape.tenants / 3);
		snprintf(agents[i], sizeof(agents[i]), "agent%u", row == ROW_ALL ? i * 7919u % s->shape.agents :
		    s->shape.agents / 3);
		if (row == ROW_ALL)
			snprintf(tools[i], sizeof(tools[i]), "tool_number_%u", i * 7919u % s->shape.per);
		else
			snprintf(tools[i], sizeof(tools[i]), "%s", named[row]);
	}
	from = now_ns();
	for (unsigned i = 0; i < ASKS; i++) {
		who.tenant = span_of(tenants[i]);
		who.agent = span_of(agents[i]);
		what.name = span_of(tools[i]);
		decide(s->policy, &who, &what, &d);
		allowed += d.allow;
	}
	if (allowed != (row == ROW_DENIED ? 0 : ASKS))
		die("a decision is wrong");
	return (now_ns() - from) / ASKS;
}

static int
double_cmp(const void *a, const void *b)
{
	const double	x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	static struct subject	subjects[SHAPES];
	const int		given = argc > 1 ? atoi(argv[1]) : ROUNDS;
	const unsigned		rounds = given < 1 || given > ROUNDS_MAX ? ROUNDS : (unsigned)given;

	if (mkdtemp(folder) == NULL)
		die("no folder");
	for (unsigned i = 0; i < SHAPES; i++) {
		subjects[i].shape = shapes[i];
		prepare(&subjects[i]);
	}
	for (unsigned n = 0; n < rounds; n++)
		for (unsigned i = 0; i < SHAPES; i++)
			for (unsigned row = 0; row < ROWS; row++)
				subjects[i].ns[row][n] = ask(&subjects[i], (enum row)row);
	printf("%8s %8s %8s %11s", "rules", "tenants", "agents", "compile ms");
	for (unsigned row = 0; row < ROWS; row++)
		printf(" %11s", titles[row]);
	printf("\n");
	for (unsigned i = 0; i < SHAPES; i++) {
		printf("%8u %8u %8u %11.1f", shapes[i].tenants * shapes[i].agents * shapes[i].per, shapes[i].tenants,
		    shapes[i].agents, subjects[i].compile_ms);
		for (unsigned row = 0; row < ROWS; row++) {
			qsort(subjects[i].ns[row], rounds, sizeof(double), double_cmp);
			printf(" %11.0f", subjects[i].ns[row][rounds / 2]);
		}
		printf("\n");
		snap_release(&subjects[i].policy);
	}
	rmdir(folder);
	return 0;
}
