/* SPDX-License-Identifier: Apache-2.0
 *
 * vault.h - a vault (tests/servers/vault.c)
 */
#ifndef TESTS_HARNESS_VAULT_H
#define TESTS_HARNESS_VAULT_H

#include <stddef.h>
#include <sys/types.h>

struct vault_fixture {
	pid_t		pid;
	unsigned	port;
	char		folder[64];
};

/* Knows nothing yet. */
void	vault_start(struct vault_fixture *v);
void	vault_stop(struct vault_fixture *v);
/* A file of its folder, as vault.c has them; text NULL: it is taken away. */
void	vault_say(const struct vault_fixture *v, const char *name, const char *text);
/* How often this stands in its log. */
size_t	vault_saw(const struct vault_fixture *v, const char *text);

#endif
