#include "lib/use/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/span.h"

/* With these nothing waits, whatever the socket's timeout; families that do not know the last two
 * are made not to. */
#define FLAGS_THAT_DO_NOT_WAIT (MSG_DONTWAIT | MSG_ERRQUEUE | MSG_OOB)

/* The kernel's ticks and its clock: it may be a little early by ours. */
#define EARLY_USEC 20000

static struct waiting begin(int fd, int option, short events, int asked_flags, int flags)
{
	return (struct waiting){
		.flags = flags,
		.fd = fd,
		.option = option,
		.asked_flags = asked_flags,
		.saved_errno = errno,
		.events = events,
		.start = span_now(),
	};
}

struct waiting waiting_to_receive(int fd, int flags)
{
	int asked = flags & FLAGS_THAT_DO_NOT_WAIT;

	return begin(fd, SO_RCVTIMEO, POLLIN, asked, asked ? MSG_DONTWAIT : 0);
}

struct waiting waiting_to_send(int fd, int flags)
{
	return begin(fd, SO_SNDTIMEO, POLLOUT, flags & MSG_DONTWAIT, 0);
}

struct waiting waiting_to_send_all(int fd, int flags)
{
	return begin(fd, SO_SNDTIMEO, POLLOUT, flags & MSG_DONTWAIT, MSG_DONTWAIT);
}

bool waiting_never(int fd)
{
	int saved_errno = errno, flags = fcntl(fd, F_GETFL);

	errno = saved_errno;
	return flags >= 0 && flags & O_NONBLOCK;
}

static void learn_deadline(struct waiting *wait)
{
	if (wait->is_known)
		return;
	wait->deadline = span_deadline(wait->start, span_of_socket(wait->fd, wait->option));
	wait->is_known = true;
}

static bool poll_and_again(struct waiting *wait)
{
	int r = span_poll(wait->fd, wait->events, wait->deadline);

	if (r > 0)
		return true;
	errno = r < 0 ? -r : ETIMEDOUT;
	return false;
}

static bool after_signal(struct waiting *wait)
{
	if (wait->asked_flags != 0)
		return true;
	learn_deadline(wait);
	if (wait->deadline == SPAN_FOREVER)
		return true;
	wait->flags = MSG_DONTWAIT;
	return poll_and_again(wait);
}

static bool after_nothing(struct waiting *wait)
{
	if (wait->asked_flags != 0 || waiting_never(wait->fd))
		return false;
	learn_deadline(wait);
	if (wait->deadline == SPAN_FOREVER) {
		/* Without a deadline the kernel waits better; and what it still says then is
		 * something else, as that there is no free port. */
		bool is_polled = wait->flags != 0;
		wait->flags = 0;
		return is_polled;
	}
	int64_t now = span_now();
	if (wait->flags != 0 && now < wait->deadline)
		return poll_and_again(wait);
	if (wait->flags != 0 || now >= wait->deadline - EARLY_USEC)
		errno = ETIMEDOUT;
	return false;
}

bool waiting_again(struct waiting *wait)
{
	switch (errno) {
	case EINTR:
		return after_signal(wait);
	case EAGAIN:
		return after_nothing(wait);
	default:
		return false;
	}
}

ssize_t waiting_end(const struct waiting *wait, ssize_t result)
{
	if (result >= 0)
		errno = wait->saved_errno;
	return result;
}
