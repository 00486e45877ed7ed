/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_completion.c - what a shell needs to complete our commands
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: tables/ctlcmds.def, from which all of it is made.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/command.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/log.h"

#define COMMON	"--json --help --system --user -c -o"

/* Does an earlier command begin with the same word? */
static bool
is_again(const struct command *c)
{
	size_t	n = strcspn(c->words, " ");

	for (const struct command *before = commands; before != c; before++)
		if (strncmp(before->words, c->words, n) == 0 && (before->words[n] == ' ' || before->words[n] == '\0'))
			return true;
	return false;
}

/* First words, each once: several commands share a noun. */
static void
print_first_words(void)
{
	for (const struct command *c = commands; c->words != NULL; c++)
		if (!is_again(c))
			printf(" %.*s", (int)strcspn(c->words, " "), c->words);
}

#define ENDS_WORD	"[]() |.,"

/* Does this option stand in the text before `end`, or among what all commands take? */
static bool
was_printed(const char *text, const char *end, const char *option, size_t n)
{
	const char	*texts[2] = { text, COMMON }, *ends[2] = { end, COMMON + strlen(COMMON) };

	for (size_t i = 0; i < 2; i++)
		for (const char *p = texts[i]; p < ends[i]; p += strcspn(p, ENDS_WORD), p += p < ends[i])
			if (strcspn(p, ENDS_WORD) == n && strncmp(p, option, n) == 0)
				return true;
	return false;
}

/* The options that stand in the arguments' text, each once: "[--as AGENT] [-f]". */
static void
print_options(const char *arguments)
{
	for (const char *p = arguments; *p != '\0';) {
		size_t n = strcspn(p, ENDS_WORD);

		if (n > 1 && p[0] == '-' && (p == arguments || !isalnum((unsigned char)p[-1])) &&
		    !was_printed(arguments, p, p, n))
			printf(" %.*s", (int)n, p);
		p += n > 0 ? n : 1;
	}
}

/* The words of a command that has no options: "bash|zsh". */
static void
print_choices(const char *arguments)
{
	if (islower((unsigned char)arguments[0]) && strcspn(arguments, " []") == strlen(arguments))
		for (const char *p = arguments; *p != '\0'; p += strcspn(p, "|"), p += *p == '|')
			printf(" %.*s", (int)strcspn(p, "|"), p);
}

/* The verbs of a noun, each once: one of them may have another word behind it. */
static void
print_verbs(const struct command *noun)
{
	const size_t	n = strcspn(noun->words, " ") + 1;
	const char	*sep = "";

	for (const struct command *v = noun; v->words != NULL; v++) {
		bool again = false;

		if (strncmp(v->words, noun->words, n) != 0)
			continue;
		for (const struct command *w = noun; w != v; w++)
			again = again || (strncmp(w->words, v->words, n) == 0 &&
			    strcspn(w->words + n, " ") == strcspn(v->words + n, " ") &&
			    strncmp(w->words + n, v->words + n, strcspn(v->words + n, " ")) == 0);
		if (again)
			continue;
		printf("%s%.*s", sep, (int)strcspn(v->words + n, " "), v->words + n);
		sep = " ";
	}
}

/* One arm for each first word: the words behind it, or the command's options. */
static void
print_arms(void)
{
	for (const struct command *c = commands; c->words != NULL; c++) {
		const char	*second = strchr(c->words, ' ');
		size_t		 n = strcspn(c->words, " ");

		if (second == NULL && is_again(c))
			continue;	/* it stands with its verbs */
		if (second == NULL) {
			printf("    %s) words=\"%s", c->words, COMMON);
			print_options(c->arguments);
			print_choices(c->arguments);
			if (strcmp(c->words, "help") == 0)
				print_first_words();
			printf("\" ;;\n");
			continue;
		}
		printf("    \"%s\") words=\"%s", c->words, COMMON);
		print_options(c->arguments);
		printf("\" ;;\n");
		if (strchr(second + 1, ' ') != NULL)	/* its third word: `server breaker` is reset's alone */
			printf("    \"%.*s\") words=\"%s\" ;;\n", (int)(strrchr(c->words, ' ') - c->words), c->words,
			    strrchr(c->words, ' ') + 1);
		if (is_again(c))
			continue;	/* the noun's own arm is there */
		printf("    %.*s) words=\"", (int)n, c->words);
		print_verbs(c);
		for (const struct command *v = commands; v->words != NULL; v++)
			if (strlen(v->words) == n && strncmp(v->words, c->words, n) == 0)
				print_options(v->arguments);
		printf("\" ;;\n");
	}
}

static void
print_bash(void)
{
	printf("# bash completion for mcpgwctl; made by: mcpgwctl completion bash\n"
	    "_mcpgwctl() {\n"
	    "  local words='' i first='' second='' third='' cur=\"${COMP_WORDS[COMP_CWORD]}\"\n"
	    "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
	    "    case \"${COMP_WORDS[i]}\" in\n"
	    "    -c|-o) i=$((i + 1)) ;;\n"
	    "    -*) ;;\n"
	    "    *) if [ -z \"$first\" ]; then first=${COMP_WORDS[i]}\n"
	    "       elif [ -z \"$second\" ]; then second=${COMP_WORDS[i]}\n"
	    "       elif [ -z \"$third\" ]; then third=${COMP_WORDS[i]}; fi ;;\n"
	    "    esac\n"
	    "  done\n"
	    "  for i in \"$first $second $third\" \"$first $second\" \"$first\"; do\n"
	    "    case \"$i\" in\n"
	    "    ''|' '|'  ') words=\"" COMMON);
	print_first_words();
	printf("\" ;;\n");
	print_arms();
	printf("    esac\n"
	    "    [ -z \"$words\" ] || break\n"
	    "  done\n"
	    "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	    "}\n"
	    "complete -o default -F _mcpgwctl mcpgwctl\n");
}

/* zsh runs bash's function. */
static void
print_zsh(void)
{
	printf("#compdef mcpgwctl\n"
	    "# zsh completion for mcpgwctl; made by: mcpgwctl completion zsh\n"
	    "autoload -U +X bashcompinit && bashcompinit\n");
	print_bash();
}

int
cmd_completion(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	none[] = { { NULL, NULL, NULL } };

	(void)ctl;
	(void)opts_take(none, argc, argv, 1, 1);
	if (strcmp(argv[0], "bash") == 0)
		print_bash();
	else if (strcmp(argv[0], "zsh") == 0)
		print_zsh();
	else
		fatal(EX_USAGE, "\"%s\": want bash or zsh", argv[0]);
	return out_end(0);
}
