/* SPDX-License-Identifier: Apache-2.0
 *
 * block.h - a worker's pool of equal blocks: read buffers, first arena blocks, output
 */
#ifndef HTTP_BLOCK_H
#define HTTP_BLOCK_H

#include <stddef.h>

/* 16 KiB of payload and room for the owner's own head in front of it. */
#define HTTP_BLOCK_PAYLOAD	(16 * 1024)
#define HTTP_BLOCK_BYTES	(HTTP_BLOCK_PAYLOAD + 2 * 1024)

struct block_pool {
	void	*free;
	size_t	 free_count, used_count;
	size_t	 keep;			/* at most this many free ones are kept */
};

void	 block_pool_init(struct block_pool *p, size_t keep);
/* All blocks must have come back. */
void	 block_pool_fini(struct block_pool *p);
/* HTTP_BLOCK_BYTES, aligned to 16, not cleared; NULL when there is no memory. */
void	*block_get(struct block_pool *p);
/* Frees what is kept beyond so many. */
void	 block_pool_trim(struct block_pool *p, size_t keep);
/* Accepts NULL. */
void	 block_put(struct block_pool *p, void *block);

#endif
