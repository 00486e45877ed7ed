/* SPDX-License-Identifier: Apache-2.0
 *
 * tls.h - ClientHello messages, made by hand
 */
#ifndef TESTS_UNIT_EGRESS_TLS_H
#define TESTS_UNIT_EGRESS_TLS_H

#include <stddef.h>
#include <stdint.h>

/* A hello for this name (NULL: without one) in records of at most `piece` bytes; its bytes in `to`, which has
 * room for 2048. */
size_t	tls_hello(const char *name, size_t piece, uint8_t *to);
/* The same with these bytes as the extension that names hosts, and that so many times. */
size_t	tls_hello_raw(const void *extension, size_t bytes, unsigned times, size_t piece, uint8_t *to);

#endif
