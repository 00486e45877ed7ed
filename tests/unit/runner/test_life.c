/* SPDX-License-Identifier: Apache-2.0
 *
 * test_life.c - instances: when they start, share, wait, stop, and what the master is told
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "claim.h"
#include "rig.h"
#include "sandbox/jail.h"

static long
pid_of(const struct rig_call *c)
{
	const char	*at = c->answer == NULL ? NULL : strstr(c->answer, "\"pid\":");

	return at == NULL ? -1 : strtol(at + 6, NULL, 10);
}

Test(life, one_key_is_one_tool_and_the_probe_is_done_once, .timeout = 20)
{
	static const struct rig_server	servers[] = { { .name = "fine", .mode = "ok" }, { .name = NULL } };
	struct rig	r;
	long		first;
	int		a, b;

	rig_begin(&r, servers);
	a = rig_link(&r);
	b = rig_link(&r);
	first = pid_of(rig_call(&r, a, 1, 0, 1, 3000));
	claim(first > 0 && pid_of(rig_call(&r, b, 1, 0, 1, 3000)) == first, "two workers, one tool");
	claim(pid_of(rig_call(&r, b, 2, 0, 2, 3000)) != first, "another key, another tool");
	claim(r.tool_count == 3, "one probe, two tools: %d", r.tool_count);
	claim(r.tools[0].gone && r.tools[0].to_ms <= r.tools[1].from_ms, "the sibling ended first");
	claim(r.states[0].state == SERVER_STATE_UP && r.states[0].instances == 2);
	rig_end(&r);
}

Test(life, calls_that_come_while_it_starts_are_kept_in_order, .timeout = 20)
{
	static const struct rig_server	servers[] = { { .name = "slow", .mode = "slow", .n = "20" },
					    { .name = NULL } };
	struct rig	r;
	int		link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	for (uint32_t n = 1; n <= 20; n++)
		rig_send(&r, link, n, 0, 1, 9000, n == 7 ? 200000 : 0);
	for (uint32_t n = 1; n <= 20; n++) {
		struct rig_call	*c = &r.links[link].calls[n];

		rig_run(&r, 9000, &c->ended);
		claim(c->end == LINK_END_OK && c->answered, "call %u: %s", n, c->text);
		claim(n == 1 || c->ended_ms >= r.links[link].calls[n - 1].ended_ms, "call %u", n);
	}
	claim(r.tool_count == 2);
	rig_end(&r);
}

Test(life, failures_back_off_and_say_when_again, .timeout = 20)
{
	static const struct rig_server	servers[] = { { .name = "liar", .mode = "dies-at-once",
					    .era = ERA_PIN_LEGACY }, { .name = NULL } };
	struct rig	r;
	struct rig_call	*c;
	int		link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	c = rig_call(&r, link, 1, 0, 1, 3000);
	claim(c->end == LINK_END_UNAVAILABLE && strstr(c->text, "next try") == NULL, "%s", c->text);
	claim(r.tool_count == 1);
	c = rig_call(&r, link, 2, 0, 1, 3000);
	claim(c->end == LINK_END_UNAVAILABLE && strstr(c->text, "liar: next try in 1 s: exit 1") != NULL,
	    "%s", c->text);
	c = rig_call(&r, link, 3, 0, 9, 3000);
	claim(c->end == LINK_END_UNAVAILABLE && r.tool_count == 1, "the back-off is the server's, not the key's");
	claim(r.states[0].state == SERVER_STATE_BROKEN);
	claim(strstr(r.states[0].error, "exit 1") != NULL, "%s", r.states[0].error);
	rig_run(&r, 1100, NULL);
	rig_call(&r, link, 4, 0, 1, 3000);
	claim(r.tool_count == 2);
	rig_run(&r, 1100, NULL);
	c = rig_call(&r, link, 5, 0, 1, 3000);
	claim(r.tool_count == 2 && strstr(c->text, "next try in 1 s") != NULL, "two failures, two seconds: %s", c->text);
	rig_end(&r);
}

Test(life, a_tool_that_served_is_back_at_once_the_first_time, .timeout = 20)
{
	static const struct rig_server	servers[] = { { .name = "fine", .mode = "ok", .era = ERA_PIN_LEGACY },
					    { .name = NULL } };
	struct rig	r;
	struct rig_call	*c;
	int		link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	claim(rig_call(&r, link, 1, 0, 1, 3000)->end == LINK_END_OK);
	rig_run(&r, 1200, NULL);
	kill(r.tools[0].pid, SIGKILL);
	rig_run(&r, 200, NULL);
	c = rig_call(&r, link, 2, 0, 1, 3000);
	claim(c->end == LINK_END_OK && r.tool_count == 2, "%s", c->text);
	/* It dies again before it served for long: now its back-off begins. */
	kill(r.tools[1].pid, SIGKILL);
	rig_run(&r, 200, NULL);
	c = rig_call(&r, link, 3, 0, 1, 3000);
	claim(c->end == LINK_END_UNAVAILABLE && strstr(c->text, "next try in") != NULL, "%s", c->text);
	rig_end(&r);
}

Test(life, a_crash_spares_other_instances, .timeout = 20)
{
	static const struct rig_server	servers[] = { { .name = "liar", .mode = "dies-on-call" },
					    { .name = "fine", .mode = "ok" }, { .name = NULL } };
	struct rig	r;
	struct rig_call	*c;
	long		pid;
	int		link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	pid = pid_of(rig_call(&r, link, 1, 1, 1, 3000));
	c = rig_call(&r, link, 2, 0, 1, 3000);
	claim(c->end == LINK_END_DIED && (c->end_flags & LINK_FLAG_SENT));
	claim(pid_of(rig_call(&r, link, 3, 1, 1, 3000)) == pid);
	rig_end(&r);
}

Test(life, unused_tools_are_stopped_and_lists_are_no_use, .timeout = 20)
{
	static const struct rig_server	servers[] = { { .name = "fine", .mode = "ok", .idle_ms = 500 },
					    { .name = "stubborn", .mode = "ignores-term", .idle_ms = 200,
					    .stop_ms = 300 }, { .name = NULL } };
	struct rig		 r;
	struct link_call	 lc = { .id = { 22, 1 } };
	const char		*list = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}";
	int			 link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	rig_call(&r, link, 1, 0, 1, 3000);
	lc.body_bytes = (uint32_t)strlen(list);
	for (uint32_t n = 2; n < 8; n++) {
		if (rig_tools_running(&r, 0) == 0)
			break;
		rig_run(&r, 100, NULL);
		rig_head(&r, link, n, 0, 1, 1000, &lc, LINK_FLAG_LIST);
		rig_frame(&r, link, lc.body_bytes, LINK_BODY, 0, n, 0, list);
		rig_run(&r, 50, &r.links[link].calls[n].ended);
	}
	RIG_UNTIL(&r, 1000, rig_tools_running(&r, 0) == 0);
	claim(rig_tools_running(&r, 0) == 0);
	claim(r.tools[1].to_ms - r.tools[1].from_ms < 1200, "%llu ms",
	    (unsigned long long)(r.tools[1].to_ms - r.tools[1].from_ms));
	claim(r.tools[1].life_closed_ms == 0, "it left by itself when its input ended");
	RIG_UNTIL(&r, 500, r.states[0].state == SERVER_STATE_IDLE);
	claim(r.states[0].state == SERVER_STATE_IDLE && r.states[0].instances == 0);

	rig_call(&r, link, 9, 1, 1, 3000);
	RIG_UNTIL(&r, 2000, rig_tools_running(&r, 1) == 0);
	claim(rig_tools_running(&r, 1) == 0 && r.tools[r.tool_count - 1].life_closed_ms != 0);
	rig_end(&r);
}

Test(life, a_tool_for_one_call_goes_with_it, .timeout = 20)
{
	static const struct rig_server	servers[] = { { .name = "once", .mode = "ok", .isolation = ISOLATION_CALL },
					    { .name = NULL } };
	struct rig	r;
	int		link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	for (uint32_t n = 1; n <= 3; n++) {
		claim(rig_call(&r, link, n, 0, n, 3000)->end == LINK_END_OK);
		RIG_UNTIL(&r, 1000, rig_tools_running(&r, 0) == 0);
		claim(rig_tools_running(&r, 0) == 0);
	}
	rig_end(&r);
}

Test(life, places_are_limited_and_idle_ones_make_room, .timeout = 30)
{
	static const struct rig_server	servers[] = { { .name = "slow", .mode = "slow", .n = "6500",
					    .max_instances = 2 }, { .name = "fine", .mode = "ok",
					    .max_instances = 2 }, { .name = NULL } };
	struct rig	r;
	struct rig_call	*c;
	uint64_t	began;
	int		link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	for (uint32_t n = 1; n <= 4; n++) {
		c = rig_call(&r, link, n, 1, n, 3000);
		claim(c->end == LINK_END_OK, "key %u: %s", n, c->text);
		claim(rig_tools_running(&r, 1) <= 2);
	}
	/* Two that are busy for long: the third waits for a place, and not for ever. */
	rig_send(&r, link, 11, 0, 1, 20000, 0);
	RIG_UNTIL(&r, 3000, r.states[0].instances == 1);
	rig_send(&r, link, 12, 0, 2, 20000, 0);
	RIG_UNTIL(&r, 3000, r.states[0].instances == 2);
	began = now_ms();
	rig_send(&r, link, 13, 1, 1, 20000, 0);
	c = &r.links[link].calls[13];
	rig_run(&r, 7000, &c->ended);
	claim(c->end == LINK_END_BUSY && strstr(c->text, "all 2 places") != NULL, "%d %s", c->end, c->text);
	claim(c->ended_ms - began >= 4000 && c->ended_ms - began < 6500);
	rig_run(&r, 9000, &r.links[link].calls[12].ended);
	claim(r.links[link].calls[11].end == LINK_END_OK && r.links[link].calls[12].end == LINK_END_OK);
	rig_end(&r);
}

Test(life, one_folder_has_one_writer, .timeout = 20)
{
	static const struct rig_server	servers[] = { { .name = "a", .mode = "ok", .writable = "/srv/data/" },
					    { .name = "b", .mode = "ok", .writable = "/srv/data/deep" },
					    { .name = "c", .mode = "ok", .writable = "/srv/database" }, { .name = NULL } };
	struct rig	r;
	struct rig_call	*c;
	int		link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	claim(rig_call(&r, link, 1, 0, 1, 3000)->end == LINK_END_OK);
	c = rig_call(&r, link, 2, 0, 2, 3000);
	claim(c->end == LINK_END_UNAVAILABLE && strstr(c->text, "\"isolation\": \"tenant\"") != NULL, "%s", c->text);
	c = rig_call(&r, link, 3, 1, 1, 3000);
	claim(c->end == LINK_END_UNAVAILABLE && strstr(c->text, "/srv/data/") != NULL, "%s", c->text);
	claim(rig_call(&r, link, 4, 2, 1, 3000)->end == LINK_END_OK, "a name that only begins alike");
	claim(rig_call(&r, link, 5, 0, 1, 3000)->end == LINK_END_OK);
	rig_end(&r);
}

Test(life, a_new_profile_lets_calls_finish_and_never_doubles_a_tool, .timeout = 30)
{
	static const struct rig_server	before[] = { { .name = "slow", .mode = "slow", .n = "900" },
					    { .name = "gone", .mode = "ok" }, { .name = NULL } };
	static const struct rig_server	after[] = { { .name = "slow", .mode = "ok", .version = 2 },
					    { .name = NULL } };
	struct rig	r;
	struct rig_call	*old, *c;
	uint64_t	old_hash;
	int		link, old_tool;

	rig_begin(&r, before);
	link = rig_link(&r);
	rig_call(&r, link, 1, 1, 1, 3000);
	rig_call(&r, link, 2, 0, 1, 3000);
	old_tool = r.tool_count - 1;
	rig_send(&r, link, 3, 0, 1, 5000, 0);
	rig_run(&r, 100, NULL);
	old_hash = rig_hash(&r, 0);
	rig_offer(&r, after);
	RIG_UNTIL(&r, 1000, r.in_force == 2);
	claim(r.in_force == 2);
	claim(rig_hash(&r, 0) != old_hash);
	c = rig_call(&r, link, 4, 0, 1, 5000);
	old = &r.links[link].calls[3];
	claim(old->end == LINK_END_OK && old->answered, "%s", old->text);
	claim(c->end == LINK_END_OK && c->ended_ms >= old->ended_ms, "%s", c->text);
	claim(r.tools[old_tool].gone && r.tools[old_tool].to_ms <= r.tools[old_tool + 1].from_ms);
	RIG_UNTIL(&r, 1000, rig_tools_running(&r, 1) == 0);
	claim(rig_tools_running(&r, 1) == 0, "a server that is not in it any more");
	rig_offer(&r, before);
	RIG_UNTIL(&r, 1000, r.in_force == 3);
	rig_offer(&r, after);
	r.servers = before;
	c = rig_call(&r, link, 5, 0, 1, 5000);
	claim(c->end == LINK_END_STALE && c->end_flags == 0, "%d %s", c->end, c->text);
	r.servers = after;
	rig_end(&r);
}

Test(life, a_jail_that_cannot_be_built_is_told_from_a_program_that_is_not_there, .timeout = 20)
{
	static const struct rig_server	servers[] = {
		{ .name = "nojail", .mode = "ok", .spawn_fails = JAIL_STEP_CLONE },
		{ .name = "noexec", .mode = "ok", .spawn_fails = JAIL_STEP_EXEC },
		{ .name = "early", .mode = "ok", .spawn_fails = JAIL_STEP_REQUEST },
		{ .name = NULL } };
	static const enum link_end	ends[] = { LINK_END_NO_JAIL, LINK_END_UNAVAILABLE, LINK_END_STALE };
	struct rig	r;
	int		link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	for (int i = 0; i < 3; i++) {
		struct rig_call	*c = rig_call(&r, link, (uint32_t)i + 1, i, 1, 3000);

		claim(c->end == ends[i] && strstr(c->text, "the rig refuses") != NULL, "row %d: %d %s", i, c->end, c->text);
	}
	RIG_UNTIL(&r, 500, r.states[1].told);
	claim(r.states[0].state == SERVER_STATE_NO_JAIL && r.states[1].state == SERVER_STATE_BROKEN);
	claim(!r.states[2].told || r.states[2].state == SERVER_STATE_IDLE);
	rig_end(&r);
}

Test(life, a_drain_finishes_what_runs, .timeout = 20)
{
	static const struct rig_server	servers[] = { { .name = "slow", .mode = "slow", .n = "600" },
					    { .name = NULL } };
	struct rig		r;
	struct msg_PING		ping = { .token = 42 };
	struct msg_DRAIN	drain = { .within_ms = 5000 };
	struct rig_call		*c;
	int			link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	rig_say(&r, MSG_TYPE_PING, 1, &ping);
	RIG_UNTIL(&r, 500, r.pongs == 42);
	claim(r.pongs == 42);
	rig_send(&r, link, 1, 0, 1, 5000, 0);
	RIG_UNTIL(&r, 2000, r.states[0].state == SERVER_STATE_UP);
	rig_say(&r, MSG_TYPE_DRAIN, 0, &drain);
	rig_run(&r, 50, NULL);
	c = rig_call(&r, link, 2, 0, 1, 1000);
	claim(c->end == LINK_END_UNAVAILABLE, "%s", c->text);
	rig_run(&r, 3000, &r.exited);
	claim(r.links[link].calls[1].end == LINK_END_OK && r.links[link].calls[1].answered);
	claim(r.exited && r.status == 0, "status %d", r.status);
	claim(rig_tools_running(&r, 0) == 0);
	rig_end(&r);
}

Test(life, the_death_of_the_spawner_lets_calls_finish_and_ends_the_runner, .timeout = 20)
{
	static const struct rig_server	servers[] = { { .name = "slow", .mode = "slow", .n = "600" },
					    { .name = "fine", .mode = "ok" }, { .name = NULL } };
	struct rig	r;
	struct rig_call	*c;
	int		link;

	rig_begin(&r, servers);
	link = rig_link(&r);
	rig_call(&r, link, 1, 0, 1, 5000);
	rig_send(&r, link, 2, 0, 1, 5000, 0);
	rig_run(&r, 100, NULL);
	close(r.spawner);
	r.spawner = -1;
	c = rig_call(&r, link, 3, 1, 1, 1000);
	claim(c->end == LINK_END_UNAVAILABLE, "%s", c->text);
	rig_run(&r, 3000, &r.exited);
	claim(r.links[link].calls[2].end == LINK_END_OK, "%s", r.links[link].calls[2].text);
	claim(r.exited && WIFEXITED(r.status) && WEXITSTATUS(r.status) == 69, "status %x", r.status);
	rig_end(&r);
}

Test(life, the_death_of_the_master_is_the_end_within_two_seconds, .timeout = 20)
{
	static const struct rig_server	servers[] = { { .name = "stubborn", .mode = "ignores-term", .stop_ms = 60000 },
					    { .name = "slow", .mode = "slow", .n = "5000" },
					    { .name = "fine", .mode = "ok" }, { .name = NULL } };
	struct rig	r;
	uint64_t	began;
	int		link, fine;

	rig_begin(&r, servers);
	link = rig_link(&r);
	rig_call(&r, link, 1, 0, 1, 3000);
	rig_call(&r, link, 3, 2, 1, 3000);
	fine = r.tool_count - 1;
	rig_send(&r, link, 2, 1, 1, 9000, 0);
	RIG_UNTIL(&r, 2000, r.states[1].state == SERVER_STATE_UP);
	began = now_ms();
	rig_end(&r);
	claim(r.tools[fine].gone && r.tools[fine].life_closed_ms == 0, "who leaves when asked is not killed");
	claim(now_ms() - began < 2500, "%llu ms", (unsigned long long)(now_ms() - began));
}
