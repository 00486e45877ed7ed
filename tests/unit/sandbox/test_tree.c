/* SPDX-License-Identifier: Apache-2.0
 *
 * test_tree.c - measuring and removing what a hostile tool writes meanwhile
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/tree.h"
#include "tests/unit/sandbox/cell.h"

static char	folder[64];
static int	dir;

static void
begin(void)
{
	cell_as_nobody();
	strcpy(folder, "/tmp/tree-test-XXXXXX");
	cr_assert(mkdtemp(folder) != NULL);
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(dir != -1);
	cr_assert(mkdirat(dir, "in", 0700) == 0 && mkdirat(dir, "out", 0700) == 0);
}

static void
end(void)
{
	char	command[256];

	snprintf(command, sizeof(command), "chmod -R u+rwX %s; rm -rf %s", folder, folder);
	cr_expect(eq(int, system(command), 0));
}

static void
put_file(const char *path, size_t bytes)
{
	int		fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	static char	zeros[4096];

	cr_assert(fd != -1, "%s: %s", path, strerror(errno));
	for (size_t n = 0; n < bytes; n += sizeof(zeros))
		cr_assert(write(fd, zeros, sizeof(zeros)) == sizeof(zeros));
	close(fd);
}

static struct tree_usage
usage(struct tree_bounds b, int want)
{
	struct tree_usage	u;
	int			in;

	cr_assert(eq(int, tree_open(dir, "in", &in), 0));
	cr_expect(eq(int, tree_measure(in, &b, &u), want));
	close(in);
	return u;
}

Test(tree, counts_bytes_on_disk_and_entries)
{
	struct tree_usage	u;

	begin();
	put_file("in/a", 8192);
	cr_assert(mkdirat(dir, "in/sub", 0700) == 0);
	put_file("in/sub/b", 40960);
	put_file("out/much", 1 << 20);
	cr_assert(symlinkat("../out", dir, "in/link") == 0 && symlinkat("/", dir, "in/sub/root") == 0);
	/* A file of a gigabyte without a byte is none. */
	put_file("in/sparse", 0);
	u = usage((struct tree_bounds){ 0 }, 0);
	cr_expect(eq(u64, u.entries, 6));
	cr_expect(u.bytes >= 49152 && u.bytes < 200000, "%llu", (unsigned long long)u.bytes);
	cr_expect(not(u.over));
	cr_expect(usage((struct tree_bounds){ .bytes = 16384 }, 0).over);
	cr_expect(usage((struct tree_bounds){ .entries = 5 }, 0).over);
	end();
}

Test(tree, gives_up_on_depth_that_is_meant_to_tire_it)
{
	int	at, next;

	begin();
	at = openat(dir, "in", O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < 300; i++) {
		cr_assert(mkdirat(at, "d", 0700) == 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY);
		close(at);
		at = next;
	}
	close(at);
	(void)usage((struct tree_bounds){ 0 }, E_TOOBIG);
	/* Removing takes any depth. */
	cr_expect(eq(int, tree_remove(dir, "in", &(struct tree_bounds){ .time_ms = 10000 }), 0));
	cr_expect(eq(int, faccessat(dir, "in", F_OK, 0), -1));
	end();
}

Test(tree, removes_what_its_owner_closed_and_follows_no_link)
{
	begin();
	put_file("out/keep", 10);
	cr_assert(mkdirat(dir, "in/a", 0700) == 0 && mkdirat(dir, "in/a/b", 0700) == 0);
	put_file("in/a/b/file", 10);
	cr_assert(symlinkat("../../out", dir, "in/a/link") == 0 && symlinkat("../out", dir, "in/out") == 0);
	cr_assert(fchmodat(dir, "in/a/b", 0, 0) == 0 && fchmodat(dir, "in/a", 0, 0) == 0 &&
	    fchmodat(dir, "in", 0, 0) == 0);
	cr_expect(eq(int, tree_remove(dir, "in", &(struct tree_bounds){ .time_ms = 10000 }), 0));
	cr_expect(eq(int, faccessat(dir, "in", F_OK, 0), -1));
	cr_expect(eq(int, faccessat(dir, "out/keep", F_OK, 0), 0), "it went through a link");
	/* A link in its place is removed as one. */
	cr_assert(symlinkat("out", dir, "in") == 0);
	cr_expect(eq(int, tree_remove(dir, "in", &(struct tree_bounds){ 0 }), 0));
	cr_expect(eq(int, faccessat(dir, "out/keep", F_OK, 0), 0));
	cr_expect(eq(int, tree_remove(dir, "in", &(struct tree_bounds){ 0 }), 0), "not there is removed");
	end();
}

/* Swaps a folder for a link to elsewhere, over and over; row 18 of the threat model. */
static pid_t
start_swapper(void)
{
	pid_t	pid = fork();

	if (pid != 0)
		return pid;
	alarm(30);
	for (;;) {
		(void)!renameat(dir, "in/x/sub", dir, "in/x/aside");
		(void)!symlinkat("../../out", dir, "in/x/sub");
		(void)!unlinkat(dir, "in/x/sub", 0);
		(void)!renameat(dir, "in/x/aside", dir, "in/x/sub");
		(void)!mkdirat(dir, "in/x", 0700);
		(void)!mkdirat(dir, "in/x/sub", 0700);
	}
}

Test(tree, never_leaves_its_folder_while_it_is_changed, .timeout = 60)
{
	struct tree_usage	u;
	char			path[64];
	pid_t			swapper;
	int			in;

	begin();
	for (int i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), "out/keep-%d", i);
		put_file(path, 4096);
	}
	cr_assert(mkdirat(dir, "in/x", 0700) == 0 && mkdirat(dir, "in/x/sub", 0700) == 0);
	put_file("in/x/sub/own", 4096);
	swapper = start_swapper();
	cr_assert(eq(int, tree_open(dir, "in", &in), 0));
	for (int i = 0; i < 3000; i++) {
		if (tree_measure(in, &(struct tree_bounds){ 0 }, &u) != 0)
			continue;
		cr_assert(u.entries <= 8, "it counted what is outside: %llu", (unsigned long long)u.entries);
	}
	close(in);
	for (int i = 0; i < 300; i++)
		(void)!tree_remove(dir, "in/x", &(struct tree_bounds){ .time_ms = 1000 });
	kill(swapper, SIGKILL);
	waitpid(swapper, NULL, 0);
	for (int i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), "out/keep-%d", i);
		cr_expect(eq(int, faccessat(dir, path, F_OK, 0), 0), "%s was removed through a link", path);
	}
	cr_expect(eq(int, tree_remove(dir, "in", &(struct tree_bounds){ .time_ms = 10000 }), 0));
	end();
}
