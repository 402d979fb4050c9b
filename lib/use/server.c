/* Sockets that listen. */
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/calls.h"
#include "lib/kernel.h"
#include "lib/sockd.h"
#include "lib/use/resolve.h"
#include "lib/use/timeout.h"

#define USUAL_BACKLOG 128

struct place {
	union {
		struct sockaddr any;
		struct sockaddr_storage storage;
		struct sockaddr_un local;
	} address;
	socklen_t size;
};

static int find_local(const char *path, const char *service, struct place *ret)
{
	struct sockaddr_un *local = &ret->address.local;
	size_t length = path ? strlen(path) : 0;

	if (service)
		return -EINVAL;
	local->sun_family = AF_UNIX;
	ret->size = offsetof(struct sockaddr_un, sun_path);
	if (length == 0)
		return 0;
	/* A path has its NUL, an abstract name one in the place of the "@". */
	if (length + (*path != '@') > sizeof local->sun_path)
		return -ENAMETOOLONG;
	memcpy(local->sun_path, path, length);
	if (*path == '@')
		local->sun_path[0] = '\0';
	ret->size += (socklen_t)length + (*path != '@');
	return 0;
}

static int find_place(int family, const char *host, const char *service, struct place *ret)
{
	_cleanup_addresses_ struct addrinfo *list = NULL;

	if (family == AF_UNIX)
		return find_local(host, service, ret);
	if (host && *host == '\0')
		host = NULL;
	if (!service || *service == '\0')
		service = "0";
	int r = resolve(host, service, family, AI_PASSIVE, &list);
	if (r < 0)
		return r;
	memcpy(&ret->address, list->ai_addr, list->ai_addrlen);
	ret->size = list->ai_addrlen;
	return 0;
}

static int set_options(int fd, int family, unsigned flags)
{
	int on = 1, only = !(flags & SOCKD_DUALSTACK);

	if (kernel_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
		return -1;
	if (flags & SOCKD_REUSE_PORT &&
		kernel_setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
		return -1;
	if (family != AF_INET6)
		return 0;
	if (kernel_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) < 0)
		return -1;
	return 0;
}

static int make_server(
	int family, const char *host, const char *service, int backlog, unsigned flags)
{
	struct place place = {0};

	if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
		return -EAFNOSUPPORT;
	if (flags & ~(SOCKD_REUSE_PORT | SOCKD_DUALSTACK) || backlog < SOCKD_BACKLOG)
		return -EINVAL;
	if (flags & SOCKD_DUALSTACK && (family != AF_INET6 || !sockd_has_dualstack_ipv6()))
		return -EINVAL;
	int r = find_place(family, host, service, &place);
	if (r < 0)
		return r;
	_cleanup_close_ int fd = call_socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || set_options(fd, family, flags) < 0 ||
		sockd_bind(fd, &place.address.any, place.size) < 0 ||
		sockd_listen(fd, backlog == SOCKD_BACKLOG ? USUAL_BACKLOG : backlog) < 0 ||
		timeout_set_default(fd, 0) < 0)
		return negative_errno();
	return TAKE_FD(fd);
}

int sockd_create_server(
	int family, const char *host, const char *service, int backlog, unsigned flags)
{
	int saved_errno = errno;

	resolve_clear();
	int fd = make_server(family, host, service, backlog, flags);
	errno = fd < 0 ? -fd : saved_errno;
	return fd < 0 ? -1 : fd;
}
