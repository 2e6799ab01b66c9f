#include "rosenpass/commands.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rosenpass.h"
#include "system/base64.h"
#include "system/file.h"
#include "system/log.h"

#define HASH_BYTES 32
#define WORDS 8
#define WORD_CHARS 5
/* Words and the "-" between them, with a zero. */
#define TEXT_BYTES (WORDS * (WORD_CHARS + 1))

/*
 * Sixteen bits as a word that can be spoken: consonant, vowel, consonant, vowel, consonant (proquints,
 * https://arxiv.org/html/0901.4016).
 */
static void format_word(char out[static WORD_CHARS], unsigned bits)
{
	static const char consonants[] = "bdfghjklmnprstvz";
	static const char vowels[] = "aiou";

	out[0] = consonants[bits >> 12 & 15];
	out[1] = vowels[bits >> 10 & 3];
	out[2] = consonants[bits >> 6 & 15];
	out[3] = vowels[bits >> 4 & 3];
	out[4] = consonants[bits & 15];
}

static void format(char out[static TEXT_BYTES], const uint8_t hash[static HASH_BYTES])
{
	for (size_t i = 0; i < WORDS; i++) {
		format_word(out + i * (WORD_CHARS + 1), (unsigned)hash[2 * i] << 8 | hash[2 * i + 1]);
		out[i * (WORD_CHARS + 1) + WORD_CHARS] = i + 1 < WORDS ? '-' : '\0';
	}
}

/* Reads a public key into new memory; NULL: said. */
static uint8_t *read_key(const char *path)
{
	uint8_t *key = malloc(ROSENPASS_PUBLIC_KEY_BYTES);
	size_t length = 0;
	int result = key == NULL ? -ENOMEM : file_read(path, key, ROSENPASS_PUBLIC_KEY_BYTES, &length);

	if (result == 0 && length == ROSENPASS_PUBLIC_KEY_BYTES)
		return key;
	if (result == 0 &&
	    (length == ROSENPASS_SECRET_KEY_BYTES || length == ROSENPASS_SECRET_KEY_OLD_BYTES)) {
		/* It was read into ordinary memory. */
		sodium_memzero(key, ROSENPASS_PUBLIC_KEY_BYTES);
		log_error("\"%s\" has the size of a secret key, which nobody else should see; compare the "
		          "public key",
		          path);
	} else if (result != 0 && result != -EFBIG) {
		log_error("cannot read \"%s\": %s", path, strerror(-result));
	} else {
		log_error("\"%s\" is not a public key: a public key has %d bytes", path,
		          ROSENPASS_PUBLIC_KEY_BYTES);
	}
	free(key);
	return NULL;
}

/* -1: said. */
static int make(char out[static TEXT_BYTES], const char *path)
{
	uint8_t *key = read_key(path);
	uint8_t hash[HASH_BYTES];

	if (key == NULL)
		return -1;
	(void)crypto_generichash(hash, sizeof hash, key, ROSENPASS_PUBLIC_KEY_BYTES, NULL, 0);
	format(out, hash);
	free(key);
	return 0;
}

/* The ids that log lines and the status call a peer by. -1: said. */
static int print_peer_ids(const char *path)
{
	static const struct {
		enum rosenpass_dialect dialect;
		const char *hash;
	} kinds[] = { { ROSENPASS_BLAKE2B_188, "BLAKE2b" }, { ROSENPASS_SHAKE256_156, "SHAKE256" } };
	uint8_t *key = read_key(path);

	if (key == NULL)
		return -1;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		uint8_t id[ROSENPASS_PEER_ID_BYTES];
		char text[BASE64_KEY_CHARS + 1];

		rosenpass_peer_id(id, key, kinds[i].dialect);
		base64_encode_key(text, id);
		(void)printf("%s  %s  %s\n", text, kinds[i].hash, path);
	}
	free(key);
	return 0;
}

static int print_words(const char *path)
{
	char text[TEXT_BYTES];

	if (make(text, path) != 0)
		return -1;
	(void)printf("%s  %s\n", text, path);
	return 0;
}

/* The next letter of a text, small, whatever stands between the words; 0: no more. */
static char next_letter(const char **text)
{
	while (**text != '\0' && !isalpha((unsigned char)**text))
		(*text)++;
	return **text == '\0' ? '\0' : (char)tolower((unsigned char)*(*text)++);
}

static bool is_same(const char *a, const char *b)
{
	for (;;) {
		char x = next_letter(&a);

		if (x != next_letter(&b))
			return false;
		if (x == '\0')
			return true;
	}
}

static int check(const char *words, const char *path)
{
	char text[TEXT_BYTES];

	if (make(text, path) != 0)
		return COMMAND_FAILED;
	if (!is_same(text, words)) {
		log_error("\"%s\" is another key: %s", path, text);
		return COMMAND_FAILED;
	}
	(void)printf("%s  %s\n", text, path);
	return fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static int usage_error(const char *problem, const char *word)
{
	log_error("fingerprint: %s%s; rosenpass help fingerprint shows the usage", problem, word);
	return COMMAND_USAGE;
}

int command_fingerprint(int count, char **words)
{
	static const struct option options[] = {
		{ "check", required_argument, NULL, 'c' },
		{ "peer-id", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *expected = NULL;
	bool wants_ids = false;
	int status = COMMAND_OK;
	int option;

	/* 0 makes getopt start afresh: main has used it. */
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(count, words, ":c:ph", options, NULL)) != -1) {
		if (option == 'h')
			return COMMAND_HELP;
		if (option == ':')
			return usage_error("the words are missing after ", words[optind - 1]);
		if (option == 'c')
			expected = optarg;
		else if (option == 'p')
			wants_ids = true;
		else
			return usage_error("unknown option ", words[optind - 1]);
	}
	if (optind == count)
		return usage_error("a public-key file is missing", "");
	if (expected != NULL && wants_ids)
		return usage_error("only one of --check and --peer-id can be given", "");
	if (expected != NULL)
		return count - optind == 1 ? check(expected, words[optind])
		                           : usage_error("--check compares one file", "");
	for (int i = optind; i < count; i++) {
		if ((wants_ids ? print_peer_ids(words[i]) : print_words(words[i])) != 0)
			status = COMMAND_FAILED;
	}
	return fflush(stdout) == 0 ? status : COMMAND_FAILED;
}
