/*
 * A call on a socket that may wait: it goes on after a signal and keeps to one deadline, which the
 * socket itself says.
 *
 *	struct waiting wait = waiting_to_receive(fd, flags);
 *	do
 *		n = recv(fd, buffer, size, flags | wait.flags);
 *	while (n < 0 && waiting_again(&wait));
 *	return waiting_end(&wait, n);
 *
 * The kernel does the waiting, in one call; only where a signal ended it the rest of the time is
 * waited for by poll(2), with the call itself made not to wait.
 */
#ifndef SOCKD_LIB_USE_WAIT_H
#define SOCKD_LIB_USE_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct waiting {
	int flags; /* to be added to those of the call: 0 or MSG_DONTWAIT */
	int fd, option, asked_flags, saved_errno;
	short events;
	bool is_known; /* deadline is */
	int64_t start, deadline;
};

struct waiting waiting_to_receive(int fd, int flags);
struct waiting waiting_to_send(int fd, int flags);
/* The call is made not to wait from the start, so that it cannot wait for longer than is left. */
struct waiting waiting_to_send_all(int fd, int flags);

/* After a call that failed: is it to be made again? If not, errno says what failed. */
bool waiting_again(struct waiting *wait);

/* What the call returned in the end; errno is as it was before, where it succeeded. */
ssize_t waiting_end(const struct waiting *wait, ssize_t result);

/* Is the socket non-blocking? false also for what is no descriptor. errno is left as it was. */
bool waiting_never(int fd);

#endif
