#ifndef ROSENPASS_PROGRAMS_RP_KEYS_H
#define ROSENPASS_PROGRAMS_RP_KEYS_H

/*
 * Folders of keys: private (wgsk, pqsk, pqpk) and public (wgpk, pqpk, perhaps psk). Problems are one line
 * that names the file and the remedy, and never a key. The files of Rosenpass are found here, and read by
 * system/key_file.h.
 */

#include <stddef.h>
#include <stdint.h>

#define RP_KEYS_WIREGUARD_BYTES 32
#define RP_KEYS_PROBLEM_BYTES 512

/* Names in these folders. */
#define RP_KEYS_WGSK "wgsk"
#define RP_KEYS_WGPK "wgpk"
#define RP_KEYS_PQSK "pqsk"
#define RP_KEYS_PQPK "pqpk"
#define RP_KEYS_PSK "psk"

struct rp_keys_private {
	uint8_t *wireguard; /* RP_KEYS_WIREGUARD_BYTES in secret memory */
	char *secret_key;   /* the path of pqsk, and so on */
	char *public_key;
};

struct rp_keys_public {
	uint8_t wireguard[RP_KEYS_WIREGUARD_BYTES];
	char *public_key;
	char *pre_shared_key; /* NULL: there is none */
};

/* FOLDER/NAME, allocated; NULL: no memory. */
char *rp_keys_path(const char *folder, const char *name);

/*
 * What a folder has; every file but psk has to be there. 0, or -1 and problem; then all is zeroed and
 * nothing is to be released.
 */
int rp_keys_load_private(struct rp_keys_private *keys, const char *folder,
                         char problem[static RP_KEYS_PROBLEM_BYTES]) __attribute__((warn_unused_result));
int rp_keys_load_public(struct rp_keys_public *keys, const char *folder,
                        char problem[static RP_KEYS_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* The secret key of WireGuard alone. -1 and problem; key is then wiped. */
int rp_keys_read_wireguard(uint8_t key[static RP_KEYS_WIREGUARD_BYTES], const char *folder,
                           char problem[static RP_KEYS_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* The path of pqpk in a private folder, allocated. NULL and problem: it is not there. */
char *rp_keys_find_public(const char *folder, char problem[static RP_KEYS_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

/* Whether nothing is in a folder: 1, 0, or negative errno. */
int rp_keys_is_empty(const char *folder) __attribute__((warn_unused_result));

/* Warns of a private folder, or a wgsk in it, that others can get at; of pqsk the daemon does. */
void rp_keys_warn_private(const char *folder);

/* Wiped and zeroed. */
void rp_keys_release_private(struct rp_keys_private *keys);
void rp_keys_release_public(struct rp_keys_public *keys);

#endif
