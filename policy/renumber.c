/* SPDX-License-Identifier: Apache-2.0
 *
 * renumber.c - what a snapshot holds, under another generation
 *
 * Process: master, for a rollback: generations only grow, or those who map one would take it for an old one that is
 *          late.
 * Owns:    the copy until it is given away.
 * Trusts:  a snapshot that was checked.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/fd.h"
#include "lib/sum.h"
#include "policy/renumber.h"
#include "policy/snap.h"

int
renumber_copy(int fd, uint64_t generation, int *out)
{
	struct snap_head	head;
	char			*copy;
	void			*map;
	int			 r;

	*out = -1;
	if ((r = snap_check(fd, &head)) != 0)
		return r;
	if ((copy = malloc(head.length)) == NULL)
		return E_NOMEM;
	if ((map = mmap(NULL, head.length, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED) {
		free(copy);
		return E_SYS;
	}
	memcpy(copy, map, head.length);
	munmap(map, head.length);
	head.generation = generation;
	head.sum = 0;
	head.sum = sum64_more(sum64(span_make(&head, sizeof(head))),
	    span_make(copy + sizeof(head), head.length - sizeof(head)));
	memcpy(copy, &head, sizeof(head));
	r = fd_memfd_sealed("mcpgw-snapshot", span_make(copy, head.length), out);
	explicit_bzero(copy, head.length);	/* it may hold secrets */
	free(copy);
	return r;
}
