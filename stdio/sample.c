/* SPDX-License-Identifier: Apache-2.0
 *
 * sample.c - mcpgw-stdio --init: the two files to begin with
 *
 * Process: mcpgw-stdio.  Owns: nothing.
 * Trusts:  nobody to want a file replaced who was not asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "lib/where.h"
#include "stdio/sample.h"
#include "stdio/seed.h"

static const char servers[] =
    "{\n"
    "  \"mcpServers\": {\n"
    "    \"files\": {\n"
    "      \"description\": \"Files of one folder\",\n"
    "      \"command\": \"npx\",\n"
    "      \"args\": [\"-y\", \"@modelcontextprotocol/server-filesystem\", \"/tmp\"]\n"
    "    },\n"
    "    \"remote\": {\n"
    "      \"url\": \"http://127.0.0.1:9000/mcp\"\n"
    "    }\n"
    "  }\n"
    "}\n";

static const char rules[] =
    "{\n"
    "  \"agents\": {\n"
    "    \"researcher\": {\n"
    "      \"allow\": {\n"
    "        \"servers\": [\"files\"],\n"
    "        \"tools\": { \"files\": [\"read_*\", \"list_*\"] }\n"
    "      }\n"
    "    },\n"
    "    \"backend\": {\n"
    "      \"allow\": { \"servers\": [\"*\"], \"tools\": { \"*\": [\"*\"] } },\n"
    "      \"deny\": { \"tools\": { \"files\": [\"write_*\", \"move_*\"] } }\n"
    "    }\n"
    "  },\n"
    "  \"defaults\": {\n"
    "    \"deny_on_missing_agent\": true\n"
    "  }\n"
    "}\n";

/* 0: write it; or an exit code. */
static int
may_replace(const char *path)
{
	char	answer[16] = "";

	if (access(path, F_OK) == -1)
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		log_err(NULL, "mcpgw-stdio: %s: is there already, and nobody to ask; move it away first", path);
		return EX_CANTCREAT;
	}
	fprintf(stderr, "%s is there already. Replace it? [y/N] ", path);
	if (fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
		return 0;
	fprintf(stderr, "%s is unchanged.\n", path);
	return EX_CANTCREAT;
}

static int
write_one(const char *folder, const char *name, const char *text)
{
	char	path[2 * PATH_MAX], fresh[2 * PATH_MAX + 8];
	int	fd, r;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	if ((r = may_replace(path)) != 0)
		return r;
	(void)unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1 || fd_write_all(fd, span_of(text)) != 0 || rename(fresh, path) == -1) {
		log_err(NULL, "mcpgw-stdio: %s: %s", path, strerror(errno));
		fd_close(&fd);
		return EX_CANTCREAT;
	}
	fd_close(&fd);
	printf("%s\n", path);
	return 0;
}

int
sample_write(void)
{
	char	folder[PATH_MAX];
	int	first, second;

	if (seed_folder(folder) != 0) {
		log_err(NULL, "mcpgw-stdio: no home folder: set HOME");
		return EX_CONFIG;
	}
	where_make_above(folder, 0700);
	if (mkdir(folder, 0700) == -1 && errno != EEXIST) {
		log_err(NULL, "mcpgw-stdio: %s: %s", folder, strerror(errno));
		return EX_CANTCREAT;
	}
	first = write_one(folder, SEED_SERVERS, servers);
	second = write_one(folder, SEED_RULES, rules);
	return first != 0 ? first : second;
}
