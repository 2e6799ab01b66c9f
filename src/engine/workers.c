#include "engine/workers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

/* The library asks for half of this. */
#define STACK_BYTES ((size_t)512 * 1024)

struct engine_workers {
	pthread_mutex_t mutex;
	pthread_cond_t work;     /* there are parts to do, or the threads are to end */
	pthread_cond_t progress; /* a thread has started, or the last part is done */
	pthread_t threads[ENGINE_WORKERS_MAX];
	size_t count;
	size_t started;
	bool is_ending;
	/* What is to be done. */
	rosenpass_job_fn *job;
	void *argument;
	size_t parts;
	size_t next; /* part that nobody does yet */
	size_t left; /* parts that are not done */
};

/* Does parts as long as there are any. With the mutex locked, which is unlocked meanwhile. */
static void do_parts(struct engine_workers *workers)
{
	while (workers->next < workers->parts) {
		size_t part = workers->next++;

		(void)pthread_mutex_unlock(&workers->mutex);
		workers->job(workers->argument, part);
		(void)pthread_mutex_lock(&workers->mutex);
		if (--workers->left == 0)
			(void)pthread_cond_signal(&workers->progress);
	}
}

static void *serve(void *context)
{
	struct engine_workers *workers = context;

	(void)pthread_mutex_lock(&workers->mutex);
	workers->started++;
	(void)pthread_cond_signal(&workers->progress);
	while (!workers->is_ending) {
		do_parts(workers);
		(void)pthread_cond_wait(&workers->work, &workers->mutex);
	}
	(void)pthread_mutex_unlock(&workers->mutex);
	return NULL;
}

/* Starts threads until there are so many. Signals go to the first thread of the process. */
static int start_threads(struct engine_workers *workers, size_t threads)
{
	pthread_attr_t attributes;
	sigset_t all;
	sigset_t before;
	int error = pthread_attr_init(&attributes);

	if (error != 0)
		return -error;
	error = pthread_attr_setstacksize(&attributes, STACK_BYTES);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	while (error == 0 && workers->count < threads) {
		error = pthread_create(&workers->threads[workers->count], &attributes, serve, workers);
		workers->count += error == 0;
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	return -error;
}

int engine_workers_start(struct engine_workers **out, size_t threads)
{
	struct engine_workers *workers = calloc(1, sizeof *workers);
	int result;

	*out = NULL;
	if (workers == NULL)
		return -ENOMEM;
	(void)pthread_mutex_init(&workers->mutex, NULL);
	(void)pthread_cond_init(&workers->work, NULL);
	(void)pthread_cond_init(&workers->progress, NULL);
	result = start_threads(workers, threads < ENGINE_WORKERS_MAX ? threads : ENGINE_WORKERS_MAX);
	(void)pthread_mutex_lock(&workers->mutex);
	while (workers->started < workers->count)
		(void)pthread_cond_wait(&workers->progress, &workers->mutex);
	(void)pthread_mutex_unlock(&workers->mutex);
	if (result != 0) {
		engine_workers_stop(workers);
		return result;
	}
	*out = workers;
	return 0;
}

void engine_workers_stop(struct engine_workers *workers)
{
	if (workers == NULL)
		return;
	(void)pthread_mutex_lock(&workers->mutex);
	workers->is_ending = true;
	(void)pthread_cond_broadcast(&workers->work);
	(void)pthread_mutex_unlock(&workers->mutex);
	for (size_t i = 0; i < workers->count; i++)
		(void)pthread_join(workers->threads[i], NULL);
	(void)pthread_cond_destroy(&workers->progress);
	(void)pthread_cond_destroy(&workers->work);
	(void)pthread_mutex_destroy(&workers->mutex);
	free(workers);
}

void engine_workers_run(void *context, rosenpass_job_fn *job, void *argument, size_t parts)
{
	struct engine_workers *workers = context;

	(void)pthread_mutex_lock(&workers->mutex);
	workers->job = job;
	workers->argument = argument;
	workers->parts = workers->left = parts;
	workers->next = 0;
	(void)pthread_cond_broadcast(&workers->work);
	do_parts(workers);
	while (workers->left > 0)
		(void)pthread_cond_wait(&workers->progress, &workers->mutex);
	(void)pthread_mutex_unlock(&workers->mutex);
}
