/* SPDX-License-Identifier: Apache-2.0
 *
 * words.h - the words of a text, as a search compares them
 *
 * fetchPage2, fetch_page_2 and "Fetch page 2" have the same three: words end where a small letter meets
 * a capital one, where letters meet digits, and at everything that is neither.  ASCII letters lose their
 * case; other letters stay as they are.
 */
#ifndef MCP_WORDS_H
#define MCP_WORDS_H

#include <stdint.h>

#include "lib/span.h"

#define WORDS_BYTES_MAX	64	/* of one word; what is longer is compared by its beginning */

struct words {
	const char	*p, *end;
	char		 word[WORDS_BYTES_MAX];
};

/* The text is borrowed until the last word. */
void	words_begin(struct words *w, struct span text);
/* The next word, borrowed until the next call; false when there is none. */
bool	words_next(struct words *w, struct span *word);

#endif
