/* SPDX-License-Identifier: Apache-2.0
 *
 * i2_keys.c - API keys while they are used: in the place of others, at their end, taken away
 */
#include <signal.h>
#include <time.h>

#include "tests/harness/hearing.h"
#include "tests/integration/load.h"

#define RULES	"{\"agents\":{\"backend\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"*\"]}}}}}"

static void
start(struct gateway *g)
{
	gateway_start(g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = RULES });
}

static void
cut_line(char *text)
{
	text[strcspn(text, "\n")] = '\0';
}

/* What a command printed as a key; malloc'ed. */
#define NEW_KEY(g, ...) ({									\
	char	*key_;										\
	int	 code_ = gateway_ctl((g), &key_, false, __VA_ARGS__, NULL);			\
	cut_line(key_);										\
	cr_assert(code_ == 0 && strncmp(key_, "mgk_", 4) == 0, "exit %d: %s", code_, key_);	\
	key_;											\
})

static int
status_of(const struct gateway *g, const char *key)
{
	struct mcp	m;
	struct answer	a;
	int		status;

	mcp_init(&m, g->mcp, "/mcp", key);
	mcp_ask_modern(&m, "server/discover", NULL, &a);
	status = a.status;
	answer_fini(&a);
	mcp_fini(&m);
	return status;
}

/* Keys that change under the load: the thread takes the one that was made last. */
struct keys {
	pthread_mutex_t	 lock;
	char		 now[256];
};

static void
ask_with_the_newest(struct load *l, struct mcp *m, unsigned thread, unsigned round)
{
	struct keys	*k = l->arg;
	struct answer	 a;

	(void)thread;
	if (round % 8 == 0) {
		pthread_mutex_lock(&k->lock);
		snprintf(m->key, sizeof(m->key), "%s", k->now);
		pthread_mutex_unlock(&k->lock);
	}
	atomic_fetch_add(&l->sent, 1);
	mcp_ask_modern(m, "server/discover", NULL, &a);
	atomic_fetch_add(a.status == 200 ? &l->well : a.status == 401 ? &l->refused : &l->failed, 1);
	answer_fini(&a);
}

Test(keys, rotated_under_load_refuse_nobody_while_both_live_and_the_old_one_ends_in_time, .timeout = 120)
{
	struct gateway	 g;
	struct keys	 k = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct load	 l = { .fn = ask_with_the_newest, .arg = &k, .pause_ms = 2 };
	struct timespec	 from, now;
	char		*old, *new;
	long		 ms;

	start(&g);
	new = NEW_KEY(&g, "key", "add", "--agent", "backend", "--name", "ci");
	snprintf(k.now, sizeof(k.now), "%s", new);
	snprintf(l.address, sizeof(l.address), "%s", g.mcp);
	snprintf(l.path, sizeof(l.path), "/mcp");
	snprintf(l.key, sizeof(l.key), "%s", new);
	load_start(&l);
	for (int i = 0; i < 5; i++) {
		old = new;
		new = NEW_KEY(&g, "key", "rotate", "ci", "--overlap", "10min");
		cr_expect(status_of(&g, old) == 200 && status_of(&g, new) == 200);
		pthread_mutex_lock(&k.lock);
		snprintf(k.now, sizeof(k.now), "%s", new);
		pthread_mutex_unlock(&k.lock);
		free(old);
		sleep_ms(100);
	}
	load_end(&l);
	cr_expect(atomic_load(&l.well) > 50 && atomic_load(&l.refused) == 0 && atomic_load(&l.failed) == 0,
	    "%u well, %u refused, %u failed", l.well, l.refused, l.failed);
	/* The end. */
	old = new;
	clock_gettime(CLOCK_MONOTONIC, &from);
	new = NEW_KEY(&g, "key", "rotate", "ci", "--overlap", "2s");
	cr_expect(status_of(&g, old) == 200);
	do {
		sleep_ms(20);
		clock_gettime(CLOCK_MONOTONIC, &now);
		ms = (now.tv_sec - from.tv_sec) * 1000 + (now.tv_nsec - from.tv_nsec) / 1000000;
	} while (status_of(&g, old) == 200 && ms < 30000);
	cr_expect(ms >= 1900 && ms < 3000 + patience(&g, 1000), "after %ld ms", ms);
	cr_expect(status_of(&g, new) == 200);
	free(old);
	free(new);
	gateway_stop(&g);
}

Test(keys, of_one_name_are_told_apart_by_the_audit_and_share_their_sessions, .timeout = 60)
{
	struct gateway	 g;
	struct mcp	 m;
	struct answer	 a;
	json_object	*records;
	char		*old, *new, words[64];

	NEEDS_JAILS();
	start(&g);
	old = NEW_KEY(&g, "key", "add", "--agent", "backend", "--name", "ci");
	mcp_init(&m, g.mcp, "/servers/clock/mcp", old);
	cr_assert(mcp_initialize(&m) == 200);
	mcp_call(&m, "now", "{}", &a);
	cr_expect(json_at(a.json, "result.content") != NULL, "%s", a.body);
	answer_fini(&a);
	new = NEW_KEY(&g, "key", "rotate", "ci", "--overlap", "10min");
	snprintf(m.key, sizeof(m.key), "%s", new);
	mcp_call(&m, "now", "{}", &a);
	cr_expect(json_at(a.json, "result.content") != NULL, "the session goes on: %s", a.body);
	answer_fini(&a);
	mcp_fini(&m);
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "principal", "ci") == 1);
	snprintf(words, sizeof(words), "ci (%.12s)", new);
	cr_expect(audit_count(records, "principal", words) == 1, "%s", json_object_to_json_string(records));
	json_object_put(records);
	free(old);
	free(new);
	gateway_stop(&g);
}

/* The connection and the stream stay; what was revoked is refused in every worker when the command is done. */
Test(keys, that_are_revoked_under_load_are_refused_at_once_in_every_worker, .timeout = 90)
{
	struct gateway	 g;
	struct keys	 k = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct load	 l = { .fn = ask_with_the_newest, .arg = &k, .pause_ms = 2 };
	struct hearing	 h;
	struct mcp	 m;
	json_object	*o;
	char		*key, *other;
	unsigned	 refused;

	start(&g);
	key = NEW_KEY(&g, "key", "add", "--agent", "backend", "--name", "ci");
	other = NEW_KEY(&g, "key", "add", "--agent", "backend", "--name", "other");
	snprintf(k.now, sizeof(k.now), "%s", key);
	snprintf(l.address, sizeof(l.address), "%s", g.mcp);
	snprintf(l.path, sizeof(l.path), "/mcp");
	snprintf(l.key, sizeof(l.key), "%s", key);
	mcp_init(&m, g.mcp, "/mcp", key);
	hearing_begin(&h, &m, "7", "subscriptions/listen", "{\"notifications\":{\"toolsListChanged\":true}}");
	o = hearing_next(&h, patience(&g, 3000));
	cr_assert(o != NULL);
	json_object_put(o);
	load_start(&l);
	sleep_ms(200);
	cr_assert(gateway_ctl(&g, NULL, true, "key", "revoke", "ci", NULL) == 0);
	for (int i = 0; i < 20; i++)
		cr_expect(status_of(&g, key) == 401);
	refused = atomic_load(&l.refused);
	sleep_ms(200);
	load_end(&l);
	cr_expect(atomic_load(&l.failed) == 0 && atomic_load(&l.refused) > refused);
	cr_expect(status_of(&g, other) == 200);
	/* That lists may have changed may be said before it ends. */
	while (!h.end && (o = hearing_next(&h, patience(&g, 2000))) != NULL)
		json_object_put(o);
	cr_expect(h.end, "the stream does not end");
	hearing_fini(&h);
	mcp_fini(&m);
	cr_expect(gateway_ctl(&g, NULL, true, "key", "revoke", "--all", "--agent", "backend", NULL) == 0);
	cr_expect(status_of(&g, other) == 401);
	free(key);
	free(other);
	gateway_stop(&g);
}

/* A stream that was opened with a key ends with it, also when its end was set only later. */
Test(keys, end_the_streams_that_were_opened_with_them, .timeout = 60)
{
	struct gateway	 g;
	struct hearing	 h;
	struct mcp	 m;
	json_object	*o;
	char		*key;

	start(&g);
	key = NEW_KEY(&g, "key", "add", "--agent", "backend", "--ends", "3s");
	mcp_init(&m, g.mcp, "/mcp", key);
	hearing_begin(&h, &m, "7", "subscriptions/listen", "{\"notifications\":{\"toolsListChanged\":true}}");
	o = hearing_next(&h, patience(&g, 2000));
	cr_assert(o != NULL);
	json_object_put(o);
	o = hearing_next(&h, 4000 + patience(&g, 1000));
	cr_expect(o != NULL && json_at(o, "result") != NULL, "no end came");
	json_object_put(o);
	cr_expect(hearing_ends(&h, patience(&g, 1000)));
	hearing_fini(&h);
	mcp_fini(&m);
	cr_expect(status_of(&g, key) == 401);
	free(key);
	gateway_stop(&g);
}

static void
kill_store(const struct gateway *g)
{
	struct procs	*p = malloc(sizeof(*p));

	gateway_procs(g, p);
	for (size_t i = 0; procs_find(p, "mcpgw-store", i) != NULL; i++)
		(void)kill(procs_find(p, "mcpgw-store", i)->pid, SIGKILL);
	free(p);
}

static void *
kill_again_and_again(void *arg)
{
	struct load	*l = arg;
	struct gateway	*g = l->arg;

	while (!atomic_load(&l->stop)) {
		kill_store(g);
		sleep_ms(40 + rand() % 400);
	}
	return NULL;
}

/* Whatever the moment was: who is told that it is done has a key that is good, and who is not told keeps the old one or
 * was given the new one. */
Test(keys, are_never_lost_when_the_store_is_killed_in_a_rotation, .timeout = 180)
{
	struct gateway	 g;
	struct load	 l = { .arg = &g };
	pthread_t	 killer;
	char		*key, *said;
	int		 code;

	start(&g);
	key = NEW_KEY(&g, "key", "add", "--agent", "backend", "--name", "ci");
	cr_assert(pthread_create(&killer, NULL, kill_again_and_again, &l) == 0);
	for (int i = 0; i < 6; i++) {
		code = gateway_ctl(&g, &said, false, "key", "rotate", "ci", NULL);
		cut_line(said);
		cr_log_info("rotation %d: exit %d %.12s", i, code, said);
		if (strncmp(said, "mgk_", 4) == 0 && (code == 0 || status_of(&g, said) == 200)) {
			free(key);
			key = strdup(said);
		}
		cr_expect(code != 0 || strncmp(said, "mgk_", 4) == 0, "exit %d: %s", code, said);
		free(said);
		cr_expect(status_of(&g, key) == 200, "rotation %d, exit %d: neither is good", i, code);
	}
	atomic_store(&l.stop, true);
	pthread_join(killer, NULL);
	free(key);
	gateway_stop(&g);
}

static bool
was_used(void *arg)
{
	char	*out;
	bool	 yes;

	cr_assert(gateway_ctl(arg, &out, true, "--json", "key", "list", NULL) == 0);
	yes = strstr(out, "\"used\":\"") != NULL;
	free(out);
	return yes;
}

Test(keys, say_when_they_were_used_last_over_a_restart_too, .timeout = 90)
{
	struct gateway	 g;
	char		*key, *out;

	start(&g);
	key = NEW_KEY(&g, "key", "add", "--agent", "backend", "--name", "ci");
	cr_expect(!was_used(&g));
	cr_expect(status_of(&g, key) == 200);
	cr_expect(wait_until(was_used, &g, 60000));
	gateway_stop_keep(&g);
	cr_assert(gateway_ctl(&g, &out, true, "--json", "key", "list", NULL) == 0);
	cr_expect(strstr(out, "\"used\":\"") != NULL, "without a gateway: %s", out);
	free(out);
	gateway_start_again(&g);
	cr_expect(was_used(&g));
	cr_expect(status_of(&g, key) == 200);
	free(key);
	gateway_stop(&g);
}

/* Without a gateway the store's own program does all of it. */
Test(keys, are_changed_without_a_gateway_too, .timeout = 60)
{
	struct gateway	 g;
	char		*first, *second;

	start(&g);
	gateway_stop_keep(&g);
	first = NEW_KEY(&g, "key", "add", "--agent", "backend", "--name", "ci", "--scope", "a", "--scope=b",
	    "--force");
	second = NEW_KEY(&g, "key", "rotate", "ci", "--overlap", "1h");
	EXPECT_CTL(&g, 0, "a b", "key", "show", "ci");
	EXPECT_CTL(&g, 65, "no such key", "key", "rotate", "nobody");
	gateway_start_again(&g);
	cr_expect(status_of(&g, first) == 200 && status_of(&g, second) == 200);
	gateway_stop_keep(&g);
	EXPECT_CTL(&g, 0, "2 keys: ended", "key", "revoke", "ci");
	gateway_start_again(&g);
	cr_expect(status_of(&g, first) == 401 && status_of(&g, second) == 401);
	free(first);
	free(second);
	gateway_stop(&g);
}
