/* SPDX-License-Identifier: Apache-2.0
 *
 * groups.c - rows that a decision cannot tell apart, counted
 *
 * Process: mcpgw-audit in its query form.
 * Owns:    one entry for each kind of row, with its texts.
 * Trusts:  no text of a row.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "audit/auditor/groups.h"
#include "lib/json.h"
#include "lib/sum.h"

#define SLOTS		(2 * GROUPS_MAX)	/* a power of two */
#define BYTES_MAX	(256u << 20)		/* of all texts */

/* What makes a group. */
#define KEYS(X) X(tenant) X(principal) X(how) X(agent) X(server) X(kind) X(object) X(client) X(decision)
enum group_key {
#define X(name) KEY_##name,
	KEYS(X)
#undef X
	KEY_LIMIT
};

struct group {
	uint64_t	sum, count, first_ns, last_ns;
	uint16_t	bytes[KEY_LIMIT];	/* of each text, one after the other */
	char		text[];
};

struct groups {
	size_t		 count, bytes;
	struct group	*last;		/* rows of a kind come one after the other, often */
	struct group	*all[GROUPS_MAX];
	uint32_t	 slot[SLOTS];	/* + 1; 0: free */
};

static void
keys_of(const struct audit_fields *f, struct span keys[KEY_LIMIT])
{
#define X(name) keys[KEY_##name] = f->name;
	KEYS(X)
#undef X
}

static bool
is_same(const struct group *g, const struct span keys[KEY_LIMIT])
{
	const char	*at = g->text;

	for (int i = 0; i < KEY_LIMIT; at += g->bytes[i++])
		if (keys[i].n != g->bytes[i] || (keys[i].n > 0 && memcmp(keys[i].p, at, keys[i].n) != 0))
			return false;
	return true;
}

static uint64_t
sum_of(const struct span keys[KEY_LIMIT])
{
	uint64_t	sum = 0;

	for (int i = 0; i < KEY_LIMIT; i++)
		sum = sum64_more(sum + keys[i].n, keys[i]);
	return sum;
}

static int
group_new(struct groups *all, uint64_t sum, const struct span keys[KEY_LIMIT], struct group **out)
{
	struct group	*g;
	size_t		 bytes = 0;
	char		*at;

	for (int i = 0; i < KEY_LIMIT; i++)
		bytes += keys[i].n;
	if (all->count == GROUPS_MAX || all->bytes + bytes > BYTES_MAX)
		return E_FULL;
	if ((g = calloc(1, sizeof(*g) + bytes)) == NULL)
		return E_NOMEM;
	g->sum = sum;
	at = g->text;
	for (int i = 0; i < KEY_LIMIT; i++) {
		/* A record has room for no longer one. */
		g->bytes[i] = (uint16_t)keys[i].n;
		memcpy(at, keys[i].n == 0 ? "" : keys[i].p, keys[i].n);
		at += keys[i].n;
	}
	all->bytes += bytes;
	all->all[all->count++] = *out = g;
	return 0;
}

static int
find(struct groups *all, const struct span keys[KEY_LIMIT], struct group **out)
{
	uint64_t	sum;
	size_t		at;
	int		r;

	if (all->last != NULL && is_same(all->last, keys)) {
		*out = all->last;
		return 0;
	}
	sum = sum_of(keys);
	for (at = sum % SLOTS; all->slot[at] != 0; at = (at + 1) % SLOTS) {
		*out = all->all[all->slot[at] - 1];
		if ((*out)->sum == sum && is_same(*out, keys))
			return 0;
	}
	if ((r = group_new(all, sum, keys, out)) == 0)
		all->slot[at] = (uint32_t)all->count;
	return r;
}

int
groups_add(struct groups *all, const struct auditdb_row *row)
{
	struct span	 keys[KEY_LIMIT];
	struct group	*g;
	int		 r;

	keys_of(&row->r.f, keys);
	if ((r = find(all, keys, &g)) != 0)
		return r;
	all->last = g;
	if (g->count++ == 0 || row->r.wall_ns < g->first_ns)
		g->first_ns = row->r.wall_ns;
	if (row->r.wall_ns > g->last_ns)
		g->last_ns = row->r.wall_ns;
	return 0;
}

int
groups_print(const struct groups *all, struct buf *to, groups_line_fn *fn, void *arg)
{
	static const char *const	names[KEY_LIMIT] = {
#define X(name) #name,
		KEYS(X)
#undef X
	};
	int				r = 0;

	for (size_t i = 0; i < all->count && r == 0; i++) {
		const struct group	*g = all->all[i];
		const char		*at = g->text;

		r = buf_put_fmt(to, "{\"count\":%" PRIu64 ",\"first_ms\":%" PRIu64 ",\"last_ms\":%" PRIu64, g->count,
		    g->first_ns / 1000000, g->last_ns / 1000000);
		for (int k = 0; k < KEY_LIMIT && r == 0; at += g->bytes[k++])
			if (g->bytes[k] > 0 && (r = buf_put_fmt(to, ",\"%s\":", names[k])) == 0)
				r = json_put_string(to, span_make(at, g->bytes[k]));
		if (r == 0 && (r = buf_put_str(to, "}\n")) == 0)
			r = fn(arg);
	}
	return r;
}

int
groups_new(struct groups **out)
{
	*out = calloc(1, sizeof(**out));
	return *out == NULL ? E_NOMEM : 0;
}

void
groups_free(struct groups **gp)
{
	struct groups	*g = *gp;

	*gp = NULL;
	for (size_t i = 0; g != NULL && i < g->count; i++)
		free(g->all[i]);
	free(g);
}
