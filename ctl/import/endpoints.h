/* SPDX-License-Identifier: Apache-2.0
 *
 * endpoints.h - hosts that an installer is to reach, as URLs name them, and as a jail can
 *
 * In a jail the machine's own addresses are the jail's, and two ports are taken: such a host gets another name or port
 * there, which net_hosts leads back.  Everything is by address: a name that stands in /etc/hosts alone, or leads to a
 * private address, is one that whoever wrote the URL meant.
 */
#ifndef CTL_IMPORT_ENDPOINTS_H
#define CTL_IMPORT_ENDPOINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/buf.h"

#define ENDPOINTS_MAX	32
#define URL_HOST	256
#define URL_TEXT	2048
#define ENDPOINT_WHY	512

/* http or https; spans point into the text. */
struct source_url {
	bool		tls;
	struct span	user;		/* "name:password", or empty */
	char		host[URL_HOST];	/* small letters; without brackets */
	uint16_t	port;
	struct span	rest;		/* from the path's slash on; may be empty */
};
/* 0, or E_FORMAT. */
must_check int	source_url_parse(const char *text, struct source_url *out);

struct endpoint {
	char		host[URL_HOST];
	uint16_t	port;
	char		inside[URL_HOST];	/* the same in the jail */
	uint16_t	inside_port;
	bool		renamed;		/* that is another name */
	struct addr	address;		/* family 0: the host is an address itself, which is listed */
};

struct endpoints {
	struct endpoint	list[ENDPOINTS_MAX];
	size_t		count;
	bool		renamed;		/* one of them has another name within */
};

/* Adds the URL's host, looked up now.  to: the URL as the jail is to have it, with room for URL_TEXT.
 * 0, or E_FORMAT, E_NOTFOUND, E_TOOBIG with why[]. */
must_check int	endpoints_add(struct endpoints *e, const char *url, char to[URL_TEXT], char why[ENDPOINT_WHY]);
/* The value of "net". */
must_check int	endpoints_put_net(const struct endpoints *e, struct buf *to);
/* "net_hosts=NAME=ADDRESS ..." */
must_check int	endpoints_put_hosts(const struct endpoints *e, struct buf *to);

#endif
