#ifndef ROSENPASS_ROSENPASS_METRICS_TEXT_H
#define ROSENPASS_ROSENPASS_METRICS_TEXT_H

#include <jansson.h>
#include <stddef.h>

/*
 * The statuses of daemons (doc/control.md) in the Prometheus text format 0.0.4; allocated, NULL: no memory.
 */
char *metrics_text_format(json_t *const *statuses, size_t count);

#endif
