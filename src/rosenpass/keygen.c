#include "rosenpass/commands.h"

#include <stddef.h>
#include <string.h>

#include "rosenpass/gen_keys.h"
#include "system/log.h"

/*
 * keygen public-key FILE private-key|secret-key FILE: what gen-keys was once called. Scripts of those days
 * expect that it replaces existing files.
 */
int command_keygen(int count, char **words)
{
	const char *public_key = NULL;
	const char *secret_key = NULL;

	for (int i = 1; i < count; i += 2) {
		const char **file = NULL;

		if (strcmp(words[i], "public-key") == 0)
			file = &public_key;
		else if (strcmp(words[i], "private-key") == 0 || strcmp(words[i], "secret-key") == 0)
			file = &secret_key;
		if (file == NULL) {
			log_error("keygen: Unknown option `%s`; expected public-key or private-key",
			          words[i]);
			return COMMAND_FAILED;
		}
		if (i + 1 == count) {
			log_error("keygen: a file is missing after %s", words[i]);
			return COMMAND_FAILED;
		}
		*file = words[i + 1];
	}
	if (secret_key == NULL || public_key == NULL) {
		log_error("keygen: %s is required; rosenpass help gen-keys shows the command that replaces "
		          "this one",
		          secret_key == NULL ? "private-key" : "public-key");
		return COMMAND_FAILED;
	}
	log_warn("keygen is deprecated and replaces existing files; please use gen-keys instead");
	return gen_keys_make("keygen", public_key, secret_key, true);
}
