#ifndef ROSENPASS_SYSTEM_SECRET_MEMORY_H
#define ROSENPASS_SYSTEM_SECRET_MEMORY_H

/*
 * Memory for secrets: out of swap where the limits allow it and out of core dumps. Pieces up to 16 KiB share
 * slabs of up to 256 KiB, larger ones have a mapping of their own; guard pages stand around each of these.
 * The functions fit rosenpass_environment. For one thread.
 */

#include <stddef.h>

/* From the weakest to the strongest. */
enum secret_memory_kind {
	SECRET_MEMORY_NOT_LOCKED = 0,   /* may reach swap: the limit for locked memory is too low */
	SECRET_MEMORY_LOCKED = 1,       /* stays in main memory */
	SECRET_MEMORY_MEMFD_SECRET = 2, /* and the kernel itself cannot read it */
};
#define SECRET_MEMORY_KIND_LAST SECRET_MEMORY_MEMFD_SECRET

/* Zeroed, aligned to 64 bytes; NULL when there is none. context is not used. */
void *secret_memory_allocate(void *context, size_t bytes);

/*
 * Wipes and releases. NULL is allowed. Ends the process when this is no piece of ours, was released before,
 * or was written beyond its end. context and bytes are not used.
 */
void secret_memory_release(void *context, void *memory, size_t bytes);

/*
 * In a child after fork(): wipes its copies of all pieces but keep, which may be NULL. They stay allocated.
 * Pieces of memfd_secret are not there, and those of the parent stay as they are.
 */
void secret_memory_wipe_inherited(const void *keep);

/*
 * From now on new pieces come from memfd_secret(2), where the kernel has it. Processes share such memory, so
 * that this is for one that does not fork any more; what is allocated so far stays where it is (and is
 * locked again, since a fork() unlocks the memory of the child). Such memory is taken from a child if there
 * is one after all.
 */
void secret_memory_use_memfd_secret(void);

/*
 * The weakest kind in use; what came before secret_memory_use_memfd_secret() switched to another does not
 * count. Without a piece in use: the kind that is tried first.
 */
enum secret_memory_kind secret_memory_kind(void);

/* Words for people. */
const char *secret_memory_kind_name(enum secret_memory_kind kind);

/* Core dumps and other processes of the same user may not read this process. 0 or negative errno. */
int secret_memory_protect_process(void);

#endif
