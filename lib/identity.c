#include "lib/identity.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/kernel.h"
#include "lib/scratch.h"

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static uint64_t hash(const void *data, size_t size)
{
	const unsigned char *bytes = data;
	uint64_t value = FNV_START;

	for (size_t i = 0; i < size; i++)
		value = (value ^ bytes[i]) * FNV_PRIME;
	return value;
}

/* Where they cannot be read it is nobody who was here before. */
static uint64_t hash_many_groups(void)
{
	static _Atomic uint64_t unknown;
	_cleanup_scratch_ struct scratch scratch = {0};
	int n = getgroups(0, NULL);
	gid_t *groups = n > 0 ? scratch_get(&scratch, (size_t)n * sizeof *groups) : NULL;

	n = groups ? getgroups(n, groups) : -1;
	return n < 0 ? ++unknown : hash(groups, (size_t)n * sizeof *groups);
}

static uint64_t hash_groups(void)
{
	gid_t groups[64];
	int n = getgroups(64, groups);

	return n < 0 ? hash_many_groups() : hash(groups, (size_t)n * sizeof groups[0]);
}

/* The text of the link is "net:[NUMBER]", and reading it costs half of what stat(2) does. 0: there
 * is no /proc. */
static uint64_t hash_namespace(const char *path)
{
	char text[64];
	ssize_t n = readlink(path, text, sizeof text);

	return n <= 0 ? 0 : hash(text, (size_t)n);
}

/* Without /proc a fresh socket tells where this thread's sockets are made. 0: the kernel cannot
 * say. */
static uint64_t network_cookie(void)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof cookie;
	int fd = kernel_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	if (kernel_getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
		cookie = 0;
	kernel_close(fd);
	return cookie;
}

void identity_read(struct identity *ret)
{
	memset(ret, 0, sizeof *ret);
	(void)getresuid(&ret->uid[0], &ret->uid[1], &ret->uid[2]);
	(void)getresgid(&ret->gid[0], &ret->gid[1], &ret->gid[2]);
	ret->groups = hash_groups();
	ret->network = hash_namespace("/proc/thread-self/ns/net");
	if (ret->network == 0)
		ret->network = network_cookie();
	ret->user = hash_namespace("/proc/thread-self/ns/user");
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}
