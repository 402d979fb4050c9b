/* <linux/vm_sockets.h>, which in some of Linux's releases cannot be included before this. */
#ifndef SOCKD_PROTO_VM_SOCKETS_H
#define SOCKD_PROTO_VM_SOCKETS_H

#include <sys/socket.h>

#include <linux/vm_sockets.h>

#endif
