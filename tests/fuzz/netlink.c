/* Netlink messages of every protocol, as they are judged, and what the kernel says of families. */
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "proto/netlink-generic.h"
#include "proto/netlink-interfaces.h"
#include "proto/netlink-route.h"
#include "proto/netlink-sender.h"
#include "tests/fuzz/fuzz.h"

static bool visit(const char *interface, void *data _unused_)
{
	MUST(interface[0]);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct generic_families families = {0};
	char why[160];

	if (fd < 0)
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (size < 1 + sizeof(struct nlmsghdr))
		return 0;
	int protocol = data[0] % 23;
	_cleanup_free_ struct nlmsghdr *message = copy_of(data + 1, size - 1);
	generic_families_note(&families, message, size - 1);
	message->nlmsg_len = (uint32_t)(size - 1);
	(void)netlink_route_stays_home(message);
	(void)netlink_route_goes_by_name(message);
	(void)netlink_is_about_sender(protocol, message);
	for (int i = GENERIC_UNKNOWN + 1; i < GENERIC_FAMILIES; i++)
		families.ids[i] = (uint16_t)(GENL_MIN_ID + 1 + i);
	int number = protocol == NETLINK_GENERIC ? generic_message_number(&families, message)
						 : message->nlmsg_type;
	if (netlink_is_judged(protocol, number))
		(void)netlink_each_interface(
			protocol, number, message, fd, visit, NULL, why, sizeof why);
	return 0;
}
