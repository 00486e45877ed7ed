/* SPDX-License-Identifier: Apache-2.0
 *
 * nethosts.c - net_hosts: where a host that tools may reach is, by an operator's word
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  whoever writes mcpgw.conf.  What name servers say of a host may be a stranger's doing, so a name that leads
 *          to a private address is refused; an address that stands here is nobody's but the operator's.
 */
#include "policy/compiler/expand.h"
#include "policy/compiler/nethosts.h"
#include "policy/compiler/values.h"
#include "policy/reach.h"

struct entry {
	struct reach_host	name, to;
	uint16_t		port;
};

/* "192.0.2.1", "192.0.2.1:8443", "2001:db8::1", "[2001:db8::1]:8443". */
static const char *
read_address(struct span text, struct entry *e)
{
	const char	*why = NULL;
	struct span	 host;
	uint64_t	 port = 0;
	bool		 is_bare_v6 = text.n > 0 && text.p[0] != '[' && memchr(text.p, ':', text.n) !=
			    memrchr(text.p, ':', text.n);

	if (is_bare_v6 || !address_split(text, &host, &port) || port == 0)
		host = text;
	if (reach_host_parse(host, &e->to, &why) != 0)
		return why == NULL ? "that is no address" : why;
	if (!e->to.is_address)
		return "an address stands behind the equals sign, not a name";
	e->port = (uint16_t)port;
	/* This machine is no secret from whoever writes this file; a cloud's metadata is, for what tools are told. */
	why = reach_never(&e->to.address);
	return why == NULL || strcmp(addr_special(&e->to.address), "loopback") == 0 ? NULL : why;
}

static const char *
read_entry(struct span word, struct entry *e)
{
	const char	*equals = memchr(word.p, '=', word.n), *why = NULL;
	size_t		 at;

	*e = (struct entry){ 0 };
	if (equals == NULL)
		return "want NAME=ADDRESS, such as registry.corp.example=10.1.2.3";
	at = (size_t)(equals - word.p);
	if (reach_host_parse(span_part(word, 0, at), &e->name, &why) != 0)
		return why == NULL ? "that is no name" : why;
	if (e->name.is_address)
		return "a name stands before the equals sign; an address is written in \"net\" itself";
	return read_address(span_part(word, at + 1, word.n), e);
}

void
nethosts_check(struct job *j)
{
	struct span	list = job_value(j, PARAM_ID_net_hosts), word;
	struct entry	e;
	const char	*why;

	while ((word = span_word(&list)).n > 0)
		if ((why = read_entry(word, &e)) != NULL)
			setting_error(j, PARAM_ID_net_hosts, "\"%.*s\": %s", SHOWN(word), why);
}

bool
nethosts_find(const struct job *j, struct span name, struct addr *address, uint16_t *port)
{
	struct span	list = job_value(j, PARAM_ID_net_hosts), word;
	struct entry	e;

	while ((word = span_word(&list)).n > 0)
		if (read_entry(word, &e) == NULL && span_is(name, e.name.name)) {
			*address = e.to.address;
			*port = e.port;
			return true;
		}
	return false;
}
