#include "config/suggest.h"

#include <ctype.h>
#include <string.h>

#define WORD_MAX 48
#define BEGINNING_MIN 3

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static char fold(char c)
{
	return c == '_' ? '-' : (char)tolower((unsigned char)c);
}

/* Three rows of the table of distances between all beginnings of both words. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][WORD_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3];
		const unsigned *before = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned other = fold(a[i - 1]) != fold(b[j - 1]);

			row[j] = smaller(above[j - 1] + other, smaller(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
			    fold(a[i - 2]) == fold(b[j - 1]))
				row[j] = smaller(row[j], before[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

const char *suggest_nearest(const char *word, const char *const *candidates, size_t count)
{
	size_t length = strlen(word);
	unsigned best = (unsigned)(length / 3 + 1);
	const char *nearest = NULL;

	if (length > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t candidate = strlen(candidates[i]);
		unsigned d = candidate > WORD_MAX ? best : distance(word, length, candidates[i], candidate);

		if (d >= best)
			continue;
		best = d;
		nearest = candidates[i];
	}
	return nearest;
}

const char *suggest_command(const char *word, const char *const *names, size_t count)
{
	const char *nearest = suggest_nearest(word, names, count);
	size_t length = strlen(word);

	if (nearest != NULL || length < BEGINNING_MIN)
		return nearest;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(names[i], word, length) != 0)
			continue;
		if (nearest != NULL)
			return NULL;
		nearest = names[i];
	}
	return nearest;
}
