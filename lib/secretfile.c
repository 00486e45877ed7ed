/* SPDX-License-Identifier: Apache-2.0
 *
 * secretfile.c - secrets/NAME, certs/NAME and credentials of systemd: the files the master opens on somebody's word
 *
 * Process: master, mcpgwctl.  Owns: nothing.
 * Trusts:  the name not at all: it is one path component below one folder.  No link is followed but in certs, whose
 *          owner alone can put one there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/secretfile.h"

bool
secretfile_name_ok(struct span s)
{
	if (s.n == 0 || s.n > SECRETFILE_NAME_MAX || span_is(s, ".") || span_is(s, ".."))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '_' || c == '.' || c == '-'))
			return false;
	}
	return true;
}

struct kind {
	const char	*folder, *none, *closed, *link;
	int		 follow;	/* flags of open(2) */
};

static const struct kind secrets = { "secrets", "no such secret", "readable by group or others; chmod 600 it",
	"a link; secrets are plain files", O_NOFOLLOW };
static const struct kind certs = { "certs", "no such file", NULL, "a link that leads nowhere", 0 };
static const struct kind cert_keys = { "certs", "no such file", "readable by group or others; chmod 600 it",
	"a link that leads nowhere", 0 };

static int
open_one(const struct kind *k, const char *config_dir, struct span name, int *out, const char **why)
{
	char		file[SECRETFILE_NAME_MAX + 1] = "";
	struct stat	st;
	int		config = -1, dir = -1, fd = -1, r;

	*out = -1;
	*why = "not a name: letters, digits, _ . - only, at most 64";
	if (!secretfile_name_ok(name))
		return E_FORMAT;
	memcpy(file, name.p, name.n);
	*why = k->none;
	r = E_NOTFOUND;
	if ((config = open(config_dir, O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    (dir = openat(config, k->folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1 ||
	    (fd = openat(dir, file, O_RDONLY | k->follow | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) == -1) {
		if (errno != ENOENT) {
			*why = errno == ELOOP ? k->link : strerror(errno);
			r = E_DENIED;
		}
		goto out;
	}
	r = E_DENIED;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		*why = "not a plain file";
	else if (k->closed != NULL && (st.st_mode & 077) != 0)
		*why = k->closed;
	else
		r = 0;
 out:
	if (r == 0) {
		*out = fd;
		fd = -1;
	}
	fd_close(&fd);
	fd_close(&dir);
	fd_close(&config);
	return r;
}

int
secretfile_open(const char *config_dir, struct span name, int *out, const char **why)
{
	return open_one(&secrets, config_dir, name, out, why);
}

int
certfile_open(const char *config_dir, struct span name, int *out, const char **why)
{
	const bool	is_key = name.n > 4 && memcmp(name.p + name.n - 4, ".key", 4) == 0;

	return open_one(is_key ? &cert_keys : &certs, config_dir, name, out, why);
}

int
credfile_open(struct span tenant, struct span name, int *out, const char **why)
{
	const char	*folder = getenv("CREDENTIALS_DIRECTORY");
	const bool	 own = tenant.n > 0 && !span_is(tenant, "default");
	char		 file[256];
	struct stat	 st;
	int		 dir, fd;

	*out = -1;
	*why = "not a name: letters, digits, _ . - only, at most 64";
	if (!secretfile_name_ok(name) || tenant.n > SECRETFILE_NAME_MAX)
		return E_FORMAT;
	*why = "the service manager hands over no credentials ($CREDENTIALS_DIRECTORY is not set)";
	if (folder == NULL)
		return E_NOTFOUND;
	snprintf(file, sizeof(file), "%.*s%s%.*s", own ? (int)tenant.n : 0, own ? tenant.p : "", own ? "." : "",
	    SPAN_FMT(name));
	if ((dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1) {
		*why = strerror(errno);
		return E_DENIED;
	}
	fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	*why = fd != -1 ? "" : errno == ENOENT ? "no such credential" : strerror(errno);
	fd_close(&dir);
	if (fd == -1)
		return errno == ENOENT ? E_NOTFOUND : E_DENIED;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		*why = "not a plain file";
		fd_close(&fd);
		return E_DENIED;
	}
	*out = fd;
	return 0;
}
