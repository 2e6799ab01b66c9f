#include "config/string_list.h"

#include <stdlib.h>
#include <string.h>

int string_list_append(struct string_list *list, char *text)
{
	char **longer = reallocarray(list->words, list->count + 1, sizeof *longer);

	if (longer == NULL) {
		free(text);
		return -1;
	}
	list->words = longer;
	list->words[list->count++] = text;
	return 0;
}

bool string_list_equal(const struct string_list *a, const struct string_list *b)
{
	for (size_t i = 0; a->count == b->count && i < a->count; i++) {
		if (strcmp(a->words[i], b->words[i]) != 0)
			return false;
	}
	return a->count == b->count;
}

void string_list_release(struct string_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->words[i]);
	free(list->words);
	*list = (struct string_list){ 0 };
}
