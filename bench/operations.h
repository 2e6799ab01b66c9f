#ifndef BENCH_OPERATIONS_H
#define BENCH_OPERATIONS_H

/*
 * What is measured. An operation is one row of the table: our function and, where
 * there are any, the functions of other libraries that do the same work. To measure
 * something else, write its functions and add a line to bench_operations.
 */

#include <stddef.h>

/* Who computes: the columns of an operation. */
enum bench_side {
	BENCH_OURS,
	BENCH_OPENSSL,
	BENCH_LIBSODIUM,
	BENCH_LIBMCELIECE, /* where that is installed */
	BENCH_SIDE_COUNT
};

/* One execution. number counts the executions of a measurement from 0; warm-up has number 0. */
typedef void bench_run_fn(size_t number);

/* How an operation is repeated. */
enum bench_effort {
	BENCH_SHORT,  /* microseconds */
	BENCH_LONG,   /* a millisecond or so */
	BENCH_KEYGEN, /* once for each of the keys that were asked for: the time differs from key to key */
	BENCH_EFFORT_COUNT
};

struct bench_operation {
	const char *name;
	enum bench_effort effort;
	size_t bytes;                        /* for a throughput; 0: none is stated */
	bench_run_fn *run[BENCH_SIDE_COUNT]; /* NULL: not offered */
};

extern const struct bench_operation bench_operations[];
extern const size_t bench_operation_count;

/*
 * Makes the inputs of all operations. -1 when memory is short, a library does not start,
 * or two of the functions of one operation, or the two ends of a KEM, do not agree.
 */
int bench_operations_prepare(void) __attribute__((warn_unused_result));
void bench_operations_release(void);

#endif
