/* SPDX-License-Identifier: Apache-2.0
 *
 * t5_many.c - many questions at once: each answer reaches the call that asked, whichever worker has it
 */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/integration/talk.h"

#define THREADS	20
#define EACH_MAX 50		/* calls of one thread */
#define CONNECTIONS 1024	/* POOL_CONNS_MAX of upstream/pool.h */

struct many {
	const char	*server;
	bool		 modern;
	unsigned	 each;
	atomic_uint	 well;
	/* Made before the threads: Criterion's own assertions are for one. */
	struct mcp	 clients[THREADS];
};

static struct many	many;

static void
tag_of(char text[32], unsigned thread, unsigned i)
{
	snprintf(text, 32, "t%u-%u", thread, i);
}

/* All calls of one client at once; each question is answered with the tag that it bears itself. */
static unsigned
legacy_calls(struct mcp *m, unsigned thread)
{
	struct hearing	 h[EACH_MAX];
	struct answer	 a;
	json_object	*q, *r;
	char		 text[256], tag[32], *body;
	unsigned	 well = 0;

	for (unsigned i = 0; i < many.each; i++) {
		tag_of(tag, thread, i);
		snprintf(text, sizeof(text), "{\"name\":\"ask_form\",\"arguments\":{\"tag\":\"%s\"}}", tag);
		snprintf(tag, sizeof(tag), "%u", i + 1);
		hearing_begin(&h[i], m, tag, "tools/call", text);
	}
	/* In another order than they were asked in. */
	for (unsigned k = 0; k < many.each; k++) {
		unsigned i = many.each - 1 - k;

		q = hearing_next(&h[i], SOON * 4);
		if (asprintf(&body, "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":{\"action\":\"accept\",\"content\":{\"tag\":\"%s\"}}}",
		    json_text_at(q, "id"), json_text_at(q, "params.message")) < 0)
			abort();
		mcp_post(m, "MCP-Protocol-Version: " LEGACY_VERSION "\r\n", body, &a);
		answer_fini(&a);
		free(body);
		json_object_put(q);
	}
	for (unsigned i = 0; i < many.each; i++) {
		const char	*at = strstr(many.server, "new") != NULL ? "result.structuredContent.got.a.content.tag" :
				    "result.structuredContent.got[0].content.tag";

		r = hearing_next(&h[i], SOON * 4);
		tag_of(tag, thread, i);
		snprintf(text, sizeof(text), "%s: for %s", many.server, tag);
		well += strcmp(json_text_at(r, at), text) == 0;
		json_object_put(r);
		hearing_fini(&h[i]);
	}
	return well;
}

/* First all ask, then all answer, on new connections. */
static unsigned
modern_calls(struct mcp *m, unsigned thread)
{
	struct answer	 a[EACH_MAX], last;
	char		*params, tag[32], text[64];
	const char	*key = strstr(many.server, "new") != NULL ? "a" : "k1", *at;
	unsigned	 well = 0;

	at = key[0] == 'a' ? "result.structuredContent.got.a.content.tag" : "result.structuredContent.got[0].content.tag";
	for (unsigned i = 0; i < many.each; i++) {
		tag_of(tag, thread, i);
		if (asprintf(&params, "{\"name\":\"ask_form\",\"arguments\":{\"tag\":\"%s\"}}", tag) < 0)
			abort();
		mcp_ask_modern(m, "tools/call", params, &a[i]);
		free(params);
		client_close(&m->conn);
	}
	for (unsigned i = 0; i < many.each; i++) {
		tag_of(tag, thread, i);
		snprintf(text, sizeof(text), "result.inputRequests.%s.params.message", key);
		if (asprintf(&params, "{\"name\":\"ask_form\",\"arguments\":{\"tag\":\"%s\"},\"inputResponses\":{\"%s\":{\"action\":"
		    "\"accept\",\"content\":{\"tag\":\"%s\"}}},\"requestState\":\"%s\"}", tag, key, json_text_at(a[i].json, text),
		    json_text_at(a[i].json, "result.requestState")) < 0)
			abort();
		mcp_ask_modern(m, "tools/call", params, &last);
		free(params);
		client_close(&m->conn);
		snprintf(text, sizeof(text), "%s: for %s", many.server, tag);
		well += strcmp(json_text_at(last.json, at), text) == 0;
		answer_fini(&last);
		answer_fini(&a[i]);
	}
	return well;
}

static void *
run(void *arg)
{
	unsigned	 thread = (unsigned)(uintptr_t)arg;
	struct mcp	*m = &many.clients[thread];

	atomic_fetch_add(&many.well, many.modern ? modern_calls(m, thread) : legacy_calls(m, thread));
	return NULL;
}

static void
ask_many(unsigned workers, unsigned calls, const char *conf)
{
	static const char *const servers[] = { "oldweb", "newweb", "oldsse" };
	pthread_t	threads[THREADS];

	many.each = calls / THREADS;
	talk_begin(workers, conf);
	for (size_t s = 0; s < sizeof(servers) / sizeof(servers[0]); s++)
		for (int modern = 0; modern < 2; modern++) {
			many.server = servers[s];
			many.modern = modern;
			atomic_store(&many.well, 0);
			for (unsigned i = 0; i < THREADS; i++)
				talk_client(&many.clients[i], servers[s], i % 2, modern ? NULL : LEGACY_VERSION, CAN_FORM);
			for (unsigned i = 0; i < THREADS; i++)
				cr_assert(pthread_create(&threads[i], NULL, run, (void *)(uintptr_t)i) == 0);
			for (unsigned i = 0; i < THREADS; i++) {
				pthread_join(threads[i], NULL);
				mcp_fini(&many.clients[i]);
			}
			cr_expect(atomic_load(&many.well) == calls, "%s, %s: %u of %u went well", servers[s],
			    modern ? "modern" : "legacy", atomic_load(&many.well), calls);
		}
	talk_end();
}

/* Each call that waits for an answer holds a connection to its server; the answer needs one more. */
static void
ask_on_all_connections(const char *server)
{
	static struct hearing	h[CONNECTIONS + 100];
	static json_object	*q[CONNECTIONS + 100];
	struct mcp		m;
	char			id[16];
	unsigned		n, last;

	talk_begin(1, "max_asking = 4096\nmax_asking_server = 4096\ncall_timeout = 2min\n");
	talk_client(&m, server, 0, LEGACY_VERSION, CAN_FORM);
	for (n = 0; n < CONNECTIONS + 100; n++) {
		snprintf(id, sizeof(id), "%u", n);
		talk_call(&h[n], &m, id, "ask_form", "");
		if ((q[n] = hearing_next(&h[n], SOON)) == NULL || json_at(q[n], "method") == NULL)
			break;
	}
	cr_expect(n >= CONNECTIONS - 100 && n < CONNECTIONS + 100, "there are %u connections", n);
	last = n;
	while (n-- > 0)
		talk_answer(&m, q[n], "result", "{\"is\":\"mine\"}");
	for (n = 0; n < last; n++) {
		talk_last(&h[n], "result.structuredContent.got[0].is", "mine");
		json_object_put(q[n]);
	}
	json_object_put(q[last]);
	hearing_fini(&h[last]);
	mcp_fini(&m);
	talk_end();
}

Test(talk_many, questions_on_all_connections_still_get_their_answers, .timeout = 120)
{
	ask_on_all_connections("oldweb");
}

/* And over HTTP+SSE its session's stream. */
Test(talk_many, questions_on_all_streams_still_get_their_answers, .timeout = 120)
{
	ask_on_all_connections("oldsse");
}

Test(talk_many, questions_keep_their_calls_in_one_worker, .timeout = 120)
{
	ask_many(1, 200, NULL);
}

Test(talk_many, questions_keep_their_calls_among_four_workers, .timeout = 120)
{
	ask_many(4, 200, NULL);
}

/* Workers take connections as they come, so one may have many of a principal's calls. */
Test(talk_many, a_thousand_questions_at_once_keep_their_calls, .timeout = 180)
{
	ask_many(4, 1000, "max_asking = 1000\nmax_asking_server = 1000\n");
}
