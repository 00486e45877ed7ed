/* SPDX-License-Identifier: Apache-2.0
 *
 * logins.h - a gateway with tokens of its own for guarded-server, and whoever logs it in there with a browser
 */
#ifndef TESTS_INTEGRATION_LOGINS_H
#define TESTS_INTEGRATION_LOGINS_H

#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/program.h"
#include "tests/harness/signer.h"
#include "tests/integration/common.h"

#define UNUSED	__attribute__((unused))

#define ALL	"{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"*\":[\"*\"]}}}"
#define RULES	"{\"agents\":{\"one\":" ALL ",\"two\":" ALL "}}"
#define ISS	"https://idp.example"
#define SECRET	"a-secret-that-was-planted"

static struct gateway	g;
static pid_t		guarded;
static unsigned		port;
static char		key[256], log_path[300], address[64];

static UNUSED char *
slurp(const char *path)
{
	FILE	*f = fopen(path, "r");
	char	*text = calloc(1, 4 << 20);

	if (f != NULL) {
		(void)!fread(text, 1, (4 << 20) - 1, f);
		fclose(f);
	}
	return text;
}

/* How often this stands in what the server saw. */
static UNUSED size_t
saw(const char *words)
{
	char	*text = slurp(log_path);
	size_t	 n = 0;

	for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
		n++;
	free(text);
	return n;
}

static UNUSED void
tell_server(const char *path)
{
	struct answer	a;

	client_once(address, "POST", path, "", "", &a);
	cr_assert(a.status == 200, "%s: %d", path, a.status);
	answer_fini(&a);
}

static UNUSED void
begin(const char *lifetime, const char *auth)
{
	const char	*argv[] = { "guarded-server", log_path, lifetime, NULL };
	char		 servers[2048], text[1024];

	snprintf(log_path, sizeof(log_path), "/tmp/mcpgw-guarded.%ld", (long)getpid());
	unlink(log_path);
	port = program_start(argv, &guarded);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	snprintf(text, sizeof(text), auth, port);
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"guarded\":{\"url\":\"http://127.0.0.1:%u/mcp\",\"auth\":%s}}}",
	    port, text);
	gateway_start(&g, &(struct gateway_setup){ .workers = 2, .rules = RULES, .conf = "token_endpoint = yes\n" });
	gateway_write(&g, "secrets/CLIENT", SECRET "\n");
	snprintf(text, sizeof(text), "%s/etc/secrets/CLIENT", g.dir);
	cr_assert(chmod(text, 0600) == 0);
	gateway_write(&g, "servers.json", servers);
	EXPECT_CTL(&g, 0, "", "reload");
	snprintf(key, sizeof(key), "%s", gateway_key(&g, "one"));
}

static UNUSED int
look_for(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	char	*text;

	(void)at;
	if (kind != FTW_F || st->st_size > 4 << 20 || strstr(path, "/etc/secrets/") != NULL)
		return 0;
	text = slurp(path);
	for (const char *const *w = (const char *const[]){ SECRET, "access-", "refresh-", NULL }; *w != NULL; w++)
		cr_expect(memmem(text, (size_t)st->st_size, *w, strlen(*w)) == NULL, "%s holds %s", path, *w);
	free(text);
	return 0;
}

/* What a client shows the gateway is nobody else's; what the gateway has is in no file as it is. */
static UNUSED void
finish(void)
{
	cr_expect(saw(key) == 0, "the client's key came to the server");
	cr_expect(saw("access-") > 0, "and the gateway's tokens did");
	gateway_stop_keep(&g);
	cr_expect(nftw(g.dir, look_for, 16, FTW_PHYS) == 0);
	gateway_remove(&g);
	program_stop(&guarded);
	unlink(log_path);
}

/* What the call was answered with; malloc'ed. */
static UNUSED char *
call_as(const char *bearer)
{
	struct answer	a;
	struct mcp	m;
	char		*body;

	mcp_init(&m, g.mcp, "/servers/guarded/mcp", bearer);
	mcp_call(&m, "open", "{}", &a);
	body = strdup(a.body == NULL ? "" : a.body);
	answer_fini(&a);
	mcp_fini(&m);
	return body;
}

struct wanted {
	const char	*bearer, *words;
	char		*last;
};

static UNUSED bool
says(void *arg)
{
	struct wanted	*w = arg;

	free(w->last);
	w->last = call_as(w->bearer);
	return strstr(w->last, w->words) != NULL;
}

#define EXPECT_CALL(words_)	EXPECT_CALL_OF(key, words_)
#define EXPECT_CALL_OF(bearer_, words_) do {						\
	struct wanted	w_ = { bearer_, words_, NULL };					\
	cr_expect(wait_until(says, &w_, patience(&g, 10000)), "want %s: %s", words_, w_.last);	\
	free(w_.last);									\
} while (0)

/* ---- a login ----------------------------------------------------------------------------------- */

static UNUSED FILE *
login_begin(const char *who, char url[4096])
{
	char	 command[1024], line[4096];
	FILE	*f;

	snprintf(command, sizeof(command), "%s/bin/mcpgwctl -c %s/etc server login guarded --no-browser %s%s%s 2>&1", g.build, g.dir,
	    who == NULL ? "" : "--as '", who == NULL ? "" : who, who == NULL ? "" : "'");
	f = popen(command, "r");
	cr_assert(f != NULL);
	url[0] = '\0';
	while (fgets(line, sizeof(line), f) != NULL && strncmp(line, "http://", 7) != 0)
		;
	snprintf(url, 4096, "%s", line);
	url[strcspn(url, "\n")] = '\0';
	cr_assert(strncmp(url, "http://", 7) == 0, "%s", url);
	return f;
}

/* As a browser: follows one redirect to this machine.  The status there. */
static UNUSED int
browse(const char *url, char location[4096])
{
	char		 host[64];
	const char	*path = strchr(url + 7, '/'), *at;
	struct answer	 a;
	int		 status;

	snprintf(host, sizeof(host), "%.*s", (int)(path - url - 7), url + 7);
	client_once(host, "GET", path, "", NULL, &a);
	status = a.status;
	location[0] = '\0';
	if (a.head != NULL && (at = strstr(a.head, "Location: ")) != NULL)
		snprintf(location, 4096, "%.*s", (int)strcspn(at + 10, "\r\n"), at + 10);
	answer_fini(&a);
	return status;
}

static UNUSED void
log_in_as(const char *who, bool strangers)
{
	char	 url[4096], back[4096], wrong[4096], none[4096], rest[1024] = "";
	FILE	*f = login_begin(who, url);
	char	*at;
	int	 status;

	cr_assert(browse(url, back) == 302);
	if (strangers) {
		snprintf(wrong, sizeof(wrong), "%s", back);
		cr_assert((at = strstr(wrong, "state=")) != NULL);
		at[6] = at[6] == 'A' ? 'B' : 'A';
		cr_expect(browse(wrong, none) == 400, "another login's answer");
		snprintf(wrong, sizeof(wrong), "%.*s/other?code=1", (int)(strchr(back + 7, '/') - back), back);
		cr_expect(browse(wrong, none) == 404);
	}
	cr_expect(browse(back, none) == 200);
	(void)!fread(rest, 1, sizeof(rest) - 1, f);
	status = pclose(f);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0 && strstr(rest, "is logged in") != NULL, "%s", rest);
}

static UNUSED void
log_in(bool strangers)
{
	log_in_as(NULL, strangers);
}

#endif
