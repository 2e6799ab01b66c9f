#ifndef ROSENPASS_CONFIG_RP_CONFIG_H
#define ROSENPASS_CONFIG_RP_CONFIG_H

/*
 * What `rp` is asked to do, from a TOML file or from the words of a command line. rp.toml(5) describes the
 * keys. Every string is allocated and belongs to the config.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/rosenpass_config.h"

#define RP_CONFIG_DEFAULT_DEVICE "rosenpass0"
/* WireGuard has the port after it. */
#define RP_CONFIG_PORT_MAX 65534
/* The MTU that each host has to cope with in IPv4, and the smallest one of IPv6. */
#define RP_CONFIG_MTU_MIN 576
#define RP_CONFIG_MTU_V6_MIN 1280
#define RP_CONFIG_MTU_MAX 65535

struct rp_config_peer {
	unsigned line;         /* of the file, where the peer starts; 0: it is not from a file */
	char *name;            /* for people; NULL: none, and so on */
	char *public_keys_dir; /* always there, and no two peers have the same */
	char *endpoint;        /* HOST:PORT of its Rosenpass, the port up to RP_CONFIG_PORT_MAX */
	bool has_keepalive;
	uint16_t persistent_keepalive; /* seconds; 0: off */
	char *allowed_ips;             /* for wireguard_params_prefixes() */
	uint32_t dialects;             /* ROSENPASS_DIALECT_BITs; 0: all */
};

struct rp_config {
	char *file; /* that it was read from; NULL: none */
	bool verbose;
	char *private_keys_dir; /* always there */
	char *dev;              /* NULL: RP_CONFIG_DEFAULT_DEVICE */
	struct string_list ips; /* each one address for wireguard_params_prefixes(), as "fc00::1/64" */
	char *listen;           /* HOST:PORT, the port from 1 to RP_CONFIG_PORT_MAX; NULL: anywhere */
	uint32_t mtu;           /* 0: that of the path to the peers */
	struct config_fwmark fwmark;
	bool replace_routes; /* also routes that are somebody else's, until the end */
	struct rp_config_peer *peers;
	size_t peer_count;
};

/*
 * Reads a file. -1 and one line in problem, which names file, line and key, says what was expected
 * and, where it can, what to do; nothing is to be released then. No other file is looked at, no name is
 * resolved.
 */
int rp_config_read(struct rp_config *config, const char *path, char problem[static CONFIG_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

/* The same with the text in memory; path is for messages and for config->file. */
int rp_config_parse(struct rp_config *config, const char *text, size_t length, const char *path,
                    char problem[static CONFIG_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/*
 * The words after `rp exchange` and its options:
 *
 *     PRIVATE_KEYS_DIR [dev DEVICE] [ip ADDRESS[/BITS]]... [listen ADDRESS:PORT|PORT] [mtu BYTES]
 *     [fwmark MARK] [verbose]
 *     peer PUBLIC_KEYS_DIR [endpoint HOST:PORT] [persistent-keepalive SECONDS|off]
 *          [allowed-ips PREFIX,...] [name NAME] [protocol-version V02|V03]
 *     [peer ...]...
 *
 * Within each part the order is free. -1 and problem as above.
 */
int rp_config_from_words(struct rp_config *config, char *const *words, size_t count,
                         char problem[static CONFIG_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* Frees what it holds; zeroed after that. */
void rp_config_release(struct rp_config *config);

#endif
