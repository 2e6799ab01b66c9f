#ifndef BENCH_RESPONDER_PROGRAM_H
#define BENCH_RESPONDER_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A program that answers handshakes, and its processes. */
struct responder_program {
	const char *path;
	size_t number; /* among those of this run, from 0 */
	uint16_t port;
	pid_t pid; /* 0: it does not run */
};

/*
 * Starts it with the key pair keys/hub and peers keys/1 to keys/N, and waits until it has its socket. Its
 * other files go to folder. The secret key is written in the layout of 0.2.x, which all programs read. false:
 * said on stderr.
 */
bool responder_program_start(struct responder_program *program, const char *keys, const char *folder,
                             uint64_t peers);

/* CPU time so far, in nanoseconds, of the process and of those that it has started. */
uint64_t responder_program_cpu_ns(const struct responder_program *program);

/* Ends it, if it runs. */
void responder_program_stop(struct responder_program *program);

#endif
