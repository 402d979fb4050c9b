/*
 * The control channel of Bluetooth's HCI. Anybody may bind it: but who may not administer is then
 * not trusted, and the kernel says nothing of it. So where it matters the broker is asked first.
 */
#ifndef SOCKD_LIB_BLUETOOTH_CONTROL_H
#define SOCKD_LIB_BLUETOOTH_CONTROL_H

#include <stdbool.h>
#include <sys/socket.h>

/* Would a bind of this address here give less than one by the broker? errno is left as it was. */
bool bluetooth_bind_is_lesser(int fd, const void *address, socklen_t size);

#endif
