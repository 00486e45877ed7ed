/* SPDX-License-Identifier: Apache-2.0
 *
 * bench.h - a desk with an auditor at it: store and import
 */
#ifndef TESTS_UNIT_AUDIT_BENCH_H
#define TESTS_UNIT_AUDIT_BENCH_H

#include <sys/resource.h>

#include "audit/auditor/import.h"
#include "desk.h"

struct bench {
	struct desk	 d;
	struct auditdb	*db;
	struct import	*im;
};

void	bench_init(struct bench *b);
void	bench_fini(struct bench *b);
/* The auditor leaves, another one comes. */
void	bench_open(struct bench *b);
void	bench_close(struct bench *b);
void	bench_import(struct bench *b);
/* Bytes of records as a worker would leave them, into a new segment without a writer. */
void	bench_segment(struct bench *b, uint32_t incarnation, uint32_t number, struct span bytes);
/* One record at `to`, which has RECORD_MAX; its time is its seq in us.  Answers its length. */
size_t	bench_record(char *to, enum record_kind kind, uint64_t seq, uint64_t begin_seq, const char *object);
/* No file may grow beyond this: as if the disk were full. */
void	bench_limit_files(rlim_t bytes);

#endif
