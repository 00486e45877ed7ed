/* SPDX-License-Identifier: Apache-2.0
 *
 * try_resources.c - attempts to use the machine up
 *
 * Process: the tool in a jail of its own.  Owns: what it breaks.  Trusts: nobody.
 * Bounded where nothing bounds them: what is tried without a layer must not harm who tries.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/escape/attempts.h"

#define MIB		(1024L * 1024)
#define CROWD		1000
#define TMP_FILES	10		/* of 16 MiB: 160 MiB, more than any /tmp has unasked */
#define INODES		20000		/* a /tmp of 64 MiB has fewer */

/* What a pipe keeps waiting ends with whoever holds the other end, jail or no jail. */
static void
wait_for_end(const int line[2])
{
	char	byte;

	close(line[1]);
	(void)!read(line[0], &byte, 1);
	_exit(0);
}

int
try_fork_bomb(void)
{
	int	line[2];

	if (pipe(line) == -1)
		return errno;
	for (int i = 0; i < CROWD; i++) {
		pid_t pid = fork();

		if (pid == -1)
			return i < 2 ? errno : LIMITED_AT;
		if (pid == 0)
			wait_for_end(line);
	}
	return 0;
}

static void *
sleep_on(void *line)
{
	char	byte;

	(void)!read(*(int *)line, &byte, 1);
	return NULL;
}

int
try_thread_bomb(void)
{
	pthread_attr_t	attr;
	int		line[2], r;

	if (pipe(line) == -1)
		return errno;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	for (int i = 0; i < CROWD; i++) {
		pthread_t thread;

		if ((r = pthread_create(&thread, &attr, sleep_on, &line[0])) != 0)
			return i < 2 ? r : LIMITED_AT;
	}
	return 0;
}

/* Asked for at once, and only its beginning is used: where nothing holds it, it is not this machine that
 * is to suffer. */
int
try_memory(void)
{
	char	*at = mmap(NULL, 2048UL * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return LIMITED_AT;
	memset(at, 1, 64 * MIB);
	return 0;
}

int
try_memfd(void)
{
	int	fd = memfd_create("x", 0);

	signal(SIGXFSZ, SIG_IGN);
	return fd == -1 ? errno : came_to(ftruncate(fd, 512L * MIB));
}

int
try_shm_open(void)
{
	int	fd = shm_open("/mcpgw-escape", O_RDWR | O_CREAT, 0600);

	if (fd == -1)
		return errno;
	shm_unlink("/mcpgw-escape");
	return 0;
}

int
try_mlock(void)
{
	/* Less than any machine allows unasked. */
	void	*at = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mlock(at, 4 * MIB) == 0)
		return 0;
	return errno == ENOSYS ? ENOSYS : LIMITED_AT;
}

int
try_descriptors(void)
{
	for (int i = 0; i < 2000; i++)
		if (dup(0) == -1)
			return i < 2 ? errno : LIMITED_AT;
	return 0;
}

int
try_raise_limit(void)
{
	struct rlimit	l = { 300, 300 };

	return came_to(setrlimit(RLIMIT_NOFILE, &l));
}

/* A folder of its own, so that nothing is left where nothing holds it. */
static int
fill(int files, size_t blocks)
{
	static char	block[MIB];
	char		folder[256], path[300];
	int		done = 0, r = 0;

	snprintf(folder, sizeof(folder), "%s", at_tmp("fill-XXXXXX"));
	if (mkdtemp(folder) == NULL)
		return errno;
	for (; done < files && r == 0; done++) {
		int fd;

		snprintf(path, sizeof(path), "%s/%d", folder, done);
		if ((fd = open(path, O_WRONLY | O_CREAT, 0600)) == -1) {
			r = done == 0 ? errno : LIMITED_AT;
			break;
		}
		for (size_t i = 0; i < blocks && r == 0; i++)
			if (write(fd, block, sizeof(block)) != sizeof(block))
				r = done == 0 && i == 0 ? errno : LIMITED_AT;
		close(fd);
	}
	for (int i = 0; i <= done; i++) {
		snprintf(path, sizeof(path), "%s/%d", folder, i);
		unlink(path);
	}
	rmdir(folder);
	return r;
}

int
try_fill_tmp(void)
{
	return fill(TMP_FILES, 16);
}

int
try_fill_inodes(void)
{
	return fill(INODES, 0);
}

int
try_sparse_file(void)
{
	int	fd = open(at_home("sparse"), O_WRONLY | O_CREAT, 0600), r;

	if (fd == -1)
		return errno;
	signal(SIGXFSZ, SIG_IGN);
	r = pwrite(fd, "x", 1, 10LL * 1024 * MIB) == -1 ? LIMITED_AT : 0;
	unlink(at_home("sparse"));
	return r;
}
