/* SPDX-License-Identifier: Apache-2.0
 *
 * sites.c - what it takes to open a connection to a server: whom to trust there
 *
 * Process: worker.  Owns: the TLS context, made for the first https server; one site for each that was called.
 * Trusts:  the policy.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "upstream/sites.h"

struct site {
	struct site	*next;
	struct sites	*of;
	uint64_t	 profile;
	unsigned	 refs;
	bool		 gone;		/* from the policy in force */
	bool		 listed;
	struct snap	*policy;	/* where its anchors are; held */
	uint32_t	 first, count;
	struct tls_site	 tls;
};

struct sites {
	struct snap		*policy;
	struct tls_client	*client;
	struct site		*first;
	size_t			 held;		/* not listed any more */
};

static const struct rec_server *
server_find(const struct snap *policy, uint64_t profile)
{
	const struct rec_server	*s;

	for (uint64_t i = 0; (s = SNAP_AT(policy, SERVER, i)) != NULL; i++)
		if (s->profile == profile && s->kind == SERVER_HTTP && s->https != 0)
			return s;
	return NULL;
}

static bool
on_anchor(uint32_t subject, size_t nth, struct span *der, void *arg)
{
	const struct site	*s = arg;
	const struct rec_anchor	*a;
	uint32_t		 low = 0, high = s->count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if ((a = SNAP_AT(s->policy, ANCHOR, (uint64_t)s->first + mid)) != NULL && a->subject < subject)
			low = mid + 1;
		else
			high = mid;
	}
	if (nth >= s->count - low || (a = SNAP_AT(s->policy, ANCHOR, (uint64_t)s->first + low + nth)) == NULL ||
	    a->subject != subject)
		return false;
	*der = snap_text(s->policy, a->der);
	return true;
}

static void
site_set(struct site *s, struct snap *policy, const struct rec_server *server)
{
	snap_release(&s->policy);
	s->policy = snap_hold(policy);
	s->first = server->anchor_first;
	s->count = server->anchor_count;
	s->gone = false;
}

static void
site_free(struct site *s)
{
	tls_site_fini(&s->tls);
	snap_release(&s->policy);
	free(s);
}

void
site_unref(struct site **sp)
{
	struct site	*s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	BUG_ON(s->refs == 0);
	if (--s->refs > 0 || s->listed)
		return;
	s->of->held--;
	site_free(s);
}

static int
site_find(struct sites *all, uint64_t profile, struct site **out, const char **why)
{
	const struct rec_server	*server;
	struct site		*s;

	for (s = all->first; s != NULL && s->profile != profile; s = s->next)
		;
	if ((*out = s) != NULL)
		return 0;
	if (all->policy == NULL || (server = server_find(all->policy, profile)) == NULL) {
		*why = "its configuration was changed meanwhile";
		return E_SERVER;
	}
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return E_NOMEM;
	if (tls_site_init(&s->tls, snap_text(all->policy, server->url_host), on_anchor, s) != 0) {
		*why = "its host is no name that TLS can ask for";
		free(s);
		return E_SERVER;
	}
	s->of = all;
	s->profile = profile;
	site_set(s, all->policy, server);
	s->listed = true;
	s->next = all->first;
	*out = all->first = s;
	return 0;
}

int
sites_open(struct sites *all, uint64_t profile, int fd, struct site **out, struct tls **tls, const char **why)
{
	struct site	*s;
	int		 r;

	*out = NULL;
	*tls = NULL;
	*why = "no memory for TLS";
	if ((all->client == NULL && (r = tls_client_new(&all->client)) != 0) ||
	    (r = site_find(all, profile, &s, why)) != 0 || (r = tls_open(all->client, &s->tls, fd, tls)) != 0)
		return r;
	s->refs++;
	*out = s;
	return 0;
}

void
sites_set_policy(struct sites *all, struct snap *policy)
{
	const struct rec_server	*server;
	struct site		**link = &all->first, *s;

	snap_release(&all->policy);
	all->policy = snap_hold(policy);
	while ((s = *link) != NULL) {
		if ((server = server_find(policy, s->profile)) != NULL)
			site_set(s, policy, server);
		else if (!s->gone)
			s->gone = true;		/* requests that began before may go there */
		else {
			*link = s->next;
			s->listed = false;
			all->held++;
			s->refs++;
			site_unref(&s);
			continue;
		}
		link = &s->next;
	}
}

int
sites_new(struct sites **out)
{
	*out = calloc(1, sizeof(**out));
	return *out == NULL ? E_NOMEM : 0;
}

void
sites_free(struct sites **ap)
{
	struct sites	*all = *ap;
	struct site	*s;

	*ap = NULL;
	if (all == NULL)
		return;
	BUG_ON(all->held > 0);
	while ((s = all->first) != NULL) {
		BUG_ON(s->refs > 0);
		all->first = s->next;
		site_free(s);
	}
	snap_release(&all->policy);
	tls_client_free(&all->client);
	free(all);
}
