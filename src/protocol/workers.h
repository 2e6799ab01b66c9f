#ifndef ROSENPASS_PROTOCOL_WORKERS_H
#define ROSENPASS_PROTOCOL_WORKERS_H

/*
 * The caller's threads, if there are any, and how a batch is divided among them. What runs on them is
 * computation alone: it reads and writes its items and reads keys. Everything that is drawn at random, looked
 * up or remembered is done before or afterwards, in the order of the items, so the outcome does not depend on
 * threads.
 */

#include <stddef.h>

#include "rosenpass.h"

struct workers {
	rosenpass_run_fn *run; /* NULL: there are none */
	void *context;
	size_t threads; /* beside the one that calls the engine */
};

/*
 * Returns how many handshakes are worked on together: as many as fill the lanes of every thread once. More
 * would only make each of them wait longer.
 */
size_t workers_slice(const struct workers *workers);

/* Computes some of the items, count of them from the first on. */
typedef void workers_job(void *items, size_t first, size_t count);

/* Runs the job over all items, in parts that fill the lanes of a thread. Returns when all are done. */
void workers_run(const struct workers *workers, workers_job *job, void *items, size_t count);

#endif
