#include "monitor/settings.h"

#include <string.h>

#include "system/log.h"

void settings_override(struct config *config, const struct settings_options *options)
{
	if (options->before_first_exchange != NULL)
		config->before_first_exchange = *options->before_first_exchange;
	if (options->on_exit != NULL)
		config->on_exit = *options->on_exit;
}

const char *settings_user(const struct config *config, const struct settings_options *options)
{
	return options->user != NULL ? options->user : config->user;
}

static void keep_threads(uint32_t present, uint32_t *next)
{
	if (*next != present)
		log_warn("reload: the number of threads stays as it is; restart the daemon to change "
		         "\"threads\"");
	*next = present;
}

void settings_keep(struct config *present, struct config *next, const struct settings_options *options)
{
	char *old = present->user;
	char *other = next->user;
	bool is_same = old == NULL || other == NULL ? old == other : strcmp(old, other) == 0;

	if (!is_same && options->user == NULL)
		log_warn("reload: the engine process stays as it is; \"user\" counts from the next start of "
		         "the daemon on");
	next->user = old;
	present->user = other;
	keep_threads(present->threads, &next->threads);
}
