#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/macro.h"

void log_guard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close_quietly(fd);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
}

/* A pipe or a stream that says it has room takes so much at once. */
static bool write_where_room(const char *text, size_t size)
{
	while (size > 0) {
		struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};

		if (poll(&room, 1, 0) <= 0 || !(room.revents & POLLOUT))
			return false;
		ssize_t n = write(STDERR_FILENO, text, MIN_OF(size, (size_t)PIPE_BUF));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		size -= (size_t)n;
	}
	return true;
}

void log_say(const char *format, ...)
{
	static _Atomic unsigned n_lost;
	_cleanup_free_ char *text = NULL, *line = NULL;
	unsigned lost = atomic_exchange(&n_lost, 0);
	char note[80] = "";
	va_list arguments;

	va_start(arguments, format);
	int r = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (r < 0)
		text = NULL;
	if (lost > 0)
		snprintf(note, sizeof note, "sockd: %u messages were lost: nobody read them\n",
			lost);
	r = text ? asprintf(&line, "%ssockd: %s\n", note, text) : -1;
	if (r < 0)
		line = NULL;
	if (!line || !write_where_room(line, strlen(line)))
		atomic_fetch_add(&n_lost, lost + 1);
}
