#ifndef ROSENPASS_CONFIG_STRING_LIST_H
#define ROSENPASS_CONFIG_STRING_LIST_H

/* Growing lists of strings, such as the arguments of a command. Zeroed memory is an empty list. */

#include <stdbool.h>
#include <stddef.h>

struct string_list {
	char **words; /* allocated, as each of them is */
	size_t count;
};

/* Appends a string and takes ownership of it, on failure too. -1: out of memory. */
int string_list_append(struct string_list *list, char *text) __attribute__((warn_unused_result));

/* Returns true if both have the same strings in the same order. */
bool string_list_equal(const struct string_list *a, const struct string_list *b);

/* Frees all strings; the list is empty after that. */
void string_list_release(struct string_list *list);

#endif
