#include "engine/send_error.h"

#include <errno.h>
#include <string.h>

const char *send_error_advise(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "that host says that nothing listens at that port; start Rosenpass there, or correct "
		       "the "
		       "port of the endpoint";
	case EHOSTUNREACH:
	case EHOSTDOWN:
		return "that host cannot be reached; is it on, and is the address right?";
	case ENETUNREACH:
		return "there is no route to that network";
	case EPERM:
	case EACCES:
		return "a firewall does not let our messages through";
	/* Linux has no other reason for a datagram that is in order. */
	case EINVAL:
		return "nothing can be sent there from an address that is this host's alone, as 127.0.0.1 "
		       "is; "
		       "correct listen or the endpoint";
	case EAFNOSUPPORT:
		return "this side has no socket of that address's family; correct listen or the endpoint";
	default:
		return "our messages do not get there";
	}
}

const char *send_error_describe(int error)
{
	return error == EAFNOSUPPORT || error == EINVAL ? send_error_advise(error) : strerror(error);
}
