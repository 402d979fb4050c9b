#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <string.h>

#include "lib/names/netdb-buffer.h"
#include "lib/sockd-names.h"
#include "proto/macro.h"

/* name, or port (network byte order) where that is NULL. The entry's text is in the buffer. */
static int find_service(const char *name, int port, const char *protocol, struct servent *entry,
	struct netdb_buffer *buffer)
{
	struct servent *found;
	int r;

	do {
		r = netdb_buffer_grow(buffer);
		if (r < 0)
			return r;
		found = NULL;
		if (name)
			r = getservbyname_r(
				name, protocol, entry, buffer->bytes, buffer->size, &found);
		else
			r = getservbyport_r(
				port, protocol, entry, buffer->bytes, buffer->size, &found);
	} while (r == ERANGE);
	if (found)
		return 0;
	/* A source that cannot be had has no such entry either, but for want of memory. */
	return r == ENOMEM ? -ENOMEM : -ENOENT;
}

/* errno is as it was on success. */
static int answer(int r, int saved)
{
	errno = r < 0 ? -r : saved;
	return r < 0 ? -1 : r;
}

int sockd_getservbyname(const char *name, const char *protocol)
{
	_cleanup_netdb_ struct netdb_buffer buffer = {0};
	struct servent entry;
	int saved = errno;

	if (!name)
		return answer(-EINVAL, saved);
	int r = find_service(name, 0, protocol, &entry, &buffer);
	return answer(r < 0 ? r : ntohs((uint16_t)entry.s_port), saved);
}

int sockd_getservbyport(int port, const char *protocol, char *buffer, size_t size)
{
	_cleanup_netdb_ struct netdb_buffer scratch = {0};
	struct servent entry;
	int saved = errno;

	if (port < 0 || port > UINT16_MAX || !buffer)
		return answer(-EINVAL, saved);
	int r = find_service(NULL, htons((uint16_t)port), protocol, &entry, &scratch);
	if (r < 0)
		return answer(r, saved);
	size_t n = strlen(entry.s_name);
	if (n >= size)
		return answer(-ENOSPC, saved);
	memcpy(buffer, entry.s_name, n + 1);
	return answer(0, saved);
}

int sockd_getprotobyname(const char *name)
{
	_cleanup_netdb_ struct netdb_buffer buffer = {0};
	struct protoent entry, *found;
	int saved = errno, r;

	if (!name)
		return answer(-EINVAL, saved);
	do {
		r = netdb_buffer_grow(&buffer);
		if (r < 0)
			return answer(r, saved);
		found = NULL;
		r = getprotobyname_r(name, &entry, buffer.bytes, buffer.size, &found);
	} while (r == ERANGE);
	if (!found)
		return answer(r == ENOMEM ? -ENOMEM : -ENOENT, saved);
	return answer(entry.p_proto, saved);
}
