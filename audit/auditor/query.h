/* SPDX-License-Identifier: Apache-2.0
 *
 * query.h - the reading form of mcpgw-audit: short-lived, read-only, under the auditor's uid
 */
#ifndef AUDIT_AUDITOR_QUERY_H
#define AUDIT_AUDITOR_QUERY_H

/* `mcpgw-audit --query|--verify [options] FOLDER`: rows as JSON lines on stdout, newest last; words on
 * stderr.  Answers a sysexits code; 1 when --verify finds the chain broken. */
int	query_main(int argc, char **argv);

#endif
