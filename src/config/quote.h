#ifndef ROSENPASS_CONFIG_QUOTE_H
#define ROSENPASS_CONFIG_QUOTE_H

/* File names in output lines, quoted as existing readers of these lines expect. */

/*
 * An allocated string: text in double quotes, with \" \\ \n \t \r and \u{hex} for other control
 * characters; other UTF-8 stays as it is, a byte that is no UTF-8 becomes \xHEX. NULL: no memory.
 */
char *quote(const char *text);

#endif
