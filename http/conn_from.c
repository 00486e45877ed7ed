/* SPDX-License-Identifier: Apache-2.0
 *
 * conn_from.c - how many connections there are from one address
 *
 * Process: worker, mcpgw-admin.  Owns: an entry for each address that has a connection.
 * Trusts:  the kernel for addresses.
 */
#include <stdlib.h>
#include <string.h>

#include "http/conn_from.h"
#include "lib/crypt.h"

#define V6_BYTES	8		/* of a network that counts as one */

struct conn_from {
	struct conn_from	*next;
	struct addr		 address;	/* family 0: of a unix socket, the user is in the bytes */
	size_t			 count;
};

int
conn_froms_init(struct conn_froms *all)
{
	return crypt_random(&all->key, sizeof(all->key)) == 0 ? 0 : E_SYS;
}

static struct conn_from **
find(struct conn_froms *all, const struct addr *a)
{
	const uint64_t		  sum = hash64(&all->key, span_make(a, sizeof(*a)));
	struct conn_from	**at = &all->bucket[sum & (CONN_FROM_BUCKETS - 1)];

	while (*at != NULL && memcmp(&(*at)->address, a, sizeof(*a)) != 0)
		at = &(*at)->next;
	return at;
}

int
conn_from_take(struct conn_froms *all, const struct addr *address, uid_t uid, size_t most, struct conn_from **out)
{
	struct addr		  a = { 0 };
	struct conn_from	**at, *f;

	*out = NULL;
	a.family = address->family;
	if (a.family == 0)
		memcpy(a.bytes, &uid, sizeof(uid));
	else
		memcpy(a.bytes, address->bytes, a.family == AF_INET ? 4 : V6_BYTES);
	if ((f = *(at = find(all, &a))) == NULL) {
		if ((f = calloc(1, sizeof(*f))) == NULL)
			return E_NOMEM;
		f->address = a;
		*at = f;
	} else if (most > 0 && f->count >= most) {
		return E_LIMITED;
	}
	f->count++;
	*out = f;
	return 0;
}

void
conn_from_give(struct conn_froms *all, struct conn_from **fp)
{
	struct conn_from	*f = *fp;

	*fp = NULL;
	if (f == NULL || --f->count > 0)
		return;
	*find(all, &f->address) = f->next;
	free(f);
}
