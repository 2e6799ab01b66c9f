#ifndef ROSENPASS_ENGINE_SEND_ERROR_H
#define ROSENPASS_ENGINE_SEND_ERROR_H

/* Why a datagram could not be sent, for people. Each error is a positive errno. */

/* Says what to do about it. */
const char *send_error_advise(int error);

/* Names the error, or says what to do where its name would mislead. */
const char *send_error_describe(int error);

#endif
