/* SPDX-License-Identifier: Apache-2.0
 *
 * test_scrape.c - /metrics, as text and as JSON; and that the reader which judges it lets nothing wrong pass
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "admin/scrape.h"
#include "lib/json.h"
#include "tests/harness/exposition.h"

static struct region	region;
static struct metrics	one, two;
static struct view	view;
static struct buf	out;

static struct region
mapped(int fd)
{
	struct region	r;

	cr_assert(eq(int, region_map(fd, REGION_METRICS, &r), 0));
	return r;
}

static void
start(void)
{
	struct region	a, b;
	int		fd;

	cr_assert(eq(int, region_create(REGION_METRICS, 2, &fd), 0));
	a = mapped(fd);
	b = mapped(fd);
	cr_assert(eq(int, metrics_init(&one, &a, 0), 0));
	cr_assert(eq(int, metrics_init(&two, &b, 1), 0));
	cr_assert(eq(int, region_map_read(fd, REGION_METRICS, &region), 0));
	view = (struct view){ .known = true, .start_ms = 1700000000123, .generation = 41, .workers = 4, .serving = 3,
	    .audit_behind = 7 };
	view.processes[ROLE_WORKER] = 4;
	view.deaths[ROLE_WORKER] = 2;
	view.servers[SERVER_STATE_UP] = 1;
	view.servers[SERVER_STATE_BROKEN] = 2;
	buf_init(&out, 1 << 18);
}

static void
stop(void)
{
	buf_fini(&out);
	metrics_fini(&one);
	metrics_fini(&two);
	region_unmap(&region);
}

TestSuite(scrape, .init = start, .fini = stop);

static const char *
text(bool ready)
{
	struct scrape	s = { .metrics = &region, .view = &view, .servers = 10, .disabled = 1, .ready = ready };

	buf_clear(&out);
	cr_assert(eq(int, scrape_text(&s, &out), 0));
	cr_assert(eq(int, buf_put_u8(&out, 0), 0));
	return out.data;
}

Test(scrape, is_what_prometheus_wants)
{
	char	why[300];

	metric_add(&one, METRIC_calls_total, 3);
	metric_add(&two, METRIC_calls_total, 4);
	metric_observe(&one, METRIC_call_duration_seconds, 100);
	metric_observe(&two, METRIC_call_duration_seconds, 101);
	metric_observe(&two, METRIC_call_duration_seconds, 60000000);
	cr_expect(exposition_ok(text(true), why, sizeof(why)), "%s\n%s", why, out.data);
	view.known = false;
	cr_expect(exposition_ok(text(false), why, sizeof(why)), "%s\n%s", why, out.data);
}

Test(scrape, sums_over_workers_and_tells_what_the_master_said)
{
	static const struct { const char *series; double want; } rows[] = {
		{ "mcpgw_calls_total", 7 },
		{ "mcpgw_connections", 0 },
		{ "mcpgw_call_duration_seconds_bucket{le=\"0.000100\"}", 1 },
		{ "mcpgw_call_duration_seconds_bucket{le=\"0.000250\"}", 2 },
		{ "mcpgw_call_duration_seconds_bucket{le=\"10.000000\"}", 2 },
		{ "mcpgw_call_duration_seconds_bucket{le=\"+Inf\"}", 3 },
		{ "mcpgw_call_duration_seconds_sum", 60.000201 },
		{ "mcpgw_call_duration_seconds_count", 3 },
		{ "mcpgw_start_time_seconds", 1700000000 },
		{ "mcpgw_ready", 1 },
		{ "mcpgw_config_generation", 41 },
		{ "mcpgw_workers_configured", 4 },
		{ "mcpgw_workers_serving", 3 },
		{ "mcpgw_audit_behind_records", 7 },
		{ "mcpgw_build_info{version=\"" MCPGW_VERSION "\"}", 1 },
		{ "mcpgw_processes{program=\"mcpgw-worker\"}", 4 },
		{ "mcpgw_processes{program=\"mcpgw-admin\"}", 0 },
		{ "mcpgw_process_deaths_total{program=\"mcpgw-worker\"}", 2 },
		{ "mcpgw_servers{state=\"up\"}", 1 },
		{ "mcpgw_servers{state=\"broken\"}", 2 },
		{ "mcpgw_servers{state=\"disabled\"}", 1 },
		{ "mcpgw_servers{state=\"idle\"}", 6 },
		{ "mcpgw_processes{program=\"mcpgwctl\"}", -1 },
	};

	metric_add(&one, METRIC_calls_total, 3);
	metric_add(&two, METRIC_calls_total, 4);
	metric_observe(&one, METRIC_call_duration_seconds, 100);
	metric_observe(&two, METRIC_call_duration_seconds, 101);
	metric_observe(&two, METRIC_call_duration_seconds, 60000000);
	text(true);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(eq(dbl, exposition_value(out.data, rows[i].series), rows[i].want), "%s", rows[i].series);
}

Test(scrape, without_the_master_tells_what_workers_counted)
{
	metric_add(&one, METRIC_calls_total, 3);
	view.known = false;
	text(false);
	cr_expect(eq(dbl, exposition_value(out.data, "mcpgw_calls_total"), 3));
	cr_expect(eq(dbl, exposition_value(out.data, "mcpgw_ready"), 0));
	cr_expect(eq(ptr, strstr(out.data, "mcpgw_workers_serving"), NULL), "nobody knows");
}

Test(scrape, more_servers_ill_than_there_are_is_no_huge_number)
{
	view.servers[SERVER_STATE_UP] = 1000;
	text(true);
	cr_expect(eq(dbl, exposition_value(out.data, "mcpgw_servers{state=\"idle\"}"), 0));
}

Test(scrape, as_json_has_the_same_numbers)
{
	struct scrape		s = { .metrics = &region, .view = &view, .servers = 10, .ready = true };
	struct json_value	all, v;
	uint64_t		n;

	metric_add(&one, METRIC_calls_total, 3);
	metric_observe(&one, METRIC_call_duration_seconds, 101);
	for (int known = 0; known < 2; known++) {
		view.known = known;
		buf_clear(&out);
		cr_assert(eq(int, scrape_json(&s, &out), 0));
		cr_assert(eq(int, json_parse(buf_rest(&out), true, &all, NULL), 0), "%s", out.data);
	}
	cr_expect(json_u64(json_get(all, "mcpgw_calls_total"), &n) == 0 && n == 3);
	cr_expect(json_u64(json_get(json_get(all, "mcpgw_processes"), "mcpgw-worker"), &n) == 0 && n == 4);
	cr_expect(json_u64(json_get(all, "mcpgw_config_generation"), &n) == 0 && n == 41);
	v = json_get(all, "mcpgw_call_duration_seconds");
	cr_expect(json_u64(json_get(v, "count"), &n) == 0 && n == 1);
	cr_expect(json_u64(json_get(json_get(v, "buckets"), "0.000100"), &n) == 0 && n == 0);
	cr_expect(json_u64(json_get(json_get(v, "buckets"), "+Inf"), &n) == 0 && n == 1);
}

Test(scrape, too_small_a_buffer_is_an_error_and_nothing_worse)
{
	struct scrape	s = { .metrics = &region, .view = &view };

	for (size_t room = 1; room < 20000; room += 509) {
		struct buf	small;

		buf_init(&small, room);
		cr_expect(lt(int, scrape_text(&s, &small), 1));
		buf_clear(&small);
		cr_expect(lt(int, scrape_json(&s, &small), 1));
		buf_fini(&small);
	}
}

#define HEAD "# HELP mcpgw_x_total Help.\n# TYPE mcpgw_x_total counter\n"
#define HIST "# HELP mcpgw_h_seconds Help.\n# TYPE mcpgw_h_seconds histogram\n"

Test(exposition, finds_what_is_wrong)
{
	static const struct { const char *text; bool ok; } rows[] = {
		{ HEAD "mcpgw_x_total 1\n", true },
		{ HEAD "mcpgw_x_total{a=\"b\"} 1\nmcpgw_x_total{a=\"c\"} 1\n", true },
		{ HIST "mcpgw_h_seconds_bucket{le=\"1\"} 1\nmcpgw_h_seconds_bucket{le=\"+Inf\"} 2\n"
		    "mcpgw_h_seconds_sum 1\nmcpgw_h_seconds_count 2\n", true },
		{ "", false },
		{ HEAD, false },
		{ HEAD "mcpgw_x_total 1", false },
		{ HEAD "mcpgw_x_total -1\n", false },
		{ HEAD "mcpgw_x_total one\n", false },
		{ HEAD "mcpgw_x_total 1\nmcpgw_x_total 1\n", false },
		{ HEAD "mcpgw_x_total{a=\"b\"} 1\nmcpgw_x_total{a=\"b\"} 2\n", false },
		{ HEAD "mcpgw_x_total{a=b} 1\n", false },
		{ HEAD "mcpgw_y_total 1\n", false },
		{ HEAD "mcpgw_x_total 1\n" HEAD "mcpgw_x_total 2\n", false },
		{ "mcpgw_x_total 1\n", false },
		{ "# TYPE mcpgw_x_total counter\nmcpgw_x_total 1\n", false },
		{ "# HELP mcpgw_x Help.\n# TYPE mcpgw_x counter\nmcpgw_x 1\n", false },
		{ "# HELP mcpgw_x_total Help.\n# TYPE mcpgw_x_total gauge\nmcpgw_x_total 1\n", false },
		{ "# HELP mcpgw_x_ms Help.\n# TYPE mcpgw_x_ms gauge\nmcpgw_x_ms 1\n", false },
		{ "# HELP mcpgw_x_total \n# TYPE mcpgw_x_total counter\nmcpgw_x_total 1\n", false },
		{ HIST "mcpgw_h_seconds_bucket{le=\"1\"} 1\nmcpgw_h_seconds_sum 1\nmcpgw_h_seconds_count 1\n", false },
		{ HIST "mcpgw_h_seconds_bucket{le=\"1\"} 2\nmcpgw_h_seconds_bucket{le=\"+Inf\"} 1\n"
		    "mcpgw_h_seconds_sum 1\nmcpgw_h_seconds_count 1\n", false },
		{ HIST "mcpgw_h_seconds_bucket{le=\"2\"} 1\nmcpgw_h_seconds_bucket{le=\"1\"} 1\n"
		    "mcpgw_h_seconds_bucket{le=\"+Inf\"} 1\nmcpgw_h_seconds_sum 1\nmcpgw_h_seconds_count 1\n", false },
		{ HIST "mcpgw_h_seconds_bucket{le=\"+Inf\"} 1\nmcpgw_h_seconds_sum 1\nmcpgw_h_seconds_count 2\n", false },
	};
	char	why[300];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(eq(int, exposition_ok(rows[i].text, why, sizeof(why)), rows[i].ok), "row %zu: %s\n%s", i, why,
		    rows[i].text);
}
