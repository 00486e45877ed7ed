/* SPDX-License-Identifier: Apache-2.0
 *
 * load.h - steady load from several threads, each a client that never retries
 */
#ifndef TESTS_INTEGRATION_LOAD_H
#define TESTS_INTEGRATION_LOAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/integration/common.h"

#define LOAD_THREADS 4

/* One request on this client; counts what came of it. */
struct load;
typedef void load_fn(struct load *, struct mcp *, unsigned thread, unsigned round);

struct load {
	char		 address[320], path[128], key[256];
	load_fn		*fn;
	atomic_bool	 stop;
	atomic_uint	 sent, well, refused, failed, reset;	/* reset: no answer at all */
	void		*arg;
	pthread_t	 threads[LOAD_THREADS];
	unsigned	 pause_ms;
};

/* What came of a call that limits may refuse. */
static inline void
load_count(struct load *l, const struct answer *a)
{
	if (a->status == 0)
		atomic_fetch_add(&l->reset, 1);
	else if (json_int_at(a->json, "error.code") == 429)
		atomic_fetch_add(&l->refused, 1);
	else if (json_at(a->json, "result") != NULL)
		atomic_fetch_add(&l->well, 1);
	else
		atomic_fetch_add(&l->failed, 1);
}

static void *
load_thread(void *arg)
{
	struct load	*l = arg;
	struct mcp	 m;
	unsigned	 self = 0;

	while (self < LOAD_THREADS && !pthread_equal(l->threads[self], pthread_self()))
		self++;
	mcp_init(&m, l->address, l->path, l->key);
	for (unsigned round = 0; !atomic_load(&l->stop); round++) {
		l->fn(l, &m, self % LOAD_THREADS, round);
		if (l->pause_ms > 0)
			sleep_ms((int)l->pause_ms);
	}
	mcp_fini(&m);
	return NULL;
}

static inline void
load_start(struct load *l)
{
	for (int i = 0; i < LOAD_THREADS; i++)
		cr_assert(pthread_create(&l->threads[i], NULL, load_thread, l) == 0);
}

static inline void
load_end(struct load *l)
{
	atomic_store(&l->stop, true);
	for (int i = 0; i < LOAD_THREADS; i++)
		pthread_join(l->threads[i], NULL);
}

#endif
