/* SPDX-License-Identifier: Apache-2.0
 *
 * offline.h - mcpgw-store without a master, run by mcpgwctl itself under the caller's uid
 *
 *	mcpgw-store --offline DIR key-add DIGEST PUBLIC_NAME NAME AGENT TENANT ENDS_MS SCOPES ROLES GROUPS WORKSPACE BY
 *	mcpgw-store --offline DIR key-rotate DIGEST PUBLIC_NAME NAME TENANT OVERLAP_MS ENDS_MS BY
 *	mcpgw-store --offline DIR key-revoke NAME AGENT TENANT
 *	mcpgw-store --offline DIR key-list
 *	mcpgw-store --offline DIR pin-dump TENANT SERVER TOOL
 *	mcpgw-store --offline DIR pin-decide WHAT ALL BY TENANT SERVER TOOL HASH
 *	mcpgw-store --offline DIR pin-approve BY TENANT SERVER IDENTITY < BATCH
 *	mcpgw-store --list DIR				(the same as key-list)
 *
 * DIGEST is the key's SHA-256 in 64 hexadecimal digits; ENDS_MS is 0 for a key that does not end.
 * SCOPES, ROLES and GROUPS are words between blanks; what is empty is not said (store/keydb.h).
 * key-list prints one JSON object a line on stdout: name, key (its public name), agent, tenant,
 * created, and what there is of used, ends, scopes, roles, groups, workspace, by.  pin-dump writes a dump
 * (store/pinsnap.h), or nothing where there is no store; the others are of store/pindb.h, BY a uid + 1, and what
 * mcp/pin.h wrote comes on stdin.  Words for people go to stderr.
 *
 * Exit codes: 0; EX_USAGE; EX_DATAERR (the name is taken, or unknown); EX_TEMPFAIL (a running gateway
 * has the store; not for key-list, which only reads); EX_IOERR, EX_NOPERM.
 */
#ifndef STORE_OFFLINE_H
#define STORE_OFFLINE_H

int	offline_main(int argc, char **argv);

#endif
