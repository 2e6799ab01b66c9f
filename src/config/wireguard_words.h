#ifndef ROSENPASS_CONFIG_WIREGUARD_WORDS_H
#define ROSENPASS_CONFIG_WIREGUARD_WORDS_H

/* Former names, until src/daemon uses the new ones. */

#include "config/wireguard_params.h"

#define wireguard_words wireguard_params
#define wireguard_words_release wireguard_params_release

#endif
