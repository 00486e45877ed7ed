/* SPDX-License-Identifier: Apache-2.0
 *
 * sites.c - what it takes to open a connection to a server: its addresses, whom to trust there
 *
 * Process: worker, scout.  Owns: the TLS context, made for the first https server; one site for each that was called.
 * Trusts:  the policy.  The scout's catalogue for nothing but where to go: with TLS the host must prove who it is.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "policy/endpoints.h"
#include "upstream/sites.h"

struct site {
	struct site	*next;
	struct sites	*of;
	uint64_t	 profile;
	unsigned	 refs;
	bool		 gone;		/* from the policy in force */
	bool		 listed;
	bool		 lent;		/* no server's */
	struct snap	*policy;	/* where its anchors are; held */
	uint32_t	 first, count;
	struct tls_site	 tls;
};

struct sites {
	struct snap		*policy, *names;
	struct tls_client	*client;
	struct site		*first;
	size_t			 held;		/* not listed any more */
};

/* What TLS has to know of a place: a server's one url, or one of its endpoints. */
struct place {
	struct span	host;
	uint32_t	anchor_first, anchor_count;
};

static bool
place_find(const struct snap *policy, uint64_t profile, struct place *out)
{
	const struct rec_endpoint	*e;
	const struct rec_server		*s;

	for (uint64_t i = 0; (s = SNAP_AT(policy, SERVER, i)) != NULL; i++)
		if (s->profile == profile && s->kind == SERVER_HTTP && s->https != 0) {
			*out = (struct place){ snap_text(policy, s->url_host), s->anchor_first, s->anchor_count };
			return true;
		}
	if ((e = policy_endpoint_find(policy, profile)) == NULL || e->https == 0)
		return false;
	*out = (struct place){ snap_text(policy, e->url_host), e->anchor_first, e->anchor_count };
	return true;
}

static bool
on_anchor(uint32_t subject, size_t nth, struct span *der, void *arg)
{
	const struct site	*s = arg;

	return policy_anchor(s->policy, s->first, s->count, subject, nth, der);
}

static void
site_set(struct site *s, struct snap *policy, const struct place *at)
{
	snap_release(&s->policy);
	s->policy = snap_hold(policy);
	s->first = at->anchor_first;
	s->count = at->anchor_count;
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
	struct place	 at;
	struct site	*s;

	for (s = all->first; s != NULL && s->profile != profile; s = s->next)
		;
	if ((*out = s) != NULL)
		return 0;
	if (all->policy == NULL || !place_find(all->policy, profile, &at)) {
		*why = "its configuration was changed meanwhile";
		return E_SERVER;
	}
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return E_NOMEM;
	if (tls_site_init(&s->tls, at.host, on_anchor, s) != 0) {
		*why = "its host is no name that TLS can ask for";
		free(s);
		return E_SERVER;
	}
	s->of = all;
	s->profile = profile;
	site_set(s, all->policy, &at);
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

int
sites_lend(struct sites *all, uint64_t number, struct span host, tls_anchor_fn *anchor, void *arg, struct site **out)
{
	struct site	*s;

	*out = NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return E_NOMEM;
	if (tls_site_init(&s->tls, host, anchor, arg) != 0) {
		free(s);
		return E_SERVER;
	}
	s->of = all;
	s->profile = number;
	s->lent = s->listed = true;
	s->refs = 1;
	s->next = all->first;
	*out = all->first = s;
	return 0;
}

void
sites_take_back(struct site **sp)
{
	struct site	**link;

	if (*sp == NULL)
		return;
	for (link = &(*sp)->of->first; *link != *sp; link = &(*link)->next)
		;
	*link = (*sp)->next;
	(*sp)->listed = false;
	(*sp)->of->held++;
	site_unref(sp);
}

void
sites_set_policy(struct sites *all, struct snap *policy)
{
	struct site	**link = &all->first, *s;
	struct place	  at;

	snap_release(&all->policy);
	all->policy = snap_hold(policy);
	while ((s = *link) != NULL) {
		if (s->lent)
			;
		else if (place_find(policy, s->profile, &at))
			site_set(s, policy, &at);
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

void
sites_set_names(struct sites *all, struct snap *catalogue)
{
	snap_release(&all->names);
	all->names = snap_hold(catalogue);
}

int
sites_find(const struct sites *all, struct span host, struct addr *to, size_t room, size_t *count, const char **why)
{
	const struct rec_name		*name;
	const struct rec_address	*a;

	*count = 0;
	*why = NULL;
	if (all->names == NULL || (name = policy_name_find(all->names, host)) == NULL)
		return E_AGAIN;
	for (uint32_t i = 0; i < name->address_count && *count < room; i++) {
		if ((a = SNAP_AT(all->names, ADDRESS, (uint64_t)name->address_first + i)) == NULL)
			break;
		to[*count].family = a->family;
		memcpy(to[(*count)++].bytes, a->bytes, sizeof(a->bytes));
	}
	if (*count > 0)
		return 0;
	*why = name->state == NAME_UNANSWERED ? "its name cannot be looked up: no name server answers" :
	    "its name is not known, or has no address";
	return E_SERVER;
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
	snap_release(&all->names);
	tls_client_free(&all->client);
	free(all);
}
