#ifndef ROSENPASS_CONFIG_ROSENPASS_CONFIG_H
#define ROSENPASS_CONFIG_ROSENPASS_CONFIG_H

/*
 * What a daemon is asked to do, from a TOML file or from the words of a command line.
 * rosenpass.toml(5) describes the keys. Every string is allocated and belongs to the config.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/place.h"
#include "config/string_list.h"
#include "config/wireguard_params.h"
#include "rosenpass.h"

#define CONFIG_LISTEN_MAX 16
#define CONFIG_PEERS_MAX 100000
/* The number of characters, of up to four bytes each. */
#define CONFIG_NAME_CHARS_MAX 64
#define CONFIG_OSK_LABELS_MAX 64
/* What organization and labels may have together, with a zero after each. */
#define CONFIG_OSK_BYTES 1024

/* The dialects that a protocol_version stands for. */
#define CONFIG_DIALECTS_V02 \
	(ROSENPASS_DIALECT_BIT(ROSENPASS_BLAKE2B_188) | ROSENPASS_DIALECT_BIT(ROSENPASS_BLAKE2B_156))
#define CONFIG_DIALECTS_V03 ROSENPASS_DIALECT_BIT(ROSENPASS_SHAKE256_156)

enum config_verbosity {
	CONFIG_QUIET, /* the default */
	CONFIG_VERBOSE,
};

/* The mark (fwmark) that our datagrams carry. Zeroed memory: that of the WireGuard interface. */
struct config_fwmark {
	bool is_fixed;
	uint32_t mark; /* with is_fixed; 0: none */
};

#define CONFIG_THREADS_MAX 16

/* What becomes of the preshared key that a WireGuard peer has, before the first exchange. */
enum config_before {
	CONFIG_BLOCK, /* a random one takes its place */
	CONFIG_LEAVE, /* it stays; the default of files and command lines */
};

/* What becomes of the keys of exchanges when the daemon ends. */
enum config_on_exit {
	CONFIG_KEEP,   /* they stay; the default */
	CONFIG_RANDOM, /* random ones take their places */
};

struct config_peer {
	unsigned line; /* of the file, where the peer starts; 0: it is not from a file */
	char *name;    /* for people; NULL: none, and so on */
	char *public_key;
	char *pre_shared_key;
	char *endpoint;
	char *key_out;
	/* What key_out becomes where it is not there yet. */
	uint32_t key_out_mode; /* 0: not said */
	char *key_out_group;   /* name or number */
	char *device;          /* WireGuard: device and wireguard_peer are there both or none */
	char *wireguard_peer;
	struct wireguard_params extra_params; /* zeroed: none */
	struct string_list exchange_command;  /* count 0: none */
	uint32_t dialects;                    /* ROSENPASS_DIALECT_BITs; 0: all */
	char *osk_organization;               /* both or none */
	struct string_list osk_labels;
};

struct config {
	char *file; /* that it was read from; NULL: none */
	char *public_key;
	char *secret_key;
	struct string_list listen;
	enum config_verbosity verbosity;
	uint32_t key_out_mode; /* of peers that say nothing; and so on */
	char *key_out_group;
	enum config_before before_first_exchange;
	enum config_on_exit on_exit;
	char *user; /* that the engine process becomes when started as root; NULL: not said */
	struct config_fwmark fwmark;
	uint32_t
		threads; /* of the engine process, in addition to its first one; at most CONFIG_THREADS_MAX */
	struct config_peer *peers;
	size_t peer_count;
	bool secret_key_was_private; /* the command line called it private-key */
};

/* Whose configuration a file is. */
enum config_kind {
	CONFIG_KIND_UNKNOWN, /* no TOML, or without the keys that tell */
	CONFIG_KIND_ROSENPASS,
	CONFIG_KIND_RP,
};

enum config_kind config_kind_of_text(const char *text, size_t length);

/*
 * Reads a file. -1 and one line in problem, which names file, line and key, says what was
 * expected and, where it can, what to do: unreadable, no TOML, an unknown key (with the
 * nearest known one), a value of the wrong type or form, a key that is missing or comes without
 * its companion, two peers of one name. After that nothing is to be released.
 * No other file is looked at, no name is resolved.
 */
int config_read(struct config *config, const char *path, char problem[static CONFIG_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

/* The same with the text in memory; path is for messages and for config->file. */
int config_parse(struct config *config, const char *text, size_t length, const char *path,
                 char problem[static CONFIG_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* Reads the values of before_first_exchange and on_exit. Returns false if the word is not one of them. */
bool config_before_from_word(enum config_before *out, const char *word);
bool config_on_exit_from_word(enum config_on_exit *out, const char *word);

/*
 * Reads the words after `rosenpass exchange`:
 *
 *     public-key FILE secret-key FILE [listen ADDRESS:PORT]... [fwmark MARK] [verbose]
 *     [peer public-key FILE [endpoint HOST:PORT] [preshared-key FILE] [outfile FILE]
 *           [outfile-mode MODE] [outfile-group GROUP] [name NAME] [protocol-version V02|V03]
 *           [osk-organization ORGANIZATION osk-label LABEL [osk-label LABEL]...]
 *           [wireguard DEVICE PEER [EXTRA]...]]...
 *
 * Within each part the order is free. Everything after `wireguard DEVICE PEER` up to the next `peer` is
 * EXTRA. -1 and problem as above.
 */
int config_from_words(struct config *config, char *const *words, size_t count,
                      char problem[static CONFIG_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* One peer from the words after `peer` (public-key FILE ...), as `rosenpass peer add` gets them. */
int config_peer_from_words(struct config_peer *peer, char *const *words, size_t count,
                           char problem[static CONFIG_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* Gives a peer what holds for all that say nothing else. -1: no memory. */
int config_peer_inherit(struct config_peer *peer, const struct config *config)
	__attribute__((warn_unused_result));

/*
 * The config as TOML that config_parse() reads back to the same; allocated. NULL and errno: ENOMEM; EILSEQ:
 * a text from a command line is no UTF-8, as a file name may be, and cannot be written.
 */
char *config_format(const struct config *config);

/* Frees what it holds; zeroed after that. */
void config_release(struct config *config);
void config_peer_release(struct config_peer *peer);

/*
 * Whether two peers want the same but for the contents of files: keys are compared by name
 * of the file.
 */
bool config_peer_equal(const struct config_peer *a, const struct config_peer *b);

#endif
