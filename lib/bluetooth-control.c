#include "lib/bluetooth-control.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/kernel.h"
#include "proto/bluetooth.h"

/* The inode of the first user namespace, on every kernel. */
#define FIRST_USER_NAMESPACE UINT32_C(0xeffffffd)

/* The kernel trusts who has CAP_NET_ADMIN in the first user namespace. */
static bool may_administer(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	struct stat status;

	return syscall(SYS_capget, &header, data) == 0 &&
	       data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN) &&
	       stat("/proc/thread-self/ns/user", &status) == 0 &&
	       status.st_ino == FIRST_USER_NAMESPACE;
}

static __attribute__((noinline)) bool is_lesser(int fd)
{
	int saved_errno = errno, domain = 0, protocol = -1;
	socklen_t domain_size = sizeof domain, protocol_size = sizeof protocol;

	bool lesser =
		kernel_getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size) == 0 &&
		kernel_getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &protocol_size) == 0 &&
		domain == AF_BLUETOOTH && protocol == BTPROTO_HCI && !may_administer();
	errno = saved_errno;
	return lesser;
}

bool bluetooth_bind_is_lesser(int fd, const void *address, socklen_t size)
{
	struct sockaddr_hci hci;

	if (!address || size != sizeof hci)
		return false;
	memcpy(&hci, address, sizeof hci);
	return hci.hci_family == AF_BLUETOOTH && hci.hci_channel == HCI_CHANNEL_CONTROL &&
	       is_lesser(fd);
}
