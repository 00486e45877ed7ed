/* SPDX-License-Identifier: Apache-2.0
 *
 * test_segfile.c - preallocated files whose writers can be seen
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/segfile.h"

#define BYTES (1 << 20)

static char path[64];
static int dir = -1;

static void
folder(void)
{
	strcpy(path, "/tmp/mcpgw-seg-XXXXXX");
	cr_assert(mkdtemp(path) != NULL);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static unsigned
files(void)
{
	DIR		*d = opendir(path);
	unsigned	 n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static void
gone(void)
{
	unlinkat(dir, "s", 0);
	rmdir(path);
}

Test(segfile, has_its_space_its_head_and_its_name, .init = folder, .fini = gone)
{
	struct stat	st;
	char		head[4];
	int		fd, other, reader;

	cr_assert(eq(int, segfile_make(dir, "s", BYTES, SPAN_LIT("head"), &fd), 0));
	cr_assert(eq(int, fstatat(dir, "s", &st, 0), 0));
	cr_expect(st.st_size == BYTES && st.st_blocks * 512 >= BYTES);
	cr_expect(eq(uint, st.st_mode & 0777, 0600));
	reader = openat(dir, "s", O_RDONLY);
	cr_expect(read(reader, head, 4) == 4 && memcmp(head, "head", 4) == 0);
	cr_expect(eq(int, segfile_make(dir, "s", BYTES, SPAN_LIT("head"), &other), E_EXISTS));
	cr_expect(eq(int, other, -1));
	cr_expect(eq(uint, files(), 1));
	close(reader);
	close(fd);
}

Test(segfile, shows_its_writer_until_the_last_one_dies, .init = folder, .fini = gone)
{
	int	fd, reader, go[2];
	pid_t	pid;
	char	c;

	cr_assert(eq(int, segfile_make(dir, "s", BYTES, SPAN_LIT(""), &fd), 0));
	reader = openat(dir, "s", O_RDONLY | O_CLOEXEC);
	cr_expect(segfile_has_writer(reader));
	cr_assert(eq(int, pipe(go), 0));
	if ((pid = fork()) == 0) {
		cr_assert(write(go[1], "x", 1) == 1);
		pause();
		_exit(0);
	}
	cr_assert(read(go[0], &c, 1) == 1);
	close(fd);
	cr_expect(segfile_has_writer(reader), "the child has it");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_expect(segfile_has_writer(reader) == false);
	cr_expect(segfile_has_writer(reader) == false, "asking changes nothing");
	close(reader);
}

Test(segfile, leaves_nothing_behind_when_there_is_no_space, .init = folder, .fini = gone)
{
	struct rlimit	l = { BYTES / 2, RLIM_INFINITY };
	int		fd;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert(eq(int, setrlimit(RLIMIT_FSIZE, &l), 0));
	cr_expect(eq(int, segfile_make(dir, "s", BYTES, SPAN_LIT("head"), &fd), E_FULL));
	cr_expect(eq(int, fd, -1));
	cr_expect(eq(uint, files(), 0));
}
