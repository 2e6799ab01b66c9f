#ifndef ROSENPASS_CONFIG_CONFIG_H
#define ROSENPASS_CONFIG_CONFIG_H

/* Former names, until src/daemon uses the new ones. */

#include "config/rosenpass_config.h"

#define config_words string_list
#define config_words_equal string_list_equal

#endif
