/* SPDX-License-Identifier: Apache-2.0
 *
 * tar.c - an archive of texts
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: the caller for names.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/files/tar.h"
#include "lib/fd.h"

#define BLOCK		512
#define SIZE_MOST	(UINT64_C(1) << 33)

static const char	zeros[BLOCK * 2];

struct header {
	char	name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100], magic[6], version[2],
		user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

int
tar_put(int fd, const char *name, struct span text, uint64_t wall_ms)
{
	struct header	h = { .type = '0', .magic = "ustar", .version = { '0', '0' } };
	unsigned	sum = 0;
	int		r;

	if (strlen(name) > TAR_NAME_MAX || text.n >= SIZE_MOST)
		return E_TOOBIG;
	memcpy(h.name, name, strlen(name));
	memcpy(h.mode, "0000600", 8);
	memcpy(h.uid, "0000000", 8);
	memcpy(h.gid, "0000000", 8);
	snprintf(h.size, sizeof(h.size), "%011" PRIo64, (uint64_t)text.n);
	snprintf(h.mtime, sizeof(h.mtime), "%011" PRIo64, wall_ms / 1000 & UINT64_C(077777777777));
	memset(h.sum, ' ', sizeof(h.sum));
	for (size_t i = 0; i < sizeof(h); i++)
		sum += ((unsigned char *)&h)[i];
	snprintf(h.sum, sizeof(h.sum), "%06o", sum & 0777777);
	h.sum[7] = ' ';
	if ((r = fd_write_all(fd, span_make((char *)&h, sizeof(h)))) != 0 || (r = fd_write_all(fd, text)) != 0)
		return r;
	return fd_write_all(fd, span_make(zeros, (BLOCK - text.n % BLOCK) % BLOCK));
}

int
tar_end(int fd)
{
	return fd_write_all(fd, span_make(zeros, sizeof(zeros)));
}
