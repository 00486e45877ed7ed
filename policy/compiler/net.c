/* SPDX-License-Identifier: Apache-2.0
 *
 * net.c - "net" of a server: a word, or the hosts it may reach
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  nobody to have written what the manual page says; the master for who is learning.
 */
#include <netinet/in.h>

#include "policy/compiler/nethosts.h"
#include "policy/compiler/server.h"
#include "policy/compiler/typed.h"

static size_t
different_ports(const struct server *sv)
{
	size_t	n = 0;

	for (size_t i = 0; i < sv->reach_count; i++) {
		size_t k = 0;

		while (k < i && sv->reach[k].rule.port != sv->reach[i].rule.port)
			k++;
		n += k == i;
	}
	return n;
}

static struct reach_entry
entry_of(const struct job *j, const struct reach_rule *rule, const struct conf_node *n)
{
	struct reach_entry	e = { .rule = *rule, .node = n };

	if (rule->kind == REACH_ADDRESS)
		e.address = rule->host.address;
	else if (rule->kind == REACH_NAME)
		(void)nethosts_find(j, span_of(rule->host.name), &e.address, &e.to_port);
	return e;
}

static void
read_hosts(struct server *sv, const struct conf_node *list)
{
	const struct conf_node	*n;
	struct reach_rule	 rule;
	const char		*why;

	sv->rec.net = NET_LIST;
	if (list->count > REACH_HOSTS_MAX) {
		job_error(sv->job, sv->source, list, "more than %d hosts", REACH_HOSTS_MAX);
		return;
	}
	sv->reach = job_alloc(sv->job, (list->count + 1) * sizeof(*sv->reach));
	for (n = list->first; n != NULL; n = n->next) {
		if (!typed_is(sv->job, sv->source, n, JSON_STRING))
			continue;
		if (reach_rule_parse(n->text, &rule, &why) != 0)
			job_error(sv->job, sv->source, n, "\"%.*s\": %s", SHOWN(n->text),
			    why == NULL ? "want HOST:PORT" : why);
		else if ((why = reach_port_never(rule.port)) != NULL)
			job_error(sv->job, sv->source, n, "%s", why);
		else
			sv->reach[sv->reach_count++] = entry_of(sv->job, &rule, n);
	}
	if (different_ports(sv) > REACH_PORTS_MAX)
		job_error(sv->job, sv->source, list, "more than %d different ports", REACH_PORTS_MAX);
}

/* Learning is an operator's word to a running gateway: where it makes no sense it is passed over, because the files
 * are not to blame. */
static void
learn(struct server *sv)
{
	struct job	*j = sv->job;
	struct learning	*l = job_learning(j, sv->name);
	const char	*why = NULL;

	if (l == NULL)
		return;
	l->met = true;
	if (conf_find(sv->node, "command") == NULL)
		why = "it is no program of ours, so there is no jail to learn from";
	else if (!sv->enabled)
		why = "it is switched off";
	else if (sv->rec.net == NET_HOST)
		why = "\"net\": \"host\" lets it reach everything";
	if (why != NULL) {
		job_warn(j, sv->source, sv->node, "does not learn: %s", why);
		return;
	}
	sv->rec.net = NET_LIST;
	sv->rec.flags |= SERVER_FLAG_LEARN;
	sv->rec.learn_until_ms = l->until_ms;
}

void
net_read(struct server *sv)
{
	static const char *const words[] = { "none", "loopback", "host", NULL };
	const struct conf_node	*n = conf_find(sv->node, "net");

	if (n == NULL || n->type != JSON_ARRAY)
		(void)typed_word(sv->job, sv->source, sv->node, "net", words, &sv->rec.net);
	else
		read_hosts(sv, n);
	learn(sv);
	if (sv->rec.net == NET_LIST && sv->rec.tier == TIER_STRICT)
		job_warn(sv->job, sv->source, n == NULL ? sv->node : n, "tier \"strict\" opens no sockets, so "
		    "nothing of this is reached; \"tier\": \"runtime\" does");
	sv->rec.reach_first = (uint32_t)build_count(sv->job->policy, SECTION_REACH);
	sv->rec.reach_count = net_put(sv, sv->job->policy);
}

uint32_t
net_put(const struct server *sv, struct build *b)
{
	for (size_t i = 0; i < sv->reach_count; i++) {
		const struct reach_entry	*e = &sv->reach[i];
		struct rec_reach		 r = { .kind = e->rule.kind, .port = e->rule.port,
						    .family = e->address.family, .to_port = e->to_port };

		memcpy(r.bytes, e->address.bytes, sizeof(r.bytes));
		if (e->rule.kind == REACH_ADDRESS) {
			char	text[ADDR_TEXT_MAX];

			addr_text(&e->rule.host.address, 0, text);
			r.host = put_text(b, span_of(text));
		} else {
			r.host = put_text(b, span_of(e->rule.host.name));
		}
		r.path = put_text(b, job_path(sv->job, e->node));
		put_record(b, SECTION_REACH, &r);
	}
	return (uint32_t)sv->reach_count;
}

void
net_digest(const struct server *sv, struct digest *d)
{
	/* A jail goes by the policy it began with, so a longer time is another one. */
	digest_number(d, sv->rec.learn_until_ms);
	for (size_t i = 0; i < sv->reach_count; i++) {
		const struct reach_entry *e = &sv->reach[i];
		const struct reach_rule	*r = &e->rule;

		digest_number(d, r->kind);
		digest_number(d, r->port);
		digest_text(d, span_of(r->host.name));
		digest_number(d, e->address.family);
		digest_text(d, span_make(e->address.bytes, sizeof(e->address.bytes)));
		digest_number(d, e->to_port);
	}
}

void
net_finish(struct job *j)
{
	for (size_t i = 0; i < j->learning_count; i++)
		if (!j->learning[i].met)
			job_note(j, NOTE_WARNING, "learn", 0, 0, NULL, "there is no server \"%s\"",
			    j->learning[i].server);
}
