/* SPDX-License-Identifier: Apache-2.0
 *
 * learned.c - what a server reached while it was learnt, by the audit
 *
 * Process: mcpgwctl.  Owns: nothing.
 * Trusts:  no text of a record: the tool chose where it went.  What is taken passes the parser that will read it
 *          from the configuration, and is written in its canonical form.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/query.h"
#include "ctl/show/learned.h"
#include "lib/json.h"
#include "lib/num.h"

static uint64_t
number(struct json_value row, const char *name)
{
	struct json_value	v = json_get(row, name);
	uint64_t		n = 0;

	return v.type == JSON_NUMBER && num_u64(v.raw, &n) == 0 ? n : 0;
}

static void
rule_text(const struct reach_rule *r, char to[LEARNED_TEXT])
{
	char	address[ADDR_TEXT_MAX];

	if (r->kind == REACH_ADDRESS) {
		addr_text(&r->host.address, r->port, address);
		snprintf(to, LEARNED_TEXT, "%s", address);
	} else {
		snprintf(to, LEARNED_TEXT, "%s:%u", r->host.name, r->port);
	}
}

void
learned_take(struct span line, struct learned *out)
{
	struct json_value	row, object;
	struct reach_rule	rule;
	char			text[LEARNED_TEXT];
	size_t			i;

	if (json_parse(line, false, &row, NULL) != 0 || row.type != JSON_OBJECT)
		return;
	object = json_get(row, "object");
	/* What was refused in the end, such as a private address, went nowhere. */
	if (json_get(row, "address").type != JSON_STRING || json_is(json_get(row, "outcome"), "refused"))
		return;
	if (object.type != JSON_STRING || object.raw.n < 2 ||
	    reach_rule_parse(span_part(object.raw, 1, object.raw.n - 2), &rule, NULL) != 0 ||
	    rule.kind == REACH_BELOW)
		return;
	rule_text(&rule, text);
	for (i = 0; i < out->count && strcmp(out->host[i].text, text) != 0; i++)
		;
	if (i == LEARNED_MAX) {
		out->more = true;
		return;
	}
	if (i == out->count) {
		out->count++;
		memcpy(out->host[i].text, text, sizeof(text));
		out->host[i].rule = rule;
	}
	out->host[i].connections++;
	out->host[i].bytes += number(row, "bytes_out") + number(row, "bytes_in");
}

static void
take_line(struct span line, void *arg)
{
	learned_take(line, arg);
}

void
learned_fit(struct learned *l, const uint16_t *ports, size_t port_count, struct learned_lost *lost)
{
	uint16_t	different[REACH_PORTS_MAX];
	size_t		have = 0, kept = 0, i, k;
	uint16_t	port;

	*lost = (struct learned_lost){ 0 };
	for (i = 0; i < port_count + l->count; i++) {
		port = i < port_count ? ports[i] : l->host[i - port_count].rule.port;
		for (k = 0; k < have && different[k] != port; k++)
			;
		if (i >= port_count && reach_port_never(port) != NULL)
			lost->own_port++;
		else if (i >= port_count && port_count + kept >= REACH_HOSTS_MAX)
			lost->hosts++;
		else if (k == REACH_PORTS_MAX)
			lost->ports += i >= port_count;
		else {
			if (k == have)
				different[have++] = port;
			if (i >= port_count)
				l->host[kept++] = l->host[i - port_count];
		}
	}
	l->count = kept;
}

int
learned_read(struct ctl *ctl, const char *tenant, const char *server, struct learned *out)
{
	struct query		q = { .count = 0 };
	struct query_run	run;
	int			r;

	memset(out, 0, sizeof(*out));
	query_add(&q, "--since", "1d");
	query_add(&q, "--kind", "net");
	query_add(&q, "--decision", "learn");
	query_add(&q, "--tenant", tenant);
	query_add(&q, "--server", server);
	if ((r = query_start(ctl, CTLCMD_audit_list, &q, -1, &run)) != 0)
		return r;
	query_lines(&run, take_line, out);
	return query_end(&run);
}
