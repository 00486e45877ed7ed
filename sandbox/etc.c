/* SPDX-License-Identifier: Apache-2.0
 *
 * etc.c - the files of /etc a jail has of its own
 *
 * Process: the spawner's child on the way to a jail.  Owns: nothing beyond a call.
 * Trusts:  the host's resolv.conf and hosts, as bytes to copy.
 *
 * Without a passwd entry node's os.userInfo() and python's getpass.getuser() throw.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fd.h"
#include "sandbox/etc.h"
#include "sandbox/root.h"

#define FILE_MAX	(64 * 1024)
#define ZONE		"/usr/share/zoneinfo/"

typedef int etc_text_fn(struct buf *to, const struct jail_spec *spec);

static int
passwd_text(struct buf *to, const struct jail_spec *spec)
{
	return buf_put_fmt(to, "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n"
	    JAIL_USER ":x:%d:%d:" JAIL_USER ":%s:/bin/sh\n"
	    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n", JAIL_UID, JAIL_GID,
	    root_home(spec));
}

static int
group_text(struct buf *to, const struct jail_spec *spec)
{
	(void)spec;
	return buf_put_fmt(to, "root:x:0:\n" JAIL_USER ":x:%d:\nnogroup:x:65534:\n", JAIL_GID);
}

static int
copy_text(struct buf *to, const char *path)
{
	char	*text = NULL;
	size_t	 bytes = 0;
	int	 fd, r;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return errno == ENOENT ? 0 : E_SYS;
	if ((r = fd_read_all(fd, FILE_MAX / 2, &text, &bytes)) == 0)
		r = buf_put(to, span_make(text, bytes));
	free(text);
	fd_close(&fd);
	return r;
}

static int
hostname_text(struct buf *to, const struct jail_spec *spec)
{
	return buf_put_fmt(to, "%s\n", spec->hostname != NULL ? spec->hostname : "jail");
}

static int
hosts_text(struct buf *to, const struct jail_spec *spec)
{
	const char	*name = spec->hostname != NULL ? spec->hostname : "jail";
	int		 r;

	r = buf_put_fmt(to, "127.0.0.1 localhost %s\n::1 localhost %s\n", name, name);
	if (r == 0 && spec->net == JAIL_NET_HOST)
		r = copy_text(to, "/etc/hosts");
	return r;
}

static int
nsswitch_text(struct buf *to, const struct jail_spec *spec)
{
	(void)spec;
	return buf_put_str(to, "passwd: files\ngroup: files\nhosts: files dns\n"
	    "networks: files\nprotocols: files\nservices: files\n");
}

static int
resolv_text(struct buf *to, const struct jail_spec *spec)
{
	if (spec->net == JAIL_NET_HOST)
		return copy_text(to, "/etc/resolv.conf");
	if (spec->net == JAIL_NET_LIST)
		return buf_put_str(to, "nameserver 127.0.0.1\n");
	return buf_put_str(to, "# This jail has no name server: see \"net\" in servers.json.\n");
}

static const struct {
	const char	*path;
	etc_text_fn	*text;
} files[] = {
	{ "etc/passwd", passwd_text },
	{ "etc/group", group_text },
	{ "etc/hostname", hostname_text },
	{ "etc/hosts", hosts_text },
	{ "etc/nsswitch.conf", nsswitch_text },
	{ "etc/resolv.conf", resolv_text },
};

static int
write_file(int root, const char *path, etc_text_fn *text, const struct jail_spec *spec)
{
	struct buf	b;
	int		fd = -1, r;

	buf_init(&b, FILE_MAX);
	if ((r = text(&b, spec)) != 0)
		goto out;
	fd = openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	r = fd == -1 ? E_SYS : fd_write_all(fd, buf_rest(&b));
 out:
	fd_close(&fd);
	buf_fini(&b);
	return r;
}

/* The host's zone, if it is one of the system's; a link, because the data is in the view. */
static int
link_zone(int root)
{
	char		to[PATH_MAX];
	const char	*zone = ZONE "Etc/UTC", *at;
	ssize_t		n = readlink("/etc/localtime", to, sizeof(to) - 1);

	to[n == -1 ? 0 : n] = '\0';
	if ((at = strstr(to, "zoneinfo/")) != NULL && strstr(at, "..") == NULL) {
		char	path[PATH_MAX + sizeof(ZONE)];

		strcpy(stpcpy(path, ZONE), at + strlen("zoneinfo/"));
		return symlinkat(path, root, "etc/localtime") == -1 ? E_SYS : 0;
	}
	return symlinkat(zone, root, "etc/localtime") == -1 ? E_SYS : 0;
}

int
etc_make(int root, const struct jail_spec *spec, const char **failed)
{
	*failed = "/etc";
	if (mkdirat(root, "etc", 0755) == -1 && errno != EEXIST)
		return E_SYS;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		*failed = files[i].path;
		if (write_file(root, files[i].path, files[i].text, spec) != 0)
			return E_SYS;
	}
	*failed = "/etc/localtime";
	return link_zone(root);
}
