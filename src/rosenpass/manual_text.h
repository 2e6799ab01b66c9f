#ifndef ROSENPASS_ROSENPASS_MANUAL_TEXT_H
#define ROSENPASS_ROSENPASS_MANUAL_TEXT_H

/* A man page as plain text, for where nobody can format it. */

#include <stdio.h>

/*
 * Writes a page in the mdoc(7) macros that ours use: headings, paragraphs filled to 78 columns, lists,
 * literal lines. What it does not know is written as the words that it has. Errors stay on the stream.
 */
void manual_text_write(FILE *stream, const char *page);

#endif
