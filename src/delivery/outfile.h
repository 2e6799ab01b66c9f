#ifndef ROSENPASS_DELIVERY_OUTFILE_H
#define ROSENPASS_DELIVERY_OUTFILE_H

/* Files that keys are written to. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/rosenpass_config.h"
#include "system/file_identity.h"
#include "system/file_output.h"

#define OUTFILE_PROBLEM_BYTES 768

/* Knows what files are used for. A claimant is the peer whose outfile it is; NULL: nobody's any more. */
struct outfile_guard {
	/*
	 * At the moment of writing: whether a key may go to the file as it is now. 0, and what was looked
	 * at, to be released; -1 and problem.
	 */
	int (*judge)(void *owner, void *claimant, const char *path, struct file_identity *judged,
	             char problem[static OUTFILE_PROBLEM_BYTES]);
	/* The file was written, and may be another inode now. */
	void (*written)(void *owner, void *claimant);
	/* Returns true if the file holds a key of a peer that writes to it today. */
	bool (*is_in_use)(void *owner, const char *path);
	void *owner;
};

struct outfile {
	const char *label; /* of the peer whose key it is */
	const char *path;
	const struct file_output *how;
	void *claimant;
};

/* What a peer's key_out becomes where it is not there. -1 and problem: there is no such group. */
int outfile_new(struct file_output *how, const struct config_peer *config,
                char problem[static OUTFILE_PROBLEM_BYTES]) __attribute__((warn_unused_result));
/* Whether keys can be written there, as it is now. -1 and problem, which does not name the file. */
int outfile_check(const struct config_peer *config, const struct file_output *how,
                  char problem[static OUTFILE_PROBLEM_BYTES]) __attribute__((warn_unused_result));
/* Warns of a file that is there already, and is not as the settings have it or open to everybody. */
void outfile_warn(const char *label, const struct config_peer *config, const struct file_output *how);
/*
 * Writes a key to a file. 0; or negative errno and problem. -EEXIST: the file may not be written to, as it is
 * used for something else.
 */
int outfile_write(const struct outfile *file, const struct outfile_guard *guard, const uint8_t *key,
                  char problem[static OUTFILE_PROBLEM_BYTES]) __attribute__((warn_unused_result));
/* Removes temporary files that killed processes have left beside these files. */
void outfile_sweep(const char *const *paths, size_t count);

#endif
