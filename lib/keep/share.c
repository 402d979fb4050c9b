/* Sockets by ticket. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "lib/keep/tell.h"
#include "lib/kernel.h"
#include "lib/reason.h"
#include "lib/sockd.h"
#include "proto/macro.h"

#define PREFIX "sockd-"
#define PREFIX_SIZE (sizeof PREFIX - 1)

_Static_assert(SOCKD_TICKET_SIZE == PREFIX_SIZE + 2 * WIRE_TICKET_BYTES + 1, "a ticket's size");

static void format_ticket(const struct wire_ticket *ticket, char *buffer)
{
	static const char digits[] = "0123456789abcdef";

	buffer = mempcpy(buffer, PREFIX, PREFIX_SIZE);
	for (size_t i = 0; i < sizeof ticket->bytes; i++) {
		*buffer++ = digits[ticket->bytes[i] >> 4];
		*buffer++ = digits[ticket->bytes[i] & 15];
	}
	*buffer = '\0';
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_ticket(const char *text, struct wire_ticket *ret)
{
	while (isspace((unsigned char)*text))
		text++;
	if (strncmp(text, PREFIX, PREFIX_SIZE) != 0)
		return -EINVAL;
	text += PREFIX_SIZE;
	for (size_t i = 0; i < sizeof ret->bytes; i++) {
		int high = digit(*text), low = high < 0 ? -1 : digit(text[1]);
		if (low < 0)
			return -EINVAL;
		ret->bytes[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	while (isspace((unsigned char)*text))
		text++;
	return *text ? -EINVAL : 0;
}

/* Who may take it; a process is opened, here where its pid means what the caller says. */
static int set_taker(struct wire_share *share, enum sockd_taker taker, int64_t who, int *ret_pidfd,
	bool *ret_own)
{
	switch (taker) {
	case SOCKD_FOR_ANYONE:
		share->taker = WIRE_TAKER_ANYONE;
		return who == 0 ? 0 : keep_refuse(EINVAL, "for anyone, who must be 0");
	case SOCKD_FOR_PROCESS:
		if (who <= 0 || who > INT_MAX)
			return keep_refuse(EINVAL, "who is no pid");
		share->taker = WIRE_TAKER_PROCESS;
		*ret_pidfd = (int)syscall(SYS_pidfd_open, (pid_t)who, 0);
		*ret_own = *ret_pidfd >= 0;
		return *ret_pidfd < 0 ? keep_refuse(errno,
						"the process that is to take it cannot be opened")
				      : 0;
	case SOCKD_FOR_PIDFD:
		if (who < 0 || who > INT_MAX)
			return keep_refuse(EBADF, "who is no pidfd");
		share->taker = WIRE_TAKER_PROCESS;
		*ret_pidfd = (int)who;
		return 0;
	case SOCKD_FOR_USER:
	case SOCKD_FOR_GROUP:
		if (who < 0 || who >= UINT32_MAX)
			return keep_refuse(EINVAL, "who is no user or group");
		share->taker = taker == SOCKD_FOR_USER ? WIRE_TAKER_USER : WIRE_TAKER_GROUP;
		share->id = (uint32_t)who;
		return 0;
	}
	return keep_refuse(EINVAL, "this kind of taker is not known");
}

static int share(int fd, struct wire_share *terms, int pidfd, char *buffer)
{
	const struct wire_request request = {.verb = WIRE_SHARE, .share = *terms};
	const int fds[] = {fd, pidfd};
	/* A ticket that was made and not told of ends by itself. */
	struct broker_call call = {
		.request = &request,
		.send = fds,
		.n_send = pidfd >= 0 ? 2 : 1,
	};
	struct wire_reply reply;

	int r = keep_tell(&call, &reply);
	if (r == 0)
		format_ticket(&reply.ticket, buffer);
	explicit_bzero(&reply.ticket, sizeof reply.ticket);
	return r;
}

int sockd_share(int fd, enum sockd_taker taker, int64_t who, int64_t timeout_usec, char *buffer,
	size_t size)
{
	struct wire_share terms = {.lifetime_usec = WIRE_TICKET_USEC_USUAL};
	int saved_errno = errno, pidfd = -1;
	bool own = false;

	reason_clear();
	int r = keep_check_socket(fd);
	if (r == 0 && (timeout_usec < 0 || timeout_usec > SOCKD_TICKET_LONGEST))
		r = keep_refuse(EINVAL, "a ticket is good for 1 microsecond to 1 hour; 0 is the "
					"usual time");
	if (r == 0 && !buffer)
		r = keep_refuse(EINVAL, "there is no buffer for the ticket");
	if (r == 0 && size < SOCKD_TICKET_SIZE)
		r = keep_refuse(ENOSPC, "a ticket needs a buffer of SOCKD_TICKET_SIZE bytes");
	if (r == 0 && timeout_usec > 0)
		terms.lifetime_usec = (uint64_t)timeout_usec;
	if (r == 0)
		r = set_taker(&terms, taker, who, &pidfd, &own);
	if (r == 0)
		r = share(fd, &terms, pidfd, buffer);
	if (own)
		kernel_close(pidfd);
	return keep_finish(r, saved_errno);
}

int sockd_fromshare(const char *ticket)
{
	struct wire_request request = {.verb = WIRE_FROMSHARE};
	int saved_errno = errno, fd = -1;
	/* The ticket ends only once the socket is on its way: to ask again does no harm. */
	struct broker_call call = {.request = &request, .fds = &fd, .n_fds = 1};
	struct wire_reply reply;

	reason_clear();
	int r = ticket ? parse_ticket(ticket, &request.ticket) : -EINVAL;
	if (r < 0)
		reason_set(
			"this is no ticket: one is \"sockd-\" and 64 hexadecimal digits", NULL, 0);
	else
		r = keep_tell(&call, &reply);
	explicit_bzero(&request.ticket, sizeof request.ticket);
	return keep_finish(r < 0 ? r : fd, saved_errno);
}
