/* SPDX-License-Identifier: Apache-2.0
 *
 * lies.c - a mount namespace in which each program loads tests/fault/preload.c
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fault/lies.h"

#define PRELOAD	"/etc/ld.so.preload"
#define DIR	"/mnt"		/* of each machine; covered for us alone, so that nothing of it is left */

static void
write_text(const char *path, const char *text)
{
	int	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	cr_assert(fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s: %s", path, strerror(errno));
	close(fd);
}

/* An /etc of ours over the machine's, where PRELOAD can be written. */
static void
cover_etc(void)
{
	cr_assert(mount("tmpfs", DIR, "tmpfs", 0, "mode=755") == 0, "%s", strerror(errno));
	cr_assert(mkdir(DIR "/upper", 0755) == 0 && mkdir(DIR "/work", 0755) == 0);
	cr_assert(mount("overlay", "/etc", "overlay", 0, "lowerdir=/etc,upperdir=" DIR "/upper,workdir=" DIR "/work") == 0, "%s",
	    strerror(errno));
}

void
lies_begin(struct lies **out)
{
	const char		*build = getenv("BUILD") == NULL ? "build" : getenv("BUILD");
	static const char	library[] = DIR "/lies.so", control[] = DIR "/lies.so.told";
	char			command[900];
	int			fd;

	if (geteuid() != 0 || strstr(build, "address") != NULL || access(PRELOAD, F_OK) == 0 || access(DIR, F_OK) != 0)
		cr_skip_test("only root lies to programs, and to no sanitized ones");
	cr_assert(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	cover_etc();
	/* Where each user of the gateway's may read it, whoever owns the build folder. */
	snprintf(command, sizeof(command), "install -m 755 '%s/tests/fault/lies.so' '%s'", build, library);
	cr_assert(system(command) == 0, "%s", command);
	fd = open(control, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	cr_assert(fd != -1 && fchmod(fd, 0666) == 0 && ftruncate(fd, sizeof(struct lies)) == 0);
	*out = mmap(NULL, sizeof(struct lies), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert(*out != MAP_FAILED);
	close(fd);
	write_text(PRELOAD, library);
}
