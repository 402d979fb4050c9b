/* Interfaces given by name beside an address: what a client in another namespace can know of them.
 */
#include <errno.h>
#include <linux/can.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/address.h"
#include "proto/macro.h"
#include "proto/wire.h"

/* Where the index of the interface is in an address of this family; 0: it has none. */
static size_t index_offset(int domain)
{
	switch (domain) {
	case AF_CAN:
		return offsetof(struct sockaddr_can, can_ifindex);
	case AF_PACKET:
		return offsetof(struct sockaddr_ll, sll_ifindex);
	default:
		return 0;
	}
}

bool address_has_interface(int domain)
{
	return index_offset(domain) != 0;
}

int address_interface(const void *address, size_t size, int *ret)
{
	sa_family_t domain;

	if (size < sizeof domain)
		return -EINVAL;
	memcpy(&domain, address, sizeof domain);
	size_t offset = index_offset(domain);
	if (offset == 0 || size < offset + sizeof *ret)
		return -EINVAL;
	memcpy(ret, (const char *)address + offset, sizeof *ret);
	return 0;
}

int address_find_interface(int fd, struct ifreq *request)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct held[2], without[2];

	if (syscall(SYS_capget, &header, held) < 0)
		return negative_errno();
	memcpy(without, held, sizeof without);
	without[0].effective &= ~(UINT32_C(1) << CAP_NET_ADMIN);
	bool changes = without[0].effective != held[0].effective;
	if (changes && syscall(SYS_capset, &header, without) < 0)
		return negative_errno();
	int r = ioctl(fd, SIOCGIFINDEX, request) < 0 ? negative_errno() : 0;
	if (changes && syscall(SYS_capset, &header, held) < 0)
		return negative_errno();
	return r;
}

int address_set_interface(int fd, const void *address, size_t size, const void *name,
	size_t name_size, struct sockaddr_storage *ret)
{
	struct ifreq request = {0};
	int index;

	if (name_size == 0 || name_size >= sizeof request.ifr_name || size > sizeof *ret)
		return -EINVAL;
	int r = address_interface(address, size, &index);
	if (r < 0)
		return r;
	if (index != 0)
		return -EINVAL;
	memcpy(request.ifr_name, name, name_size);
	if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
		return negative_errno();
	index = request.ifr_ifindex;
	*ret = (struct sockaddr_storage){0};
	memcpy(ret, address, size);
	memcpy((char *)ret + index_offset(ret->ss_family), &index, sizeof index);
	return 0;
}

int address_of_step(int fd, const struct wire_step *step, struct sockaddr_storage *storage,
	const struct sockaddr **ret)
{
	*ret = step->address;
	if (step->data_size == 0)
		return 0;
	*ret = (const struct sockaddr *)storage;
	return address_set_interface(
		fd, step->address, step->address_size, step->data, step->data_size, storage);
}
