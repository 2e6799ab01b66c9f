#include "monitor/daemon_check.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor/plan_claims.h"
#include "monitor/plan_validate.h"
#include "system/log.h"

static_assert(DAEMON_CHECK_PROBLEM_BYTES == PLAN_PROBLEM_BYTES, "problems of plans fit");

char *daemon_check_name(const struct config *config, const struct daemon_identity *identity)
{
	const char *file = identity->name != NULL ? identity->name : config->file;
	const char *slash = file == NULL ? NULL : strrchr(file, '/');
	char *name = NULL;

	if (file == NULL)
		return asprintf(&name, "exchange-%ld", (long)getpid()) < 0 ? NULL : name;
	name = strdup(slash == NULL ? file : slash + 1);
	if (name != NULL && identity->name == NULL) {
		char *end = strrchr(name, '.');

		if (end != NULL && end != name && strcmp(end, ".toml") == 0)
			*end = '\0';
	}
	return name;
}

bool daemon_check_has_name(const struct config *config, const struct daemon_identity *identity)
{
	return !identity->is_temporary && (config->file != NULL || identity->name != NULL);
}

/* name: as of daemon_check_name(). */
static struct plan_daemon describe(const struct config *config, const struct daemon_identity *identity,
                                   const char *name)
{
	return (struct plan_daemon){
		.name = name,
		.has_name = daemon_check_has_name(config, identity),
		.inputs = identity->inputs,
		.input_count = identity->input_count,
	};
}

bool daemon_check_config(const struct config *config)
{
	static const struct daemon_identity identity;
	char *name = daemon_check_name(config, &identity);
	const struct plan_daemon daemon = describe(config, &identity, name);
	bool is_good = name != NULL && plan_validate(config, &daemon);

	if (name == NULL)
		log_error("out of memory");
	free(name);
	return is_good;
}

int daemon_check_output(const struct config *config, const struct daemon_identity *identity,
                        const char *setting, const char *path,
                        char problem[static DAEMON_CHECK_PROBLEM_BYTES])
{
	char *name = daemon_check_name(config, identity);
	const struct plan_daemon daemon = describe(config, identity, name);
	int result = -1;

	if (name == NULL)
		(void)snprintf(problem, DAEMON_CHECK_PROBLEM_BYTES, "out of memory");
	else
		result = plan_claims_check_output(config, &daemon, setting, path, problem);
	free(name);
	return result;
}
