/* SPDX-License-Identifier: Apache-2.0
 *
 * procs.c - the processes below one process
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/procs.h"

/* The first word of its command line, for an ordinary user: our processes hide the rest from their own. */
static ssize_t
read_argv0(pid_t pid, char *to, size_t room)
{
	char	path[64];
	ssize_t	n;
	int	fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	n = read(fd, to, room - 1);
	close(fd);
	return n <= 0 ? -1 : (ssize_t)strnlen(to, (size_t)n);
}

/* False: gone, or a zombie.  The name is that of the executable, which a tool cannot change. */
static bool
proc_read(pid_t pid, struct proc *out)
{
	char	 path[64], text[1024], exe[512], *p;
	char	 state;
	int	 fd;
	ssize_t	 n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	if ((p = strrchr(text, ')')) == NULL)
		return false;
	out->pid = pid;
	if (sscanf(p + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
	    &state, &out->parent, &out->started) != 3 || state == 'Z' || state == 'X')
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if ((n = readlink(path, exe, sizeof(exe) - 1)) <= 0 && (n = read_argv0(pid, exe, sizeof(exe))) <= 0) {
		exe[0] = '\0';
		n = 0;
	}
	exe[n] = '\0';
	p = strrchr(exe, '/');
	snprintf(out->name, sizeof(out->name), "%.31s", p == NULL ? exe : p + 1);
	return true;
}

static bool
is_below(const struct procs *p, pid_t parent)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->all[i].pid == parent)
			return true;
	return false;
}

void
procs_below(pid_t top, struct procs *out)
{
	static struct proc	 every[PROCS_MAX * 4];
	size_t			 n = 0, before;
	DIR			*dir = opendir("/proc");
	struct dirent		*e;

	out->count = 0;
	while (dir != NULL && (e = readdir(dir)) != NULL && n < PROCS_MAX * 4)
		if (atoi(e->d_name) > 0 && proc_read(atoi(e->d_name), &every[n]))
			n++;
	if (dir != NULL)
		closedir(dir);
	for (size_t i = 0; i < n; i++)
		if (every[i].pid == top)
			out->all[out->count++] = every[i];
	do {
		before = out->count;
		for (size_t i = 0; i < n; i++)
			if (out->count < PROCS_MAX && is_below(out, every[i].parent) &&
			    !is_below(out, every[i].pid))
				out->all[out->count++] = every[i];
	} while (out->count != before);
}

const struct proc *
procs_find(const struct procs *p, const char *name, size_t nth)
{
	for (size_t i = 0; i < p->count; i++)
		if ((name == NULL || strcmp(p->all[i].name, name) == 0) && nth-- == 0)
			return &p->all[i];
	return NULL;
}

size_t
procs_count(const struct procs *p, const char *name)
{
	size_t	n = 0;

	while (procs_find(p, name, n) != NULL)
		n++;
	return n;
}

size_t
procs_alive(const struct procs *p)
{
	struct proc	now;
	size_t		n = 0;

	for (size_t i = 0; i < p->count; i++)
		n += proc_read(p->all[i].pid, &now) && now.started == p->all[i].started;
	return n;
}

size_t
proc_fd_count(pid_t pid)
{
	char		 path[64];
	DIR		*dir;
	size_t		 n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if ((dir = opendir(path)) == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2;		/* . and .. */
}

void
sleep_ms(int ms)
{
	struct timespec	ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

long
now_ms(void)
{
	struct timespec	ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

unsigned
env_number(const char *name, unsigned otherwise)
{
	const char	*text = getenv(name);

	return text == NULL || *text == '\0' ? otherwise : (unsigned)strtoul(text, NULL, 10);
}

bool
wait_until(wait_fn *fn, void *arg, int timeout_ms)
{
	const long	begin = now_ms();

	for (;;) {
		if (fn(arg))
			return true;
		if (now_ms() - begin >= timeout_ms)
			return false;
		sleep_ms(5);
	}
}

static bool
all_gone(void *arg)
{
	return procs_alive(arg) == 0;
}

bool
procs_wait_gone(const struct procs *p, int timeout_ms)
{
	return wait_until(all_gone, (void *)p, timeout_ms);
}
