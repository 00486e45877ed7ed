/* SPDX-License-Identifier: Apache-2.0
 *
 * limitlines.c - what an operator asks about limits, and wants to begin anew
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  the master, which has looked at who asks.
 */
#include "shm/quota.h"
#include "shm/share.h"
#include "worker/limits/limits.h"
#include "worker/operator/inquiry_priv.h"

#define KEY_BYTES	8192
#define AS_BYTES	64

enum named_as { NAMED_TENANT, NAMED_AGENT, NAMED_SERVER, NAMED_TOOL, NAMED_GATEWAY, NAMED_LIMIT };

static const char *const	named_words[NAMED_LIMIT] = { "tenant", "agent", "server", "tool", "gateway" };

struct showing {
	struct worker	*w;
	struct span	 name, as, tenant;	/* whose; empty: any */
	bool		 reset;
	struct buf	*all, *line;
	struct buf	 found;			/* as what this one is asked for */
	struct arena	 arena;			/* of one limit */
	bool		 full, gateway_said;
};

/* Whose limit it is. */
struct whose {
	struct span	of, tenant, name, tool;
};

static struct whose
whose(const struct snap *policy, const struct rec_limit *l)
{
	static const char *const words[] = {
		[LIMIT_OF_AGENT] = "agent", [LIMIT_OF_TOOL] = "tool", [LIMIT_OF_SERVER] = "server",
		[LIMIT_OF_TENANT] = "tenant", [LIMIT_OF_GATEWAY] = "gateway", [LIMIT_OF_EACH] = "each",
		[LIMIT_OF_ADDRESS] = "address",
	};
	const struct rec_agent	*agent = SNAP_AT(policy, AGENT, l->agent);
	struct whose		 of = { .of = span_of(l->of <= LIMIT_OF_ADDRESS ? words[l->of] : ""),
				     .tenant = policy_tenant_name(policy, l->tenant),
				     .name = snap_text(policy, l->server), .tool = snap_text(policy, l->tool) };

	if (l->of == LIMIT_OF_AGENT && agent != NULL)
		of.name = snap_text(policy, agent->name);
	if (l->of == LIMIT_OF_TENANT)
		of.name = of.tenant;
	if (l->of == LIMIT_OF_GATEWAY || l->of == LIMIT_OF_ADDRESS)
		of.tenant = of.name = of.of;
	return of;
}

static bool
is_tool_of(struct span name, const struct whose *of)
{
	return of->tool.n > 0 && name.n == of->name.n + 1 + of->tool.n && span_starts(name, of->name) &&
	    name.p[of->name.n] == '.' && span_eq(span_part(name, of->name.n + 1, name.n), of->tool);
}

/* As what the limit has this name; with a tenant of one name and an agent of the same it is both. */
static bool
is_named(const struct showing *s, enum named_as as, const struct whose *of, const struct rec_limit *l)
{
	const bool	of_all = l->of == LIMIT_OF_GATEWAY || l->of == LIMIT_OF_ADDRESS;

	if (s->as.n > 0 && !span_is(s->as, named_words[as]))
		return false;
	switch (as) {
	case NAMED_TENANT:
		return !of_all && span_eq(s->name, of->tenant);
	case NAMED_AGENT:
		return l->of == LIMIT_OF_AGENT && span_eq(s->name, of->name);
	case NAMED_SERVER:
		return !of_all && l->of != LIMIT_OF_AGENT && l->of != LIMIT_OF_TENANT && span_eq(s->name, of->name);
	case NAMED_TOOL:
		return is_tool_of(s->name, of);
	case NAMED_GATEWAY:
		return of_all && span_eq(s->name, of->name);
	case NAMED_LIMIT:
		break;
	}
	return false;
}

/* Is it asked for?  `as` gets the words for it. */
static bool
is_wanted(const struct showing *s, const struct whose *of, const struct rec_limit *l, struct buf *as)
{
	if (s->tenant.n > 0 && !span_eq(s->tenant, of->tenant))
		return false;
	for (enum named_as i = 0; s->name.n > 0 && i < NAMED_LIMIT; i++)
		if (is_named(s, i, of, l) && buf_put_fmt(as, "%s%s", as->used > 0 ? " " : "", named_words[i]) != 0)
			return false;
	return s->name.n == 0 || as->used > 0;
}

static int
put_head(struct showing *s, const struct whose *of, const struct rec_limit *l, const char *kind)
{
	int	r;

	if ((r = buf_put_fmt(s->line, "{\"kind\":\"%s\"", kind)) != 0 ||
	    (r = inquiry_text(s->line, "of", of->of)) != 0 || (r = inquiry_text(s->line, "tenant", of->tenant)) != 0 ||
	    (r = inquiry_text(s->line, "name", of->name)) != 0 || (r = inquiry_text(s->line, "tool", of->tool)) != 0 ||
	    (r = inquiry_text(s->line, "as", buf_rest(&s->found))) != 0)
		return r;
	return inquiry_text(s->line, "rule", snap_text(s->w->config->policy, l->path));
}

static void
end_line(struct showing *s, int r)
{
	s->full |= !inquiry_line(s->all, s->line, r);
}

/* Of "each" there is one for whoever calls: it has no content here. */
static void
show_rate(struct showing *s, const struct whose *of, const struct rec_limit *l, struct span content)
{
	const uint64_t	now = loop_now_ns(s->w->loop), key = limit_key(&s->w->limits, content);
	int		r;

	if (s->reset && content.n > 0)
		limit_reset(&s->w->limits, key, now);
	if ((r = put_head(s, of, l, "rate")) == 0 && (r = buf_put_fmt(s->line, ",\"interval_ns\":%llu,\"burst\":%u",
	    (unsigned long long)l->interval_ns, l->burst)) == 0 && content.n > 0)
		r = buf_put_fmt(s->line, ",\"left\":%llu", (unsigned long long)limit_left(&s->w->limits, key,
		    l->interval_ns, l->burst, now));
	end_line(s, r);
}

static void
show_cap(struct showing *s, const struct whose *of, const struct rec_limit *l, struct span content)
{
	const struct shares	*shares = &s->w->shares;
	int			 r;

	if ((r = put_head(s, of, l, "concurrent")) == 0 &&
	    (r = buf_put_fmt(s->line, ",\"max\":%u", l->max_concurrent)) == 0 && content.n > 0)
		r = buf_put_fmt(s->line, ",\"running\":%llu", (unsigned long long)share_of(&shares->region,
		    share_key(shares, content)));
	end_line(s, r);
}

static void
show_quota(struct showing *s, const struct whose *of, const struct rec_limit *l, const struct rec_quota *q,
    struct span content)
{
	static const char *const whats[] = { [QUOTA_CALLS] = "calls", [QUOTA_TIME] = "time", [QUOTA_BYTES] = "bytes" };
	struct quota_use	 u = { .rec = *q, .ahead = limits_ahead(q) };
	uint64_t		 used;
	int			 r;

	u.content = limits_quota_content(&s->arena, content, q, loop_wall_ms(s->w->loop), &u.ends_ms);
	if (u.content.n == 0)
		return;
	u.key = quota_key(&s->w->quotas, u.content);
	if (s->reset)
		limits_tell_store(s->w, &u, true);
	(void)quota_read(&s->w->quotas, u.key, &used);
	if ((r = put_head(s, of, l, "quota")) == 0)
		r = buf_put_fmt(s->line, ",\"what\":\"%s\",\"period\":\"%s\",\"used\":%llu,\"most\":%llu,"
		    "\"ends_ms\":%llu,\"warn\":%u", whats[q->what], q->period == QUOTA_MONTH ? "month" : "day",
		    (unsigned long long)(s->reset ? 0 : used), (unsigned long long)q->hard,
		    (unsigned long long)u.ends_ms, q->warn);
	end_line(s, r);
}

static void
show(struct showing *s, const struct rec_limit *l)
{
	const struct snap	*policy = s->w->config->policy;
	const struct whose	 of = whose(policy, l);
	const struct rec_quota	*q;
	char			 room[KEY_BYTES];
	struct span		 content;

	buf_clear(&s->found);
	if (s->full || !is_wanted(s, &of, l, &s->found) || (l->of == LIMIT_OF_GATEWAY && s->gateway_said))
		return;
	s->gateway_said |= l->of == LIMIT_OF_GATEWAY;
	arena_init(&s->arena, room, sizeof(room), sizeof(room));
	content = limits_content(&s->arena, policy, l, NULL, NULL);
	if (l->interval_ns > 0)
		show_rate(s, &of, l, content);
	if (l->max_concurrent > 0 && !s->full)
		show_cap(s, &of, l, content);
	for (uint32_t i = 0; !s->full && (q = policy_quota(policy, l, i)) != NULL; i++)
		show_quota(s, &of, l, q, content);
	arena_fini(&s->arena);
}

void
inquiry_limits(struct worker *w, struct span what, bool reset, struct buf *all, struct buf *line)
{
	const struct snap	*policy = w->config->policy;
	struct showing		 s = { .w = w, .reset = reset, .all = all, .line = line };
	const struct rec_limit	*l;

	s.name = inquiry_part(&what);
	s.as = inquiry_part(&what);
	s.tenant = what;
	buf_init(&s.found, AS_BYTES);
	/* Of a server that is not there it sleeps. */
	for (uint64_t i = 0; (l = SNAP_AT(policy, BUCKET, i)) != NULL; i++)
		if (l->of == LIMIT_OF_AGENT || policy_server_find(policy, policy_tenant_name(policy, l->tenant),
		    snap_text(policy, l->server)) != NULL)
			show(&s, l);
	for (uint64_t i = 0; (l = SNAP_AT(policy, TENANT_LIMIT, i)) != NULL; i++)
		show(&s, l);
	buf_fini(&s.found);
}
