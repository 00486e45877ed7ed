/* SPDX-License-Identifier: Apache-2.0
 *
 * landlock.c - deny by default: files, TCP, signals, abstract sockets
 *
 * Process: our own but compile and spawner; the branch that becomes a tool.
 * Owns:    nothing beyond a call.
 * Trusts:  the kernel's ABI number.  Rights newer than the build machine's headers are written here
 *          by number, so that one build uses what each kernel has.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/landlock.h"

#define FS_TRUNCATE	(UINT64_C(1) << 14)	/* ABI 3 */
#define FS_IOCTL_DEV	(UINT64_C(1) << 15)	/* ABI 5 */
#define NET_BIND_TCP	(UINT64_C(1) << 0)	/* ABI 4 */
#define NET_CONNECT_TCP	(UINT64_C(1) << 1)
#define SCOPE_ABSTRACT	(UINT64_C(1) << 0)	/* ABI 6 */
#define SCOPE_SIGNAL	(UINT64_C(1) << 1)

#define READ_RIGHTS	((uint64_t)(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | \
	LANDLOCK_ACCESS_FS_READ_DIR))
#define WRITE_RIGHTS	((uint64_t)(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
	LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM | \
	LANDLOCK_ACCESS_FS_REFER) | FS_TRUNCATE)
#define DEVICE_RIGHTS	((uint64_t)LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define OTHER_RIGHTS	((uint64_t)(LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK))
/* What a rule on a single file may name. */
#define FILE_RIGHTS	((uint64_t)(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | \
	LANDLOCK_ACCESS_FS_WRITE_FILE) | FS_TRUNCATE | FS_IOCTL_DEV)

/* struct landlock_ruleset_attr as of ABI 6; older kernels take its beginning. */
struct ruleset {
	uint64_t	fs, net, scoped;
};

int
landlock_abi(int max)
{
	long	abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi <= 0 || max < 0)
		return 0;
	return max > 0 && abi > max ? max : (int)abi;
}

static uint64_t
fs_handled(int abi)
{
	/* The sets overlap: each says what it needs.  NOLINTNEXTLINE(misc-redundant-expression) */
	uint64_t	rights = READ_RIGHTS | WRITE_RIGHTS | DEVICE_RIGHTS | OTHER_RIGHTS;

	if (abi < 2)
		rights &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;
	if (abi < 3)
		rights &= ~FS_TRUNCATE;
	if (abi < 5)
		rights &= ~FS_IOCTL_DEV;
	return rights;
}

static int
grant(int ruleset, uint64_t handled, const struct landlock_grant *g)
{
	struct landlock_path_beneath_attr	rule;
	struct stat				st;
	uint64_t				rights = 0;
	int					r = 0, fd;

	if ((fd = open(g->path, O_PATH | O_CLOEXEC)) == -1)
		return E_SYS;
	if (g->rights & LANDLOCK_READ)
		rights |= READ_RIGHTS;
	if (g->rights & LANDLOCK_SEE)
		rights |= READ_RIGHTS & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE;
	if (g->rights & LANDLOCK_WRITE)
		rights |= WRITE_RIGHTS;
	if (g->rights & LANDLOCK_DEVICE)
		rights |= DEVICE_RIGHTS;
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rights &= FILE_RIGHTS;
	rule = (struct landlock_path_beneath_attr){ rights & handled, fd };
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == -1)
		r = E_SYS;
	fd_close(&fd);
	return r;
}

int
landlock_restrict(int abi, const struct landlock_grant *grants, size_t count, unsigned also,
    const char **failed)
{
	struct ruleset	rules = { .fs = fs_handled(abi) };
	size_t		bytes = sizeof(rules.fs);
	int		r = 0, fd;

	if (failed != NULL)
		*failed = "";
	if (abi == 0)
		return 0;
	if (abi >= 4) {
		bytes = offsetof(struct ruleset, scoped);
		if (also & LANDLOCK_NO_TCP)
			rules.net = NET_BIND_TCP | NET_CONNECT_TCP;
	}
	if (abi >= 6) {
		bytes = sizeof(rules);
		if (also & LANDLOCK_NO_SIGNALS)
			rules.scoped |= SCOPE_SIGNAL;
		if (also & LANDLOCK_NO_ABSTRACT)
			rules.scoped |= SCOPE_ABSTRACT;
	}
	if ((fd = (int)syscall(SYS_landlock_create_ruleset, &rules, bytes, 0)) == -1)
		return E_SYS;
	for (size_t i = 0; i < count && r == 0; i++)
		if ((r = grant(fd, rules.fs, &grants[i])) != 0 && failed != NULL)
			*failed = grants[i].path;
	if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0) == -1)
		r = E_SYS;
	fd_close(&fd);
	return r;
}
