#ifndef ROSENPASS_CONFIG_ENDPOINT_SYNTAX_H
#define ROSENPASS_CONFIG_ENDPOINT_SYNTAX_H

/* The form of HOST:PORT, before anybody asks a name server. */

#include <stdbool.h>

/*
 * The text in the form that all of us understand, allocated; NULL: no memory. IPv4 addresses in the shorter
 * forms of inet_aton(3), such as 0 and 127.1, get their four numbers. With is_listen, PORT, ":PORT" and
 * "*:PORT" become
 * "[::]:PORT", which stands for every address of both families. Any other text stays as it is, also a wrong
 * one.
 */
char *endpoint_syntax_expand(const char *text, bool is_listen) __attribute__((warn_unused_result));

/*
 * Returns NULL for "name:PORT", "1.2.3.4:PORT", "[v6]:PORT" and "[v6%scope]:PORT" (scope: name or number of
 * an interface), with a port from 1 to 65535. Where we listen, the port may be 0, and the address may be the
 * one that means every address. Multicast and broadcast addresses are refused. Else returns an English reason
 * that goes on after the text itself, as in: listen "::1:9" looks like ...
 */
const char *endpoint_syntax_problem(const char *text, bool is_listen);

#endif
