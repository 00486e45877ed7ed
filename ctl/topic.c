/* SPDX-License-Identifier: Apache-2.0
 *
 * topic.c - what `help` knows beside commands
 *
 * Process: mcpgwctl.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/topic.h"

/* What is no command, and is named where it is needed. */
static const struct topic {
	const char	*name;
	const char	*text;
} topics[] = {
	{ "containers",
	    "A server that is started by docker or podman is not imported: whoever may speak\n"
	    "to the engine's socket is root, and the helpers of rootless engines are setuid\n"
	    "programs, which no jail has.  Three ways lead on:\n"
	    "\n"
	    "* Many images are packages of npm or PyPI, too.  `mcpgwctl import` names the\n"
	    "  package when it knows one: write that into the file in place of docker.\n"
	    "* A server that speaks HTTP can run in its container beside the gateway:\n"
	    "      docker run -d -p 127.0.0.1:3001:3001 IMAGE\n"
	    "  Then import its url:\n"
	    "      {\"mcpServers\": {\"NAME\": {\"url\": \"http://127.0.0.1:3001/mcp\"}}}\n"
	    "* The program in an image can be copied out, and imported as a program:\n"
	    "      docker create --name x IMAGE && docker cp x:/app ./app && docker rm x\n" },
};

bool
topic_print(const char *name)
{
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		if (strcmp(topics[i].name, name) == 0) {
			printf("%s", topics[i].text);
			return true;
		}
	return false;
}
