/* SPDX-License-Identifier: Apache-2.0
 *
 * lying_news.c - what is said outside of calls (other words: lying_http.c)
 *
 *   tells      it says that it tells changes.  The tool `grow` tells all who listen that tools and resources
 *              changed, `touch` that `uri` was updated, to whoever subscribed to it or to what is above; each
 *              stream names its events with tellids only.  `subscribed` answers with what is.  Without `uri` it is
 *              told://a, or a resource below that for an `a` that is not 0.
 * Besides that:
 *   tellends   each stream ends as soon as it has begun, with a wish to be back in a millisecond
 *   tellflood  each begins with more messages than anybody wants to hear
 *   tellgone   a session has its stream once, and then 405
 *   tellnone   (modern) acknowledges nothing, and ends
 *   tellslow   (modern) acknowledges after 300 ms
 *   getcut, getlost, get409, get404, noget  as for any stream of a session
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/servers/lying_http.h"

#define FLOOD	30000

static bool
covers(const char *above, const char *uri)
{
	size_t	n = strlen(above);

	return strncmp(above, uri, n) == 0 && (uri[n] == '\0' || uri[n] == '/');
}

static void
sub_add(unsigned session, const char *uri)
{
	unsigned	i = atomic_fetch_add(&shared->subs, 1);

	if (i >= SUBS_MAX)
		exit(70);
	snprintf(shared->sub[i].uri, sizeof(shared->sub[i].uri), "%s", uri);
	atomic_store(&shared->sub[i].session, session);
}

static void
sub_remove(unsigned session, const char *uri)
{
	for (unsigned i = 0; i < atomic_load(&shared->subs); i++)
		if (atomic_load(&shared->sub[i].session) == session &&
		    (uri == NULL || strcmp(shared->sub[i].uri, uri) == 0))
			atomic_store(&shared->sub[i].session, 0);
}

static bool
is_subscribed(unsigned session, const char *uri)
{
	for (unsigned i = 0; i < atomic_load(&shared->subs); i++)
		if (atomic_load(&shared->sub[i].session) == session && covers(shared->sub[i].uri, uri))
			return true;
	return false;
}

/* To all who listen; uri: NULL, or of what was updated. */
static void
tell(const char *what, const char *uri)
{
	for (unsigned s = 1; s <= atomic_load(&shared->sessions) && s < SESSIONS_MAX; s++) {
		if (atomic_load(&shared->session[s].open) == 0 || (uri != NULL && !is_subscribed(s, uri)))
			continue;
		session_post(s, "\"method\":\"notifications/%s\",\"params\":{%s%s%s}}", what,
		    uri == NULL ? "" : "\"uri\":\"", uri == NULL ? "" : uri, uri == NULL ? "" : "\"");
	}
}

static void
put_result(const struct request *q, unsigned mine, char *to, size_t room)
{
	char	uri[128], name[64], a[16];
	int	n;

	member(q, "uri", uri, sizeof(uri));
	member(q, "a", a, sizeof(a));
	if (uri[0] == '\0')
		snprintf(uri, sizeof(uri), "told://a%s%s", a[0] == '0' ? "" : "/", a[0] == '0' ? "" : a);
	member(q, "name", name, sizeof(name));
	to[0] = '\0';
	if (strcmp(q->method, "tools/list") == 0)
		snprintf(to, room, "\"tools\":[{\"name\":\"grow\",\"inputSchema\":{\"type\":\"object\"}},{\"name\":\"touch\","
		    "\"inputSchema\":{\"type\":\"object\"}},{\"name\":\"tool%u\",\"inputSchema\":{\"type\":\"object\"}},"
		    "{\"name\":\"subscribed\",\"inputSchema\":{\"type\":\"object\"}}]", atomic_load(&shared->grown));
	else if (strcmp(q->method, "resources/list") == 0)
		snprintf(to, room, "\"resources\":[{\"name\":\"a\",\"uri\":\"told://a\"},{\"name\":\"b\",\"uri\":\"told://b\"}]");
	else if (strcmp(q->method, "resources/templates/list") == 0)
		snprintf(to, room, "\"resourceTemplates\":[]");
	else if (strcmp(q->method, "resources/subscribe") == 0) {
		sub_add(mine, uri);
	} else if (strcmp(q->method, "resources/unsubscribe") == 0) {
		sub_remove(mine, uri);
	} else if (strcmp(name, "grow") == 0) {
		atomic_fetch_add(&shared->grown, 1);
		tell("tools/list_changed", NULL);
		tell("resources/list_changed", NULL);
	} else if (strcmp(name, "touch") == 0)
		tell("resources/updated", uri);
	if (strcmp(q->method, "tools/call") != 0)
		return;
	n = snprintf(to, room, "\"content\":[{\"type\":\"text\",\"text\":\"");
	if (strcmp(name, "subscribed") == 0)
		for (unsigned i = 0; i < atomic_load(&shared->subs) && n + 200 < (int)room; i++)
			if (atomic_load(&shared->sub[i].session) != 0)
				n += snprintf(to + n, room - (size_t)n, "s-%u %s, ", atomic_load(&shared->sub[i].session),
				    shared->sub[i].uri);
	snprintf(to + n, room - (size_t)n, "\"}]");
}

bool
news_answer(int fd, const struct request *q, unsigned mine)
{
	static char	json[REQUEST_MAX], result[REQUEST_MAX / 2];

	if (!told("tells"))
		return false;
	put_result(q, mine, result, sizeof(result));
	snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{%s%s%s}}", q->id,
	    mine == 0 ? "\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\"" : "",
	    mine == 0 && result[0] != '\0' ? "," : "", result);
	answer(fd, "", json);
	return true;
}

const char *
news_capabilities(void)
{
	return told("tells") ? "{\"tools\":{\"listChanged\":true},\"resources\":{\"listChanged\":true,\"subscribe\":true}}" :
	    "{\"tools\":{}}";
}

bool
news_stream_begins(int fd, unsigned mine)
{
	if (told("tellends")) {
		chunk(fd, "retry: 1\n\n");
		say(fd, "0\r\n\r\n");
		return false;
	}
	if (told("tellflood"))
		for (int i = 0; i < FLOOD; i++)
			event(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
	atomic_store(&shared->session[mine].open, 1);
	return true;
}

/* The text between the brackets: strings without escapes. */
static void
subscribe_all(unsigned mine, const char *list)
{
	char	uri[128];

	while (*list == '"' || *list == ',') {
		list += *list == ',';
		snprintf(uri, sizeof(uri), "%.*s", (int)strcspn(list + 1, "\""), list + 1);
		sub_add(mine, uri);
		list += strcspn(list + 1, "\"") + 2;
	}
}

bool
news_listen(int fd, const struct request *q)
{
	const char	*list = strstr(q->body, "\"resourceSubscriptions\":[");
	unsigned	 mine;
	char		 json[1024];

	if (!told("tells") || strcmp(q->method, "subscriptions/listen") != 0)
		return false;
	mine = atomic_fetch_add(&shared->sessions, 1) + 1;
	say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
	if (told("tellslow"))
		usleep(300000);
	if (list != NULL && !told("tellnone"))
		subscribe_all(mine, list + strlen("\"resourceSubscriptions\":["));
	snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":"
	    "{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":%s},\"notifications\":{%s}}}", q->id,
	    told("tellnone") ? "" : "\"toolsListChanged\":true");
	event(fd, json);
	if (told("tellnone")) {
		snprintf(json, sizeof(json), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"resultType\":\"complete\"}}", q->id);
		event(fd, json);
		say(fd, "0\r\n\r\n");
		return true;
	}
	session_talk(fd, mine);
	sub_remove(mine, NULL);
	_exit(0);
}
