#ifndef ROSENPASS_SYSTEM_FIRST_PROCESS_H
#define ROSENPASS_SYSTEM_FIRST_PROCESS_H

/*
 * In a container a daemon may be the first process, which inherits all orphans and has to reap them. If this
 * is process 1, forks: the child returns and does the work; the parent reaps, passes signals on, and exits as
 * the child does (128 and the signal's number if a signal has ended it). Else returns at once. To be called
 * before anything is started. 0 or negative errno.
 */
int first_process_split(void) __attribute__((warn_unused_result));

#endif
