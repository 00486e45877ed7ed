/* SPDX-License-Identifier: Apache-2.0
 *
 * preload.c - a library that is loaded into each program of a gateway, and lies to it as a file beside it says
 *
 * It is named in an /etc/ld.so.preload that only the test and what it starts can see (tests/fault/lies.c), since the
 * master gives its children no environment.  The file is mapped before a process confines itself; the test writes into
 * it (tests/fault/lies.h).  Nothing here makes a system call that the program would not have made.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "tests/fault/lies.h"

static struct lies	*lies;		/* NULL: nothing is told, as in a jail */
static bool		 meant;
static _Atomic uint64_t	 allocations;

typedef int clock_fn(clockid_t, struct timespec *);
typedef ssize_t pwrite_fn(int, const void *, size_t, off_t);
typedef ssize_t pwritev_fn(int, const struct iovec *, int, off_t);
typedef int fd_fn(int);
static clock_fn		*real_clock;
static pwrite_fn	*real_pwrite;
static pwritev_fn	*real_pwritev;
static fd_fn		*real_fdatasync;

/* glibc's own names: dlsym(3) would allocate. */
extern void	*__libc_malloc(size_t n);
extern void	*__libc_calloc(size_t n, size_t size);
extern void	*__libc_realloc(void *p, size_t n);

__attribute__((constructor)) static void
begin(void)
{
	Dl_info		 self;
	char		 path[4096], exe[4096];
	const char	*name;
	struct lies	*map;
	ssize_t		 n;
	int		 fd;

	real_clock = (clock_fn *)dlsym(RTLD_NEXT, "clock_gettime");
	real_pwrite = (pwrite_fn *)dlsym(RTLD_NEXT, "pwrite");
	real_pwritev = (pwritev_fn *)dlsym(RTLD_NEXT, "pwritev");
	real_fdatasync = (fd_fn *)dlsym(RTLD_NEXT, "fdatasync");
	if (dladdr((void *)begin, &self) == 0 || (n = readlink("/proc/self/exe", exe, sizeof(exe) - 1)) <= 0)
		return;
	exe[n] = '\0';
	name = strrchr(exe, '/');
	snprintf(path, sizeof(path), "%s.told", self.dli_fname);
	if ((fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		return;
	map = mmap(NULL, sizeof(*map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return;
	meant = name != NULL && strcmp(name + 1, map->program) == 0;
	lies = map;
}

/* --- time ---------------------------------------------------------------------------------------- */

int
clock_gettime(clockid_t which, struct timespec *t)
{
	int64_t	ns;
	int	r = real_clock(which, t);

	if (r == 0 && lies != NULL && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
		ns = t->tv_nsec + lies->wall_ns % 1000000000;
		t->tv_sec += lies->wall_ns / 1000000000 + (ns >= 1000000000) - (ns < 0);
		t->tv_nsec = (ns + 1000000000) % 1000000000;
	}
	return r;
}

time_t
time(time_t *out)
{
	struct timespec	t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	if (out != NULL)
		*out = t.tv_sec;
	return t.tv_sec;
}

int
gettimeofday(struct timeval *restrict to, void *restrict zone)
{
	struct timespec	t;

	(void)zone;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	*to = (struct timeval){ t.tv_sec, t.tv_nsec / 1000 };
	return 0;
}

/* --- memory -------------------------------------------------------------------------------------- */

static bool
refused(void)
{
	uint64_t	n;

	if (!meant)
		return false;
	if (atomic_exchange(&lies->from_now, false))
		atomic_store(&allocations, 0);
	n = atomic_fetch_add(&allocations, 1) + 1;
	if (n > lies->made)
		lies->made = n;
	if (n != lies->fail_at)
		return false;
	/* The one that takes its place is spared. */
	lies->fail_at = 0;
	atomic_fetch_add(&lies->failed, 1);
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t n)
{
	return refused() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return refused() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return refused() ? NULL : __libc_realloc(p, n);
}

/* --- disks --------------------------------------------------------------------------------------- */

static bool
breaks(int fd)
{
	struct stat	st;

	if (!meant || lies->write_errno == 0 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return false;
	errno = lies->write_errno;
	return true;
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return breaks(fd) ? -1 : real_pwrite(fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off_t at)
{
	return pwrite(fd, p, n, at);
}

ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	return breaks(fd) ? -1 : real_pwritev(fd, v, n, at);
}

ssize_t
pwritev64(int fd, const struct iovec *v, int n, off_t at)
{
	return pwritev(fd, v, n, at);
}

int
fdatasync(int fd)
{
	return breaks(fd) ? -1 : real_fdatasync(fd);
}
