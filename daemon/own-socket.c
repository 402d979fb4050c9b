#include "daemon/own-socket.h"

#include <stddef.h>
#include <sys/socket.h>

#include "daemon/family/family.h"
#include "daemon/netns.h"
#include "proto/macro.h"

int own_socket_read(int fd, struct own_socket *ret)
{
	struct own_socket found;
	static const int names[] = {SO_DOMAIN, SO_TYPE, SO_PROTOCOL};
	int *const values[] = {&found.domain, &found.type, &found.protocol};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		socklen_t size = sizeof *values[i];
		if (getsockopt(fd, SOL_SOCKET, names[i], values[i], &size) < 0)
			return negative_errno();
	}
	int r = netns_cookie_of(fd, &found.netns_cookie);
	if (r < 0)
		return r;
	found.netns = netns_number_of_socket(fd, found.netns_cookie);
	const struct family *family = family_get(found.domain);
	if (family->own_protocol)
		found.protocol = family->own_protocol(fd, found.type);
	found.protocol = family_effective_protocol(found.domain, found.type, found.protocol);
	*ret = found;
	return 0;
}
