/*
 * Which command a generic netlink message is, by what the kernel says of its families: it is asked
 * once, and again for a number that is new. Thread-safe.
 */
#ifndef SOCKD_CLIENT_RUN_GENERIC_H
#define SOCKD_CLIENT_RUN_GENERIC_H

#include <linux/netlink.h>

/* As generic_message_number(). */
int generic_number(const struct nlmsghdr *message);

#endif
