#ifndef ROSENPASS_CONFIG_ARGUMENTS_H
#define ROSENPASS_CONFIG_ARGUMENTS_H

/*
 * The words after `rosenpass exchange`:
 *
 *     public-key FILE secret-key FILE [listen ADDRESS:PORT]... [fwmark MARK] [verbose]
 *     [peer public-key FILE [endpoint HOST:PORT] [preshared-key FILE] [outfile FILE]
 *           [outfile-mode MODE] [outfile-group GROUP] [name NAME] [protocol-version V02|V03]
 *           [osk-organization ORGANIZATION osk-label LABEL [osk-label LABEL]...]
 *           [wireguard DEVICE PEER [EXTRA]...]]...
 *
 * Within each part the order is free. Everything after `wireguard DEVICE PEER` up to the
 * next `peer` is EXTRA. The words stay the caller's. What a value means is judged by
 * config_from_arguments().
 */

#include <stdbool.h>
#include <stddef.h>

#define ARGUMENTS_LISTEN_MAX 16
#define ARGUMENTS_OSK_LABELS_MAX 16
#define ARGUMENTS_PROBLEM_BYTES 512

struct arguments_peer {
	const char *public_key;
	const char *endpoint; /* NULL: none, and so on */
	const char *preshared_key;
	const char *outfile;
	const char *outfile_mode;
	const char *outfile_group;
	const char *name;
	const char *protocol_version;
	const char *osk_organization;
	const char *osk_labels[ARGUMENTS_OSK_LABELS_MAX];
	size_t osk_label_count;
	const char *wireguard_device;
	const char *wireguard_peer;
	char *const *wireguard_extra;
	size_t wireguard_extra_count;
};

struct arguments {
	const char *public_key;
	const char *secret_key;
	const char *fwmark;
	bool secret_key_was_private; /* it was given by its old name */
	bool verbose;
	const char *listen[ARGUMENTS_LISTEN_MAX];
	size_t listen_count;
	struct arguments_peer *peers; /* allocated */
	size_t peer_count;
};

/*
 * 0, or -1 and one English line in problem: an unknown or repeated word, one without
 * its value, a missing key, no memory. What was read is to be released in any case.
 */
int arguments_parse(struct arguments *arguments, char *const *words, size_t count,
                    char problem[static ARGUMENTS_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* The words after one `peer`. 0, or -1 and problem, which does not say which peer it is. */
int arguments_parse_peer(struct arguments_peer *peer, char *const *words, size_t count,
                         char problem[static ARGUMENTS_PROBLEM_BYTES]) __attribute__((warn_unused_result));

void arguments_release(struct arguments *arguments);

#endif
