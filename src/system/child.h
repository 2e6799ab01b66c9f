#ifndef ROSENPASS_SYSTEM_CHILD_H
#define ROSENPASS_SYSTEM_CHILD_H

/* What a process does first after fork(), before it runs anything else. */

/* The kernel's handling of every signal, none blocked. */
void child_reset_signals(void);

/* Closes every descriptor from that number on. */
void child_close_from(unsigned first);

#endif
