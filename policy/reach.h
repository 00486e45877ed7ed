/* SPDX-License-Identifier: Apache-2.0
 *
 * reach.h - hosts a tool may reach: the one parser for what is written and for what is asked
 *
 * A name is small letters, digits, hyphens and dots (A-labels), without the dot at its end.  An address
 * in any spelling is an address, never a name: "127.1", "0x7f000001" and "[::ffff:7f00:1]" are the
 * machine itself (WHATWG URL: a host whose last label is a number is an IPv4 address).
 */
#ifndef POLICY_REACH_H
#define POLICY_REACH_H

#include "lib/addr.h"
#include "lib/err.h"
#include "policy/records.h"

#define REACH_NAME_MAX	253

enum reach_kind {
	REACH_NAME = 1,		/* api.docs.example */
	REACH_BELOW,		/* *.docs.example: any name below, at any depth, not itself */
	REACH_ADDRESS,		/* 10.1.2.3: exactly this one, private or not */
};

/* A host as a client, a name server's question, a TLS hello or a configuration names it. */
struct reach_host {
	bool		is_address;
	char		name[REACH_NAME_MAX + 1];	/* canonical; "" for an address */
	struct addr	address;
};

/* Names and addresses, brackets around IPv6 allowed.  0, or E_FORMAT with *why (static, may be NULL): NUL,
 * control bytes, other letters, empty or overlong labels. */
must_check int	reach_host_parse(struct span text, struct reach_host *out, const char **why);

/* What is written in "net": HOST:PORT, with *. before a name. */
struct reach_rule {
	enum reach_kind		 kind;
	struct reach_host	 host;		/* REACH_BELOW: what is behind "*." */
	uint16_t		 port;
};
/* 0, or E_FORMAT with *why.  Addresses of this machine, link-local, multicast and unspecified ones are
 * refused; so is "*." before less than two labels. */
must_check int	reach_rule_parse(struct span text, struct reach_rule *out, const char **why);

/* Of one list; a jail listens at each port. */
#define REACH_HOSTS_MAX	256
#define REACH_PORTS_MAX	32
/* Why no list may name this port (static), or NULL. */
const char	*reach_port_never(uint16_t port);

/* Why this address is never reached, listed or not (static); NULL: it may be, when it is listed. */
const char	*reach_never(const struct addr *a);

/* The record, among `count` from `first` on, that lets this host and port pass; NULL when there is none.
 * An address that is asked for matches REACH_ADDRESS alone, a name never does. */
const struct rec_reach *reach_find(const struct snap *s, uint32_t first, uint32_t count,
		    const struct reach_host *host, uint16_t port);
/* The same, whatever the port: a question to a name server names none. */
const struct rec_reach *reach_find_any_port(const struct snap *s, uint32_t first, uint32_t count,
		    const struct reach_host *host);

#endif
