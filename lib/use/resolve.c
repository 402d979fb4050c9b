#include "lib/use/resolve.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "lib/sockd.h"

static _Thread_local int lookup_error;

int sockd_lookup_error(void)
{
	return lookup_error;
}

void resolve_set(int error)
{
	lookup_error = error;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* getaddrinfo(3) takes signs and blanks, and of a number that is too large the last 16 bits. */
static bool is_possible_service(const char *service)
{
	unsigned port = 0;

	if (!is_digit(*service))
		return *service != '\0' && *service != '-' && *service != '+' && *service > ' ';
	for (; is_digit(*service); service++) {
		port = port * 10 + (unsigned)(*service - '0');
		if (port > UINT16_MAX)
			return false;
	}
	return true;
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

static int errno_of(int error)
{
	switch (error) {
	case EAI_SYSTEM:
		return errno > 0 ? errno : EIO;
	case EAI_MEMORY:
		return ENOMEM;
	case EAI_AGAIN:
		return EAGAIN;
	case EAI_FAMILY:
		return EAFNOSUPPORT;
	default:
		return ENOENT;
	}
}

int resolve(const char *host, const char *service, int family, int flags, struct addrinfo **ret)
{
	struct addrinfo hints = {
		.ai_family = family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = flags,
	};
	int saved_errno = errno;

	lookup_error = 0;
	if (service && !is_possible_service(service))
		return -EINVAL;
	if (host && !is_ascii(host))
		hints.ai_flags |= AI_IDN;
	int error = getaddrinfo(host, service, &hints, ret);
	if (error != 0) {
		lookup_error = error;
		int r = -errno_of(error);
		errno = saved_errno;
		return r;
	}
	errno = saved_errno;
	return 0;
}
