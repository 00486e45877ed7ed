/* SPDX-License-Identifier: Apache-2.0
 *
 * block.c - a worker's pool of equal blocks
 *
 * Process: worker, mcpgw-admin.  Owns: the free blocks.  Trusts: its users to give each block back once.
 */
#include <stdlib.h>

#include "http/block.h"
#include "lib/bug.h"

void
block_pool_init(struct block_pool *p, size_t keep)
{
	*p = (struct block_pool){ .keep = keep };
#ifdef MCPGW_SANITIZED
	/* A sanitizer sees the use of what was freed, not of what waits in a pool. */
	p->keep = 0;
#endif
}

void
block_pool_trim(struct block_pool *p, size_t keep)
{
	void	*block;

	while (p->free_count > keep) {
		block = p->free;
		p->free = *(void **)block;
		p->free_count--;
		free(block);
	}
}

void
block_pool_fini(struct block_pool *p)
{
	BUG_ON(p->used_count != 0);
	block_pool_trim(p, 0);
}

void *
block_get(struct block_pool *p)
{
	void	*block = p->free;

	if (block != NULL) {
		p->free = *(void **)block;
		p->free_count--;
	} else if ((block = malloc(HTTP_BLOCK_BYTES)) == NULL)
		return NULL;
	p->used_count++;
	return block;
}

void
block_put(struct block_pool *p, void *block)
{
	if (block == NULL)
		return;
	BUG_ON(p->used_count == 0);
	p->used_count--;
	if (p->free_count >= p->keep) {
		free(block);
		return;
	}
	*(void **)block = p->free;
	p->free = block;
	p->free_count++;
}
