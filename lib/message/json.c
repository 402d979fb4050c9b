/*
 * libsockd-json: JSON objects over a stream. Only libc and jansson are needed here, and nothing of
 * libsockd: the timeout is the kernel's, on the socket.
 */
#include "lib/sockd-json.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "proto/macro.h"

#define SIZE_USUAL (1u << 20)
#define HEADER_SIZE sizeof(uint32_t)
#define NSEC_PER_SEC INT64_C(1000000000)
#define NEVER INT64_MAX

/* One message on its way, either way. */
struct transfer {
	int fd;
	bool receiving, nonblocking;
	int64_t deadline; /* nanoseconds of CLOCK_MONOTONIC, or NEVER */
	size_t moved;	  /* bytes, the header included */
	json_error_t *error;
};

/* Fills in what the caller may see; -1 for line where the text is not at fault. */
_printf_(5, 6) static int refuse(
	json_error_t *error, int number, int line, size_t position, const char *format, ...)
{
	va_list arguments;

	if (error) {
		error->line = error->column = line;
		error->position = position > INT_MAX ? INT_MAX : (int)position;
		memset(error->text, 0, sizeof error->text);
		va_start(arguments, format);
		/* The last byte is jansson's own. */
		(void)vsnprintf(error->text, sizeof error->text - 1, format, arguments);
		va_end(arguments);
	}
	return -number;
}

static void name_source(json_error_t *error, const char *name)
{
	if (error)
		(void)snprintf(error->source, sizeof error->source, "%s", name);
}

static int64_t now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

static int begin_transfer(struct transfer *ret, int fd, bool receiving, json_error_t *error)
{
	struct transfer transfer = {
		.fd = fd,
		.receiving = receiving,
		.deadline = NEVER,
		.error = error,
	};
	struct timeval timeout;
	socklen_t size = sizeof timeout, type_size = sizeof(int);
	int64_t span;
	int flags = fcntl(fd, F_GETFL), type;

	if (flags < 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) < 0 ||
		getsockopt(fd, SOL_SOCKET, receiving ? SO_RCVTIMEO : SO_SNDTIMEO, &timeout, &size) <
			0)
		return refuse(error, errno, -1, 0, "descriptor %d: %s", fd, strerrordesc_np(errno));
	if (type != SOCK_STREAM)
		return refuse(
			error, EPROTOTYPE, -1, 0, "descriptor %d is not of a stream socket", fd);
	transfer.nonblocking = flags & O_NONBLOCK;
	if (timeout.tv_sec != 0 || timeout.tv_usec != 0) {
		if (__builtin_mul_overflow((int64_t)timeout.tv_sec, NSEC_PER_SEC, &span) ||
			__builtin_add_overflow(span, (int64_t)timeout.tv_usec * 1000, &span) ||
			__builtin_add_overflow(span, now(), &transfer.deadline))
			transfer.deadline = NEVER;
	}
	*ret = transfer;
	return 0;
}

static int wait_ready(const struct transfer *transfer)
{
	struct pollfd poller = {
		.fd = transfer->fd,
		.events = transfer->receiving ? POLLIN : POLLOUT,
	};

	for (;;) {
		int64_t left = transfer->deadline == NEVER ? 0 : transfer->deadline - now();
		struct timespec span = {left / NSEC_PER_SEC, left % NSEC_PER_SEC};
		int n;

		if (left < 0)
			return -ETIMEDOUT;
		n = ppoll(&poller, 1, transfer->deadline == NEVER ? NULL : &span, NULL);
		if (n > 0) {
			/* A queue of errors that nobody reads (MSG_ERRQUEUE) is told for ever, and
			 * must not take the whole processor. */
			if (poller.revents == POLLERR)
				(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
			return 0;
		}
		if (n < 0 && errno != EINTR)
			return negative_errno();
	}
}

/* Moves all of it: 1. The stream has ended: 0, and the rest is missing. Else -errno. */
static int move_all(struct transfer *transfer, void *buffer, size_t size)
{
	size_t done = 0;

	while (done < size) {
		void *at = (char *)buffer + done;
		ssize_t n = transfer->receiving ? recv(transfer->fd, at, size - done, MSG_DONTWAIT)
						: send(transfer->fd, at, size - done,
							  MSG_DONTWAIT | MSG_NOSIGNAL);
		int r = 0;

		if (n == 0 && transfer->receiving)
			return 0;
		if (n >= 0) {
			done += (size_t)n;
			transfer->moved += (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			r = negative_errno();
		else if (transfer->nonblocking)
			r = -EAGAIN;
		else
			r = wait_ready(transfer);
		if (r < 0)
			return refuse(transfer->error, -r, -1, transfer->moved,
				"after %zu bytes of the message: %s", transfer->moved,
				strerrordesc_np(-r));
	}
	return 1;
}

static int check_limit(size_t *size_max, json_error_t *error)
{
	if (*size_max == 0)
		*size_max = SIZE_USUAL;
	if (*size_max > UINT32_MAX)
		return refuse(error, EINVAL, -1, 0,
			"size_max is %zu, and a message has at most %" PRIu32 " bytes", *size_max,
			UINT32_MAX);
	return 0;
}

/* What the other end would refuse, found before anything is sent. budget is the number of values
 * that may still come: each takes a byte of text at least, so that one which is part of many others
 * cannot keep this busy. */
static int check_value(json_t *value, unsigned depth, size_t *budget, json_error_t *error)
{
	const char *key;
	json_t *member;
	size_t i;
	int r;

	if (depth > JSON_PARSER_MAX_DEPTH)
		return refuse(error, EINVAL, -1, 0,
			"the object is nested deeper than %d, or within itself",
			JSON_PARSER_MAX_DEPTH);
	if ((*budget)-- == 0)
		return refuse(error, EMSGSIZE, -1, 0, "the message is larger than allowed");
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		json_object_foreach(value, key, member)
		{
			r = check_value(member, depth + 1, budget, error);
			if (r < 0)
				return r;
		}
		return 0;
	case JSON_ARRAY:
		json_array_foreach(value, i, member)
		{
			r = check_value(member, depth + 1, budget, error);
			if (r < 0)
				return r;
		}
		return 0;
	case JSON_STRING:
		if (memchr(json_string_value(value), '\0', json_string_length(value)))
			return refuse(error, EINVAL, -1, 0,
				"a string in the object has a NUL, which the receiver would "
				"refuse");
		return 0;
	default:
		return 0;
	}
}

/* The text, with room for the header before it. */
struct text {
	char *data;
	size_t size, room, size_max;
	int error;
};

static void cleanup_text(struct text *text)
{
	cleanup_free(&text->data);
}

static int append(const char *data, size_t size, void *userdata)
{
	struct text *text = userdata;

	if ((uint64_t)text->size + size > (uint64_t)text->size_max + HEADER_SIZE) {
		text->error = EMSGSIZE;
		return -1;
	}
	if (size > text->room - text->size) {
		size_t room = MAX_OF(2 * text->room, text->size + size);
		char *larger = realloc(text->data, room);
		if (!larger) {
			text->error = ENOMEM;
			return -1;
		}
		text->data = larger;
		text->room = room;
	}
	memcpy(text->data + text->size, data, size);
	text->size += size;
	return 0;
}

static int print_object(
	const json_t *object, size_t size_max, struct text *text, json_error_t *error)
{
	text->size_max = size_max;
	if (append("\0\0\0", HEADER_SIZE, text) < 0)
		return refuse(error, text->error, -1, 0, "%s", strerrordesc_np(text->error));
	errno = 0;
	if (json_dump_callback(object, append, text, JSON_COMPACT) == 0) {
		uint32_t header = htobe32((uint32_t)(text->size - HEADER_SIZE));
		memcpy(text->data, &header, sizeof header);
		return 0;
	}
	/* Of its own want of memory jansson says nothing. */
	if (text->error == 0 && errno == ENOMEM)
		text->error = ENOMEM;
	if (text->error == EMSGSIZE)
		return refuse(error, EMSGSIZE, -1, 0,
			"the message is larger than the %zu bytes that are allowed", size_max);
	if (text->error != 0)
		return refuse(error, text->error, -1, 0, "%s", strerrordesc_np(text->error));
	return refuse(error, EINVAL, -1, 0,
		"the object cannot be written: a string is not UTF-8, or it contains itself");
}

static int send_json(int fd, const json_t *object, size_t size_max, json_error_t *error)
{
	_cleanup_(cleanup_text) struct text text = {0};
	struct transfer transfer = {0};
	size_t budget;
	int r;

	if (!json_is_object(object))
		return refuse(error, EINVAL, -1, 0, "what is to be sent is not an object");
	r = check_limit(&size_max, error);
	if (r < 0)
		return r;
	budget = size_max;
	r = check_value((json_t *)(uintptr_t)object, 1, &budget, error);
	if (r < 0)
		return r;
	r = print_object(object, size_max, &text, error);
	if (r < 0)
		return r;
	r = begin_transfer(&transfer, fd, false, error);
	if (r < 0)
		return r;
	r = move_all(&transfer, text.data, text.size);
	return r < 0 ? r : 0;
}

static int cut_off(const struct transfer *transfer, size_t size)
{
	return refuse(transfer->error, EPROTO, -1, transfer->moved,
		"the stream ended after %zu of %zu bytes of a message", transfer->moved, size);
}

static int receive_json(int fd, size_t size_max, json_t **ret_object, json_error_t *error)
{
	_cleanup_free_ char *text = NULL;
	struct transfer transfer = {0};
	json_error_t mistake = {.line = -1};
	uint32_t header = 0;
	size_t size;
	json_t *object;
	int r;

	if (!ret_object)
		return refuse(error, EINVAL, -1, 0, "there is no place for the object");
	r = check_limit(&size_max, error);
	if (r < 0)
		return r;
	r = begin_transfer(&transfer, fd, true, error);
	if (r < 0)
		return r;
	r = move_all(&transfer, &header, sizeof header);
	if (r == 0 && transfer.moved > 0)
		return cut_off(&transfer, sizeof header);
	if (r <= 0)
		return r;
	size = be32toh(header);
	if (size > size_max)
		return refuse(error, EMSGSIZE, -1, transfer.moved,
			"the message has %zu bytes, and %zu are allowed", size, size_max);
	text = malloc(size > 0 ? size : 1);
	if (!text)
		return refuse(error, ENOMEM, -1, transfer.moved, "%s", strerrordesc_np(ENOMEM));
	r = move_all(&transfer, text, size);
	if (r == 0)
		return cut_off(&transfer, sizeof header + size);
	if (r < 0)
		return r;

	errno = 0;
	object = json_loadb(text, size, JSON_REJECT_DUPLICATES, &mistake);
	if (!object) {
		/* Where it says nothing of that itself. */
		if (errno == ENOMEM || json_error_code(&mistake) == json_error_out_of_memory)
			return refuse(
				error, ENOMEM, -1, transfer.moved, "%s", strerrordesc_np(ENOMEM));
		if (error)
			*error = mistake;
		return -EBADMSG;
	}
	if (!json_is_object(object)) {
		json_decref(object);
		return refuse(error, EBADMSG, 1, 1, "the message is not an object");
	}
	*ret_object = object;
	return 1;
}

static int finish(int r, int saved_errno)
{
	errno = r < 0 ? -r : saved_errno;
	return r < 0 ? -1 : r;
}

int sockd_send_json(int fd, const json_t *object, size_t size_max, json_error_t *ret_error)
{
	int saved_errno = errno, r = send_json(fd, object, size_max, ret_error);

	if (r < 0)
		name_source(ret_error, "<send_json>");
	return finish(r, saved_errno);
}

int sockd_recv_json(int fd, size_t size_max, json_t **ret_object, json_error_t *ret_error)
{
	int saved_errno = errno, r = receive_json(fd, size_max, ret_object, ret_error);

	if (r < 0)
		name_source(ret_error, "<recv_json>");
	return finish(r, saved_errno);
}
