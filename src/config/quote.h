#ifndef ROSENPASS_CONFIG_QUOTE_H
#define ROSENPASS_CONFIG_QUOTE_H

/* File names in output lines, quoted as existing readers of these lines expect. */

/*
 * An allocated string: text in double quotes, with \" \\ \n \t \r \0 and \u{hex} for other control
 * characters; other UTF-8 stays as it is, a byte that is no UTF-8 becomes U+FFFD. NULL: no memory.
 */
char *quote(const char *text);

#endif
