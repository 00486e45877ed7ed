/* SPDX-License-Identifier: Apache-2.0
 *
 * test_jsonl.c - audit_log: what a row looks like, and that each is written once
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit/auditor/jsonl.h"
#include "desk.h"

static const struct segment_id writer = { DESK_BOOT, 1, 1, 1 };

static void
expect_line(struct audit_fields f, const char *begin)
{
	struct auditdb_row	row = { .r = { .request = 1, .wall_ns = UINT64_C(1700000000123456789), .f = f } };
	struct buf		b;

	buf_init(&b, 64 * 1024);
	cr_assert(eq(int, jsonl_put(&b, &row), 0));
	cr_expect(b.used > strlen(begin) && strncmp(b.data, begin, strlen(begin)) == 0, "%.*s is not %s",
	    (int)b.used, b.data, begin);
	cr_expect(b.data[b.used - 1] == '\n' && memchr(b.data, '\n', b.used - 1) == NULL);
	buf_fini(&b);
}

#define AT "{\"timestamp\":\"2023-11-14T22:13:20.123Z\","

Test(jsonl, has_the_seeds_words_for_what_was_done_and_decided)
{
	expect_line((struct audit_fields){ .kind = SPAN_LIT("meta"), .object = SPAN_LIT("list_servers"),
	    .agent = SPAN_LIT("a"), .outcome = SPAN_LIT("ok"), .latency_us = 1234 },
	    AT "\"agent_id\":\"a\",\"operation\":\"list_servers\",\"decision\":\"ALLOW\",\"latency_ms\":1.234,\"metadata\":{");
	expect_line((struct audit_fields){ .kind = SPAN_LIT("tool"), .object = SPAN_LIT("t\"\n"), .server = SPAN_LIT("s"),
	    .decision = SPAN_LIT("deny"), .outcome = SPAN_LIT("refused") },
	    AT "\"agent_id\":null,\"operation\":\"execute_tool\",\"decision\":\"DENY\",\"latency_ms\":0.000,");
	expect_line((struct audit_fields){ .kind = SPAN_LIT("tool"), .decision = SPAN_LIT("allow"),
	    .outcome = SPAN_LIT("timeout") }, AT "\"agent_id\":null,\"operation\":\"execute_tool\",\"decision\":\"ERROR\",");
	expect_line((struct audit_fields){ .kind = SPAN_LIT("server"), .server = SPAN_LIT("s"),
	    .error = SPAN_LIT("DENIED_BY_POLICY") }, AT "\"agent_id\":null,\"operation\":\"get_server_tools\",\"decision\":\"DENY\",");
	expect_line((struct audit_fields){ .kind = SPAN_LIT("meta"), .object = SPAN_LIT("execute_tool"),
	    .outcome = SPAN_LIT("refused"), .error = SPAN_LIT("INVALID_AGENT_ID") },
	    AT "\"agent_id\":null,\"operation\":\"execute_tool\",\"decision\":\"DENY\",");
	expect_line((struct audit_fields){ .kind = SPAN_LIT("prompt"), .method = SPAN_LIT("prompts/get"),
	    .outcome = SPAN_LIT("ok") }, AT "\"agent_id\":null,\"operation\":\"prompts/get\",\"decision\":\"ALLOW\",");
}

static void
add_rows(struct auditdb *db, uint64_t from, uint64_t n)
{
	char			bytes[RECORD_MAX];
	struct record_look	look;
	size_t			took;

	cr_assert(eq(int, auditdb_begin(db), 0));
	for (uint64_t i = from; i < from + n; i++) {
		struct record r = { .kind = RECORD_ONCE, .seq = i, .wall_ns = i, .f = desk_fields("query") };

		cr_assert(eq(int, record_encode(&r, bytes, sizeof(bytes), &took), 0));
		cr_assert(eq(int, record_check(span_make(bytes, took), &look), 0));
		cr_assert(eq(int, auditdb_take(db, &writer, &look, false), 0));
	}
	cr_assert(eq(int, auditdb_commit(db), 0));
}

static unsigned
lines_of(const char *path)
{
	FILE		*f = fopen(path, "r");
	unsigned	 n = 0;
	int		 c;

	while (f != NULL && (c = getc(f)) != EOF)
		n += c == '\n';
	if (f != NULL)
		fclose(f);
	return n;
}

Test(jsonl, writes_each_new_row_once_and_none_of_before, .timeout = 60)
{
	struct auditdb	*db;
	struct jsonl	 j;
	struct desk	 d;
	char		 path[128];
	int		 fd;

	desk_init(&d);
	snprintf(path, sizeof(path), "%s/log", d.path);
	cr_assert(eq(int, auditdb_open(d.db_path, false, &db), 0));
	add_rows(db, 1, 5);
	auditdb_close(&db);
	/* Another process begins: what is there is not new. */
	cr_assert(eq(int, auditdb_open(d.db_path, false, &db), 0));
	jsonl_init(&j);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	cr_assert(fd != -1);
	jsonl_take(&j, &fd);
	cr_expect(eq(int, fd, -1));
	jsonl_begin(&j, db);
	jsonl_follow(&j, db);
	cr_expect(eq(uint, lines_of(path), 0));
	add_rows(db, 6, 1000);		/* more than one batch */
	jsonl_follow(&j, db);
	jsonl_follow(&j, db);
	cr_expect(eq(uint, lines_of(path), 1000));
	/* A disk that is full costs no record and ends nothing: they come with the next. */
	fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	cr_assert(fd != -1);
	jsonl_take(&j, &fd);
	add_rows(db, 1006, 3);
	jsonl_follow(&j, db);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	cr_assert(fd != -1);
	jsonl_take(&j, &fd);
	jsonl_follow(&j, db);
	cr_expect(eq(uint, lines_of(path), 1003));
	jsonl_fini(&j);
	auditdb_close(&db);
	desk_fini(&d);
}
