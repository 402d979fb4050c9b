/*
 * What the kernel asks of the user of a Bluetooth HCI socket at each call, and how the broker comes
 * in.
 *
 * A command outside the kernel's list for everyone fails with EPERM at the send itself. A filter
 * (HCI_FILTER) that is wider than everyone may have is no failure: the kernel narrows it without a
 * word.
 */
#ifndef SOCKD_LIB_BLUETOOTH_H
#define SOCKD_LIB_BLUETOOTH_H

#include <stdbool.h>
#include <stddef.h>

#define HCI_FILTER_SIZE 16u

/* Is it an HCI socket? errno is left as it was. */
bool bluetooth_is_hci(int fd);

/*
 * After a successful setsockopt(2): was it HCI_FILTER, on an HCI socket, and kept the kernel less
 * of it than was asked? Then ret_asked is the whole filter that was asked for. Costs a comparison
 * of numbers where level, name and size are others. errno is left as it was.
 */
bool bluetooth_filter_was_narrowed(int fd, int level, int name, const void *value, size_t size,
	unsigned char ret_asked[HCI_FILTER_SIZE]);

#endif
