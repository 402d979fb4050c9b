#include "client/run/answer-send.h"

#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "client/run/netlink-number.h"
#include "client/run/reach.h"
#include "client/run/receiver.h"
#include "lib/kernel.h"
#include "lib/send.h"
#include "proto/macro.h"
#include "proto/wire.h"

#define MESSAGES_MAX 64u

/* A message of the program, copied. */
struct copy {
	union {
		unsigned char bytes[WIRE_ADDRESS_MAX];
		struct sockaddr any;
	} address;
	struct iovec data; /* owned */
	struct msghdr header;
	bool has_control;
};

static void copy_release(struct copy *copy)
{
	free(copy->data.iov_base);
	copy->data.iov_base = NULL;
}

static int read_address(
	const struct target *target, uint64_t address, uint64_t size, struct copy *copy)
{
	if (address == 0 || size == 0)
		return 0;
	if (size > sizeof copy->address)
		return -EINVAL;
	copy->header.msg_name = &copy->address;
	copy->header.msg_namelen = (socklen_t)size;
	return target_read(target, address, &copy->address, (size_t)size);
}

/* The parts in one piece. More than one packet to the broker can carry is none of its matters. */
static int read_parts(
	const struct target *target, const struct iovec *parts, size_t n, struct copy *copy)
{
	size_t size = 0;

	for (size_t i = 0; i < n; i++) {
		if (parts[i].iov_len > WIRE_PACKET_MAX - size)
			return -EMSGSIZE;
		size += parts[i].iov_len;
	}
	if (size == 0)
		return -EMSGSIZE;
	unsigned char *data = malloc(size);
	if (!data)
		return -ENOMEM;
	copy->data = (struct iovec){.iov_base = data};
	copy->header.msg_iov = &copy->data;
	copy->header.msg_iovlen = 1;
	for (size_t i = 0; i < n; i++) {
		if (parts[i].iov_len == 0)
			continue;
		int r = target_read(target, (uintptr_t)parts[i].iov_base, data + copy->data.iov_len,
			parts[i].iov_len);
		if (r < 0)
			return r;
		copy->data.iov_len += parts[i].iov_len;
	}
	return 0;
}

static int read_vector(const struct target *target, uint64_t address, uint64_t n, struct copy *copy)
{
	if (n == 0 || n > IOV_MAX)
		return -EMSGSIZE;
	_cleanup_free_ struct iovec *parts = calloc((size_t)n, sizeof *parts);
	if (!parts)
		return -ENOMEM;
	int r = target_read(target, address, parts, (size_t)n * sizeof *parts);
	return r < 0 ? r : read_parts(target, parts, (size_t)n, copy);
}

static int read_message(const struct target *target, uint64_t address, struct copy *copy)
{
	struct msghdr header;
	int r = target_read(target, address, &header, sizeof header);

	copy->has_control = r == 0 && header.msg_controllen > 0;
	if (r == 0)
		r = read_address(target, (uintptr_t)header.msg_name, header.msg_namelen, copy);
	return r < 0 ? r : read_vector(target, (uintptr_t)header.msg_iov, header.msg_iovlen, copy);
}

static int read_call(const struct call *call, struct copy *copy, int *ret_flags)
{
	const struct target *target = &call->target;
	const uint64_t *arguments = call->arguments;
	const struct iovec whole = {
		.iov_base = (void *)(uintptr_t)arguments[1], .iov_len = arguments[2]};
	int r;

	*ret_flags = 0;
	switch (call->kind) {
	case CALL_SENDTO:
		*ret_flags = call_int(call, 3);
		r = read_address(target, arguments[4], (uint32_t)arguments[5], copy);
		return r < 0 ? r : read_parts(target, &whole, 1, copy);
	case CALL_SENDMSG:
		*ret_flags = call_int(call, 2);
		return read_message(target, arguments[1], copy);
	case CALL_WRITE:
		return read_parts(target, &whole, 1, copy);
	case CALL_WRITEV:
		return read_vector(target, arguments[1], arguments[2], copy);
	default:
		return -EINVAL;
	}
}

static struct answer send_one(const struct call *call, int fd, bool is_netlink)
{
	_cleanup_(copy_release) struct copy copy = {0};
	int flags;

	if (read_call(call, &copy, &flags) < 0 || copy.has_control ||
		!target_is_waiting(&call->target))
		return answer_continue();
	if (!is_netlink) {
		ssize_t n = call_sendmsg(fd, &copy.header, flags | MSG_NOSIGNAL);
		return answer_value(n < 0 ? -errno : n);
	}
	netlink_number_ensure(call, fd);
	switch (send_instead(fd, &copy.header, flags)) {
	case SEND_DONE:
		return answer_value((int64_t)copy.data.iov_len);
	case SEND_FAILED:
		return answer_value(-errno);
	case SEND_PLAINLY:
		break;
	}
	return answer_continue();
}

static int write_length(const struct target *target, uint64_t address, unsigned length)
{
	struct iovec local = {.iov_base = &length, .iov_len = sizeof length};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = sizeof length};
	ssize_t n = process_vm_writev(target->tid, &local, 1, &remote, 1, 0);

	return n == sizeof length ? 0 : -EFAULT;
}

/*
 * As many as go at once; like the kernel, an error is told only where it is the first that fails.
 * The next call then has the rest. Where the first has to wait the program does so itself: here no
 * signal would end it.
 */
static struct answer send_several(const struct call *call, int fd, bool is_netlink)
{
	uint64_t n = call->arguments[2] & UINT32_MAX;
	int flags = call_int(call, 3) | MSG_NOSIGNAL | MSG_DONTWAIT;
	int64_t sent = 0;

	if (n == 0)
		return answer_continue(); /* the flags may be wrong */
	for (; sent < (int64_t)MIN_OF(n, MESSAGES_MAX); sent++) {
		_cleanup_(copy_release) struct copy copy = {0};
		uint64_t address = call->arguments[1] + (uint64_t)sent * sizeof(struct mmsghdr);
		if (read_message(&call->target, address, &copy) < 0 || copy.has_control ||
			!target_is_waiting(&call->target))
			return sent > 0 ? answer_value(sent) : answer_continue();
		if (is_netlink)
			netlink_number_ensure(call, fd);
		ssize_t length = call_sendmsg(fd, &copy.header, flags);
		if (length < 0 && errno == EAGAIN && sent == 0)
			return answer_continue();
		if (length < 0)
			return answer_value(sent > 0 ? sent : -errno);
		/* It may have taken long, and the number be another's. */
		if (!target_is_waiting(&call->target))
			return answer_value(sent);
		if (write_length(&call->target, address + offsetof(struct mmsghdr, msg_len),
			    (unsigned)length) < 0)
			return answer_value(sent > 0 ? sent : -EFAULT);
	}
	return answer_value(sent);
}

struct answer answer_send(const struct call *call)
{
	_cleanup_close_ int fd = reach_fd(call, call_int(call, 0));

	/* Descriptors of any kind get there in a program that has very many. */
	if (fd < 0 || !send_concerns_broker(fd))
		return answer_continue();
	bool is_netlink = kernel_socket_number(fd, SO_DOMAIN) == AF_NETLINK;
	/* What is not for the broker alone the kernel may keep for a while. */
	if (call->kind == CALL_SENDMMSG || !is_netlink)
		receiver_hand_on();
	if (call->kind == CALL_SENDMMSG)
		return send_several(call, fd, is_netlink);
	return send_one(call, fd, is_netlink);
}
