#ifndef ROSENPASS_ENGINE_WORKERS_H
#define ROSENPASS_ENGINE_WORKERS_H

/*
 * Threads of the engine process, for the computations of the library alone (rosenpass_set_workers()). They
 * touch no socket, no channel and no log, and they never allocate memory.
 *
 * Threads are started when the process has given up its rights, which each thread has for itself, and before
 * it closes the filter of system calls, which forbids new threads and holds for all that there are.
 */

#include <stddef.h>

#include "rosenpass.h"

/* The most threads. Each takes as many of the 16 InitHellos of a batch as there are lanes: AVX2 uses 3. */
#define ENGINE_WORKERS_MAX 16

struct engine_workers;

/*
 * Starts threads, all of which run when this returns. 0 or negative errno: -EAGAIN if the system allows no
 * more threads; there are none then, and *workers is NULL.
 */
int engine_workers_start(struct engine_workers **workers, size_t threads) __attribute__((warn_unused_result));

/* Ends the threads. NULL is allowed. Not to be called while engine_workers_run() runs. */
void engine_workers_stop(struct engine_workers *workers);

/* Does job(argument, part) for every part on the threads and this one: a rosenpass_run_fn. */
void engine_workers_run(void *workers, rosenpass_job_fn *job, void *argument, size_t parts);

#endif
