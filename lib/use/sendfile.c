/* A file over a stream: by the kernel alone where it can, else by way of a buffer. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "lib/kernel.h"
#include "lib/sockd.h"
#include "lib/use/wait.h"
#include "proto/macro.h"

#define CHUNK_MAX (INT64_C(1) << 30)
#define BUFFER_SIZE ((size_t)64 * 1024)

struct transfer {
	int fd, file;
	int64_t offset, count; /* count negative: to the end */
	int64_t sent;
};

static size_t next_size(const struct transfer *transfer, int64_t max)
{
	return (size_t)(transfer->count < 0 ? max : MIN_OF(transfer->count - transfer->sent, max));
}

/* sendfile(2) knows no MSG_NOSIGNAL: its SIGPIPE, which is the thread's own, is held back and taken
 * away, unless there was one already. */
struct held_signal {
	sigset_t old;
	bool was_pending;
};

static void hold_signal(struct held_signal *held)
{
	sigset_t pipe, pending;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &held->old);
	sigemptyset(&pending);
	sigpending(&pending);
	held->was_pending = sigismember(&pending, SIGPIPE) == 1;
}

static void release_signal(const struct held_signal *held)
{
	const struct timespec at_once = {0};
	int saved_errno = errno;
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	if (!held->was_pending)
		while (sigtimedwait(&pipe, NULL, &at_once) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &held->old, NULL);
	errno = saved_errno;
}

static ssize_t send_some(struct transfer *transfer)
{
	struct waiting wait = waiting_to_send(transfer->fd, 0);
	off_t from = (off_t)(transfer->offset + transfer->sent);
	struct held_signal held;
	ssize_t n;

	hold_signal(&held);
	do
		n = sendfile(transfer->fd, transfer->file, &from, next_size(transfer, CHUNK_MAX));
	while (n < 0 && waiting_again(&wait));
	release_signal(&held);
	return waiting_end(&wait, n);
}

/* Is it a file that sendfile(2) cannot read? */
static bool is_worth_copying(int error)
{
	return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP || error == ESPIPE;
}

/* Returns 0 or a negative errno; -EXDEV where the kernel cannot do it. */
static int by_kernel(struct transfer *transfer)
{
	while (transfer->count < 0 || transfer->sent < transfer->count) {
		ssize_t n = send_some(transfer);
		if (n < 0)
			return transfer->sent == 0 && is_worth_copying(errno) ? -EXDEV
									      : negative_errno();
		if (n == 0)
			break;
		transfer->sent += n;
	}
	return 0;
}

static ssize_t read_some(const struct transfer *transfer, bool has_positions, char *buffer)
{
	size_t size = next_size(transfer, (int64_t)BUFFER_SIZE);
	ssize_t n;

	do
		n = has_positions ? pread(transfer->file, buffer, size,
					    (off_t)(transfer->offset + transfer->sent))
				  : read(transfer->file, buffer, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? negative_errno() : n;
}

static int by_copying(struct transfer *transfer)
{
	_cleanup_free_ char *buffer = malloc(BUFFER_SIZE);
	bool has_positions = lseek(transfer->file, 0, SEEK_CUR) >= 0;

	if (!buffer)
		return -ENOMEM;
	if (!has_positions && errno != ESPIPE)
		return negative_errno();
	if (!has_positions && transfer->offset > 0)
		return -ESPIPE;
	while (transfer->count < 0 || transfer->sent < transfer->count) {
		ssize_t n = read_some(transfer, has_positions, buffer), done = 0;
		if (n <= 0)
			return (int)n;
		while (done < n) {
			ssize_t gone =
				sockd_send(transfer->fd, buffer + done, (size_t)(n - done), 0);
			if (gone < 0)
				return negative_errno();
			done += gone;
			transfer->sent += gone;
		}
	}
	return 0;
}

int64_t sockd_sendfile(int fd, int file, int64_t offset, int64_t count)
{
	struct transfer transfer = {.fd = fd, .file = file, .offset = offset, .count = count};
	int saved_errno = errno, type = kernel_socket_number(fd, SO_TYPE);
	int64_t end;

	if (type < 0)
		return -1;
	if (type != SOCK_STREAM) {
		errno = EPROTOTYPE;
		return -1;
	}
	if (offset < 0 || count == 0 || count < SOCKD_TO_END || waiting_never(fd) ||
		__builtin_add_overflow(offset, count, &end)) {
		errno = EINVAL;
		return -1;
	}
	int r = by_kernel(&transfer);
	if (r == -EXDEV)
		r = by_copying(&transfer);
	if (transfer.sent > 0)
		(void)lseek(file, (off_t)(offset + transfer.sent), SEEK_SET);
	errno = r < 0 ? -r : saved_errno;
	return r < 0 ? -1 : transfer.sent;
}
