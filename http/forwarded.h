/* SPDX-License-Identifier: Apache-2.0
 *
 * forwarded.h - X-Forwarded-For and Forwarded (RFC 7239): whom a reverse proxy speaks for
 */
#ifndef HTTP_FORWARDED_H
#define HTTP_FORWARDED_H

#include "http/head.h"
#include "lib/addr_net.h"

/* *client is who is connected.  When that is one of the `count` proxies it becomes the last address in the header that
 * is none of them, or the first one when all are; family 0 where there is no address.  Without the header, and of
 * anybody else, it stays. */
void	forwarded_client(const struct http_head *h, bool rfc7239, const struct addr_net *proxies, size_t count,
	    struct addr *client);

#endif
