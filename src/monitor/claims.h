#ifndef ROSENPASS_MONITOR_CLAIMS_H
#define ROSENPASS_MONITOR_CLAIMS_H

/*
 * What is used for what: files that are read or written, by identity and not by spelling, and words that
 * only one peer may have. A file that is written is nobody else's; those that are only read may be shared.
 * Each lookup takes the time of a hash table.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rosenpass.h"
#include "system/file_identity.h"

#define CLAIMS_PROBLEM_BYTES 640

enum claims_use {
	CLAIMS_INPUT,
	CLAIMS_OUTPUT,
};

/* Kinds of words. */
enum claims_kind {
	CLAIMS_WIREGUARD_PEER,
	CLAIMS_PEER_NAME,
};

struct claim;

/* Zeroed, it is empty. */
struct claims {
	struct claim **heads[2][2]; /* by use, and by place or inode; allocated */
	size_t buckets;             /* of each */
	size_t count;
};

struct claims_file {
	const char *owner;   /* "peer 2 (office)"; NULL: the daemon itself */
	const char *setting; /* "key_out"; stays */
	const char *path;
	enum claims_use use;
};

/* A file that a daemon reads besides those of its configuration. */
struct claims_input {
	const char *setting; /* what it is, for messages */
	const char *path;
};

/*
 * Claims a file, and puts the claim into list. 0; -1 and problem, which names both uses: the file, as it is
 * now, is claimed already and one of the two is written; or memory is short.
 */
int claims_add(struct claims *claims, struct claim **list, const struct claims_file *file,
               char problem[static CLAIMS_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/*
 * Claims a word, or a public key, whose bytes have to stay. 0; -EEXIST and *taken: somebody has it; or
 * -ENOMEM.
 */
int claims_add_word(struct claims *claims, struct claim **list, enum claims_kind kind, const char *word,
                    const char *owner, const struct claim **taken) __attribute__((warn_unused_result));
int claims_add_key(struct claims *claims, struct claim **list,
                   const uint8_t bytes[static ROSENPASS_PUBLIC_KEY_BYTES], const char *owner,
                   const struct claim **taken) __attribute__((warn_unused_result));

/* NULL: nobody has that public key. */
const struct claim *claims_find_key(const struct claims *claims,
                                    const uint8_t bytes[static ROSENPASS_PUBLIC_KEY_BYTES]);

/* NULL: nobody writes to that file. */
const struct claim *claims_find_output(struct claims *claims, const struct file_identity *identity);

/* As it was given; NULL: the daemon itself. */
const char *claims_owner(const struct claim *claim);

/* What a claim is for, NULL until it is set for all claims of a list. */
const void *claims_subject(const struct claim *claim);
void claims_set_subject(struct claim *list, const void *subject);

/*
 * Whether a file, as it is now, may be written to by the owner of list, whose outputs do not count. Files
 * may have been replaced and links made since they were claimed: those of list and of daemon are looked at
 * again, unless the file is the one that its owner wrote last and has no other name. only_inputs: outputs of
 * others do not count either. 0, and what was looked at, to be released; -1 and problem.
 */
int claims_check_output(struct claims *claims, struct claim *daemon, struct claim *list,
                        const struct claims_file *file, bool only_inputs, struct file_identity *judged,
                        char problem[static CLAIMS_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* Looks at the files of a list again. */
void claims_refresh(struct claims *claims, struct claim *list);
/* Looks at the outputs of a list again, as their owner has just written them. */
void claims_written(struct claims *claims, struct claim *list);

/* Takes back all claims of a list, which is empty after that. */
void claims_drop(struct claims *claims, struct claim **list);

/* Frees all claims; lists are not to be used any more. */
void claims_release(struct claims *claims);

#endif
