/*
 * The windows: descriptor numbers that are kept for sockets whose sends concern the supervisor, so
 * that the filter can tell them by their number and every other send runs at full speed. A copy
 * that the program makes by dup(2) has another number: what is sent there goes to the kernel alone.
 *
 * Where no rule of the broker's lets anything be sent, no send is looked at (windows_leave_sends).
 *
 * For netlink below 1024, where select(2) still works, and as high as the program's limit allows,
 * where few programs ever come. For HCI below 128: BlueZ's programs watch no higher number. One
 * that comes there with other descriptors loses speed and nothing else.
 */
#ifndef SOCKD_CLIENT_RUN_WINDOW_H
#define SOCKD_CLIENT_RUN_WINDOW_H

#include <stdbool.h>
#include <sys/resource.h>

enum window_kind {
	WINDOW_NONE, /* any number will do; of size 0 */
	WINDOW_NETLINK,
	WINDOW_HCI,
	WINDOWS,
};

/* The first number is a multiple of the size, a power of two. Size 0: there is no such window. */
struct window {
	int first;
	unsigned size;
};

#define WINDOW_SIZE_MAX 64u

/*
 * A number is found free first, then taken, and whatever came there in between would be lost. What
 * the program puts there on purpose (dup2) waits its turn; any other new descriptor gets the lowest
 * number, and so many of those must be free below.
 */
#define WINDOW_GAP 64

/* Under a limit of descriptors; has_hci: there may be Bluetooth here. */
static inline void windows_choose(rlim_t limit, bool has_hci, struct window ret[WINDOWS])
{
	rlim_t end = (limit < 1024 ? limit : 1024) / WINDOW_SIZE_MAX * WINDOW_SIZE_MAX;

	for (unsigned i = 0; i < WINDOWS; i++)
		ret[i] = (struct window){0};
	if (end >= 3 * WINDOW_SIZE_MAX)
		ret[WINDOW_NETLINK] =
			(struct window){(int)(end - WINDOW_SIZE_MAX), WINDOW_SIZE_MAX};
	if (end >= 3 * WINDOW_SIZE_MAX && has_hci)
		ret[WINDOW_HCI] = (struct window){120, 8};
}

/* What remains is for options alone. */
static inline void windows_leave_sends(struct window windows[WINDOWS])
{
	windows[WINDOW_NETLINK] = (struct window){0};
}

#endif
