#include "rp/labels.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"

/* Where the last `parts` components of a path begin. */
static const char *last_parts(const char *path, size_t parts)
{
	const char *at = path + strlen(path);

	for (; parts > 0; parts--) {
		while (at > path && at[-1] == '/')
			at--;
		while (at > path && at[-1] != '/')
			at--;
	}
	return at;
}

/* Without slashes at the end. NULL: no memory. */
static char *copy_parts(const char *path, size_t parts)
{
	const char *from = last_parts(path, parts);
	size_t length = strlen(from);

	while (length > 0 && from[length - 1] == '/')
		length--;
	return strndup(from, length);
}

/* rosenpass peer remove and others take numbers for those of peers. */
static bool is_number(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static bool is_label(const char *text)
{
	return value_is_name(text) && !is_number(text) && strcmp(text, "/") != 0;
}

/* "." and ".." and links say nothing: what the directory is called. NULL: no memory. */
static char *make(const char *directory, size_t parts)
{
	const char *last = last_parts(directory, 1);
	bool is_plain = last[strspn(last, "./")] != '\0' && (parts == 1 || last != directory);
	char *resolved = is_plain ? NULL : realpath(directory, NULL);
	char *label = copy_parts(resolved != NULL ? resolved : directory, parts);

	free(resolved);
	return label;
}

struct label {
	char *text;
	size_t peer;
	bool is_given; /* the peer's name, which stays */
};

static int compare(const void *a, const void *b)
{
	const struct label *left = a;
	const struct label *right = b;

	if (left->text == NULL || right->text == NULL)
		return (left->text == NULL) - (right->text == NULL);
	return strcmp(left->text, right->text);
}

/*
 * Replaces labels that several peers have by longer ones, with two parts of the path; parts 0: by none. -1:
 * no memory.
 */
static int separate(struct label *labels, const struct rp_config *config, size_t parts)
{
	bool was_same = false;
	int result = 0;

	qsort(labels, config->peer_count, sizeof *labels, compare);
	for (size_t i = 0; i < config->peer_count && labels[i].text != NULL; i++) {
		bool is_same = i + 1 < config->peer_count && labels[i + 1].text != NULL &&
		               strcmp(labels[i].text, labels[i + 1].text) == 0;
		char *longer;

		if ((is_same || was_same) && !labels[i].is_given) {
			/* The next one is compared with it first. */
			longer = parts == 0 ? NULL
			                    : make(config->peers[labels[i].peer].public_keys_dir, parts);
			if (parts > 0 && longer == NULL)
				result = -1;
			if (longer != NULL && !is_label(longer)) {
				free(longer);
				longer = NULL;
			}
			free(labels[i].text);
			labels[i].text = longer;
		}
		was_same = is_same;
	}
	return result;
}

static int fill(struct label *labels, const struct rp_config *config)
{
	for (size_t i = 0; i < config->peer_count; i++) {
		const struct rp_config_peer *peer = &config->peers[i];

		labels[i].peer = i;
		labels[i].is_given = peer->name != NULL;
		labels[i].text = peer->name != NULL ? strdup(peer->name) : make(peer->public_keys_dir, 1);
		if (labels[i].text == NULL)
			return -1;
		if (!labels[i].is_given && !is_label(labels[i].text)) {
			free(labels[i].text);
			labels[i].text = NULL;
		}
	}
	return separate(labels, config, 2) != 0 || separate(labels, config, 0) != 0 ? -1 : 0;
}

int labels_make(char ***out, const struct rp_config *config)
{
	struct label *labels = calloc(config->peer_count + 1, sizeof *labels);
	char **texts = calloc(config->peer_count + 1, sizeof(*texts));
	int result = labels == NULL || texts == NULL ? -1 : fill(labels, config);

	for (size_t i = 0; labels != NULL && i < config->peer_count; i++) {
		if (result == 0)
			texts[labels[i].peer] = labels[i].text;
		else
			free(labels[i].text);
	}
	free(labels);
	if (result != 0) {
		free(texts);
		return -1;
	}
	*out = texts;
	return 0;
}

void labels_release(char **labels, size_t count)
{
	for (size_t i = 0; labels != NULL && i < count; i++)
		free(labels[i]);
	free(labels);
}
