/*
 * For a program that has moved to another network namespace than the one it was started in: a
 * process of ours in that namespace, whose connection the broker knows for one from there, and
 * which has no capabilities there either. It ends when it has not been needed for some seconds, so
 * that it does not keep the namespace.
 *
 * socket(2), bind(2) and setsockopt(2) go that way; sends are left to the kernel. So is everything
 * of a program that has capabilities where it is now: there it can help itself.
 */
#ifndef SOCKD_CLIENT_RUN_ELSEWHERE_H
#define SOCKD_CLIENT_RUN_ELSEWHERE_H

#include "client/run/answer.h"

enum elsewhere_kind {
	ELSEWHERE_SOCKET,
	ELSEWHERE_BIND,
	ELSEWHERE_SETSOCKOPT,
};

struct elsewhere_request {
	enum elsewhere_kind kind;
	pid_t tid;	/* whose call it is */
	int numbers[3]; /* domain, type, protocol; or level, name */
	uint32_t size;
	unsigned char data[4096]; /* the address or the value */
};

/* fd: the program's own socket, for all but ELSEWHERE_SOCKET, where it is -1; it stays the
 * caller's. Where nobody can be sent there, the kernel is left to answer. */
struct answer elsewhere_answer(const struct surroundings *surroundings, const struct call *call,
	const struct namespaces *where, const struct elsewhere_request *request, int fd);

/* Leaves none of these processes behind. */
void elsewhere_end(void);

#endif
