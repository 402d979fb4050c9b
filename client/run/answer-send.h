/*
 * Sends and writes on netlink and HCI sockets, which the kernel judges by the rights of the sender:
 * those that need more than the program has are sent by the broker on the program's own socket.
 */
#ifndef SOCKD_CLIENT_RUN_ANSWER_SEND_H
#define SOCKD_CLIENT_RUN_ANSWER_SEND_H

#include "client/run/answer.h"

/* CALL_SENDTO to CALL_WRITEV; the program is at home. */
struct answer answer_send(const struct call *call);

#endif
