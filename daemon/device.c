#include "daemon/device.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "proto/address.h"
#include "proto/macro.h"

int device_bind(int fd, const void *name, size_t size, char ret_own[static IFNAMSIZ])
{
	struct ifreq found = {0}, own = {0};

	ret_own[0] = '\0';
	/* As the kernel takes it: up to the first NUL. */
	size = strnlen(name ? name : "", MIN_OF(size, sizeof found.ifr_name - 1));
	if (size == 0)
		return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0) < 0 ? negative_errno()
									      : 0;
	memcpy(found.ifr_name, name, size);
	int r = address_find_interface(fd, &found);
	if (r < 0)
		return r;
	own.ifr_ifindex = found.ifr_ifindex;
	if (ioctl(fd, SIOCGIFNAME, &own) < 0)
		return negative_errno();
	if (strnlen(own.ifr_name, sizeof own.ifr_name) != size ||
		memcmp(own.ifr_name, name, size) != 0) {
		memcpy(ret_own, own.ifr_name, IFNAMSIZ);
		return -EPERM;
	}
	/* By its index: the name may be another's by now. */
	return setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &found.ifr_ifindex,
		       sizeof found.ifr_ifindex) < 0
		       ? negative_errno()
		       : 0;
}
