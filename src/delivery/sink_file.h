#ifndef ROSENPASS_DELIVERY_SINK_FILE_H
#define ROSENPASS_DELIVERY_SINK_FILE_H

/* key_out: a file that has the peer's key, in base64. It is written at once, and then until it works. */

#include "delivery/sink.h"

extern const struct sink_ops sink_file;

#endif
