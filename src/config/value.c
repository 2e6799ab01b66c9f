#include "config/value.h"

#include <net/if.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_utf8.h"
#include "config/endpoint_syntax.h"
#include "config/variables.h"
#include "rosenpass.h"

#define WIREGUARD_KEY_BYTES 32
#define WIREGUARD_KEY_CHARS 44
#define DIGITS "0123456789"
#define HEX_DIGITS DIGITS "abcdefABCDEF"

/* So much of what the user wrote is shown that the rest of the message still has room. */
#define TEXT_SHOWN 100

/* Takes over what was allocated, if it was. */
static int give(char **out, const struct config_place *place, char *text)
{
	if (text == NULL)
		return place_fail(place, "out of memory");
	*out = text;
	return 0;
}

int value_any(char **out, const struct config_place *place, const char *key, const char *text)
{
	(void)key;
	return give(out, place, strdup(text));
}

int value_text(char **out, const struct config_place *place, const char *key, const char *text)
{
	if (text[0] == '\0')
		return place_fail(place, "%s is empty", key);
	return give(out, place, strdup(text));
}

/* What is written ~ is replaced; text is not empty. */
static int replace_home(char **out, const struct config_place *place, const char *key, const char *text)
{
	const char *home = getenv("HOME");
	char *path = NULL;

	if (text[0] != '~')
		return give(out, place, strdup(text));
	if (text[1] != '\0' && text[1] != '/')
		return place_fail(place,
		                  "%s \"%.*s\": only ~ and ~/ are replaced, no other user's home directory; "
		                  "write it out, or ./~ for a file of that name",
		                  key, TEXT_SHOWN, text);
	/* The result must not need replacing once more, when it is written to a file and read again. */
	if (home == NULL || home[0] != '/')
		return place_fail(place,
		                  "%s \"%.*s\": there is no home directory for the ~, as HOME is not set; "
		                  "write the path out",
		                  key, TEXT_SHOWN, text);
	if (asprintf(&path, "%s%s", strcmp(home, "/") == 0 && text[1] == '/' ? "" : home, text + 1) < 0)
		path = NULL;
	return give(out, place, path);
}

int value_path(char **out, const struct config_place *place, const char *key, const char *text)
{
	char *replaced = NULL;
	int result;

	if (text[0] == '\0')
		return place_fail(place, "%s is empty; expected the name of a file", key);
	/* On a command line the shell has done that. */
	if (place->file == NULL)
		return replace_home(out, place, key, text);
	if (variables_replace(&replaced, place, key, text) != 0)
		return -1;
	/* A ~ is one as it was written, not as a variable begins. */
	result =
		text[0] == '~' ? replace_home(out, place, key, replaced) : give(out, place, strdup(replaced));
	free(replaced);
	return result;
}

/* What the owner needs, and what all others may not be given. */
#define MODE_NEEDED 0600
#define MODE_ALLOWED 0664
#define MODE_MAX 07777

int value_mode_number(uint32_t *out, const struct config_place *place, const char *key, int64_t number)
{
	const char *problem = NULL;
	unsigned mode = (unsigned)number;

	if (number < 0 || number > MODE_MAX)
		problem = "is not a file mode";
	else if ((mode & MODE_NEEDED) != MODE_NEEDED)
		problem = "does not let the owner read and write";
	else if ((mode & 02) != 0)
		problem = "lets everybody write";
	else if ((mode & ~(unsigned)MODE_ALLOWED) != 0)
		problem = "has more than permissions to read and write";
	else if ((mode & 060) == 020)
		problem = "lets the group write and not read";
	if (problem == NULL) {
		*out = mode;
		return 0;
	}
	return place_fail(place, "%s %#llo %s; expected an octal mode such as \"0640\" or 0o640", key,
	                  (unsigned long long)number, problem);
}

int value_mode(uint32_t *out, const struct config_place *place, const char *key, const char *text)
{
	const char *digits = strncmp(text, "0o", 2) == 0 ? text + 2 : text;
	size_t length = strlen(digits);

	if (length < 3 || length > 5 || digits[strspn(digits, "01234567")] != '\0')
		return place_fail(place, "%s \"%.*s\" is not an octal mode; expected one such as 0640", key,
		                  TEXT_SHOWN, text);
	return value_mode_number(out, place, key, strtol(digits, NULL, 8));
}

static int copy_address(char **out, const struct config_place *place, const char *key, const char *text,
                        bool is_listen)
{
	char *expanded = endpoint_syntax_expand(text, is_listen);
	const char *problem = expanded == NULL ? NULL : endpoint_syntax_problem(expanded, is_listen);

	if (problem == NULL)
		return give(out, place, expanded);
	free(expanded);
	return place_fail(place, "%s \"%.*s\" %s", key, TEXT_SHOWN, text, problem);
}

int value_endpoint(char **out, const struct config_place *place, const char *key, const char *text)
{
	return copy_address(out, place, key, text, false);
}

int value_listen(char **out, const struct config_place *place, const char *key, const char *text)
{
	return copy_address(out, place, key, text, true);
}

/* Control characters, and those that are not seen or change how others are. */
static bool is_printable(uint32_t point)
{
	return point >= 0x20 && (point < 0x7f || point > 0x9f) && (point < 0x200b || point > 0x200f) &&
	       (point < 0x2028 || point > 0x202e) && (point < 0x2060 || point > 0x206f) && point != 0xfeff;
}

bool value_is_name(const char *text)
{
	size_t count = 0;

	while (*text != '\0') {
		uint32_t point = 0;
		size_t length = config_utf8_decode(text, &point);

		if (length == 0 || !is_printable(point) || ++count > CONFIG_NAME_CHARS_MAX)
			return false;
		text += length;
	}
	return count > 0;
}

int value_name(char **out, const struct config_place *place, const char *key, const char *text)
{
	/* It is not shown: it may be anything. */
	if (!value_is_name(text))
		return place_fail(place, "%s has to be 1 to %d printable characters", key,
		                  CONFIG_NAME_CHARS_MAX);
	return give(out, place, strdup(text));
}

int value_device(char **out, const struct config_place *place, const char *key, const char *text)
{
	size_t length = strlen(text);

	/* What the kernel refuses as a name. */
	if (length == 0 || length >= IF_NAMESIZE || strcmp(text, ".") == 0 || strcmp(text, "..") == 0 ||
	    strpbrk(text, "/: \t\r\n\v\f") != NULL)
		return place_fail(place,
		                  "%s \"%.*s\" cannot be a network interface; expected a name of 1 to %d "
		                  "characters such as wg0",
		                  key, TEXT_SHOWN, text, IF_NAMESIZE - 1);
	return give(out, place, strdup(text));
}

int value_wireguard_peer(char **out, const struct config_place *place, const char *key, const char *text)
{
	uint8_t bytes[WIREGUARD_KEY_BYTES];
	size_t length = 0;
	bool good = strlen(text) == WIREGUARD_KEY_CHARS;

	/* libsodium takes bytes from 0x80 on for characters of the alphabet, where char is signed. */
	for (const char *at = text; good && *at != '\0'; at++)
		good = (unsigned char)*at < 0x80;
	good = good && sodium_base642bin(bytes, sizeof bytes, text, WIREGUARD_KEY_CHARS, NULL, &length, NULL,
	                                 sodium_base64_VARIANT_ORIGINAL) == 0;
	/* People mix up public, private and preshared keys: the text is not shown. */
	if (!good || length != sizeof bytes) {
		sodium_memzero(bytes, sizeof bytes);
		return place_fail(place,
		                  "%s is not a WireGuard public key; expected 32 bytes in base64 (44 "
		                  "characters, as wg pubkey prints them)",
		                  key);
	}
	sodium_memzero(bytes, sizeof bytes);
	return give(out, place, strdup(text));
}

int value_dialects(uint32_t *out, const struct config_place *place, const char *key, const char *text)
{
	if (strcmp(text, "V02") == 0)
		*out = CONFIG_DIALECTS_V02;
	else if (strcmp(text, "V03") == 0)
		*out = CONFIG_DIALECTS_V03;
	else
		return place_fail(place,
		                  "%s \"%.*s\" is not known; expected V02 or V03, or leave it out to allow "
		                  "both",
		                  key, TEXT_SHOWN, text);
	return 0;
}

/* A number of 32 bits; false: the text is none. */
static bool read_mark(uint32_t *out, const char *text)
{
	bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = is_hex ? text + 2 : text;
	unsigned long long value;

	if (digits[0] == '\0' || digits[strspn(digits, is_hex ? HEX_DIGITS : DIGITS)] != '\0')
		return false;
	/* A number that overflows becomes ULLONG_MAX. */
	value = strtoull(digits, NULL, is_hex ? 16 : 10);
	if (value > UINT32_MAX)
		return false;
	*out = (uint32_t)value;
	return true;
}

int value_fwmark(struct config_fwmark *out, const struct config_place *place, const char *key,
                 const char *text)
{
	struct config_fwmark mark = { .is_fixed = strcmp(text, "auto") != 0 };

	if (mark.is_fixed && strcmp(text, "off") != 0 && !read_mark(&mark.mark, text))
		return place_fail(place,
		                  "%s \"%.*s\" is not a mark; expected auto, off, or a number up to "
		                  "4294967295 (0xffffffff)",
		                  key, TEXT_SHOWN, text);
	*out = mark;
	return 0;
}
