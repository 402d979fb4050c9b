#include "lib/bluetooth.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "lib/kernel.h"
#include "proto/macro.h"

/* Of BlueZ's headers, which are not needed to build: bluetooth/hci.h. */
#define SOCKD_BTPROTO_HCI 1
#define SOCKD_SOL_HCI 0
#define SOCKD_HCI_FILTER 2

/* Type mask, two words of event mask, opcode; two bytes of padding follow. */
#define FILTER_MEANT 14u

bool bluetooth_is_hci(int fd)
{
	int saved_errno = errno;
	bool is_hci = kernel_socket_number(fd, SO_DOMAIN) == AF_BLUETOOTH &&
		      kernel_socket_number(fd, SO_PROTOCOL) == SOCKD_BTPROTO_HCI;

	errno = saved_errno;
	return is_hci;
}

static __attribute__((noinline)) bool is_narrower(
	int fd, const void *value, size_t size, unsigned char *ret_asked)
{
	unsigned char asked[HCI_FILTER_SIZE], kept[HCI_FILTER_SIZE] = {0};
	socklen_t kept_size = sizeof kept;
	int saved_errno = errno;

	/* Sizes agree with IP_TTL's on no other socket, but who knows. */
	if (!bluetooth_is_hci(fd))
		return false;
	if (kernel_getsockopt(fd, SOCKD_SOL_HCI, SOCKD_HCI_FILTER, kept, &kept_size) < 0 ||
		kept_size < FILTER_MEANT) {
		errno = saved_errno;
		return false;
	}
	/* Where the value was cut short, the rest of the filter is as it was. */
	memcpy(asked, kept, sizeof asked);
	memcpy(asked, value, MIN_OF(size, FILTER_MEANT));
	if (memcmp(asked, kept, FILTER_MEANT) == 0)
		return false;
	memcpy(ret_asked, asked, sizeof asked);
	return true;
}

bool bluetooth_filter_was_narrowed(int fd, int level, int name, const void *value, size_t size,
	unsigned char ret_asked[HCI_FILTER_SIZE])
{
	return level == SOCKD_SOL_HCI && name == SOCKD_HCI_FILTER &&
	       (size == HCI_FILTER_SIZE || size == FILTER_MEANT) &&
	       is_narrower(fd, value, size, ret_asked);
}
