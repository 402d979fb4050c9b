#include "daemon/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "daemon/broker.h"
#include "daemon/management.h"
#include "daemon/receive.h"
#include "daemon/timer.h"
#include "proto/macro.h"
#include "proto/transport.h"

#define SLACK_USEC 1000u
#define ACCEPT_BATCH 16u
#define PAUSE_USEC 100000u

/* And not what somebody has put into its place since. */
static bool is_own_file(const struct listener *listener)
{
	struct stat status;

	return lstat(listener->path, &status) == 0 && status.st_dev == listener->device &&
	       status.st_ino == listener->inode;
}

struct listener *listener_free(struct listener *listener)
{
	if (!listener)
		return NULL;
	TAILQ_REMOVE(&listener->broker->listeners, listener, entry);
	sd_event_source_disable_unref(listener->source);
	sd_event_source_disable_unref(listener->pause);
	transport_pass_fds(listener->fd, true); /* of the manager's, for whoever has it next */
	close_quietly(listener->fd);
	/* Fails where the directory is root's, as it mostly is: then the next start replaces the
	 * file. */
	if (listener->path && is_own_file(listener))
		(void)unlink(listener->path);
	free(listener->path);
	free(listener);
	return NULL;
}

static int add_listener(struct broker *broker, const char *name, int fd, bool for_administrators,
	struct listener **ret)
{
	_cleanup_close_ int owned = fd;
	int on = 1;

	/* systemd's are so already; another manager's might not be, and would stop the loop. */
	int flags = fcntl(owned, F_GETFL);
	if (flags < 0 || fcntl(owned, F_SETFL, flags | O_NONBLOCK) < 0)
		return negative_errno();
	if (!for_administrators && setsockopt(owned, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0)
		return negative_errno();
	struct listener *listener = calloc(1, sizeof *listener);
	if (!listener)
		return -ENOMEM;
	listener->broker = broker;
	listener->fd = TAKE_FD(owned);
	listener->for_administrators = for_administrators;
	snprintf(listener->name, sizeof listener->name, "%s", name);
	TAILQ_INSERT_TAIL(&broker->listeners, listener, entry);
	/* Or all that waits in a refused connection must be closed, which may take long, and one
	 * user can have many such. Before Linux 6.16 it can. */
	transport_pass_fds(listener->fd, false);
	*ret = listener;
	return 0;
}

int listener_adopt_take(struct broker *broker, const char *name, int fd, bool for_administrators)
{
	struct listener *listener;

	return add_listener(broker, name, fd, for_administrators, &listener);
}

/* Who is dead refuses; who listens for another type of socket lives too. */
static bool is_served(const struct sockaddr_un *address, int type)
{
	_cleanup_close_ int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
				  errno == EAGAIN || errno == EPROTOTYPE);
}

static int remove_stale(const struct sockaddr_un *address, int type)
{
	const char *path = address->sun_path;
	struct stat status;

	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0 : negative_errno();
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	if (is_served(address, type))
		return -EADDRINUSE;
	return unlink(path) < 0 ? negative_errno() : 0;
}

int listener_open(
	struct broker *broker, const char *name, const char *path, bool for_administrators)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int type = for_administrators ? SOCK_STREAM : SOCK_SEQPACKET;

	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	_cleanup_free_ char *own_path = strdup(path);
	if (!own_path)
		return -ENOMEM;
	_cleanup_close_ int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return negative_errno();
	int r = remove_stale(&address, type);
	if (r < 0)
		return r;
	mode_t old = umask(for_administrators ? 0177 : 0111);
	r = bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ? negative_errno() : 0;
	(void)umask(old);
	if (r < 0)
		return r;
	struct listener *listener = NULL;
	r = add_listener(broker, name, TAKE_FD(fd), for_administrators, &listener);
	if (!listener)
		return r;
	struct stat status;
	/* As late as this: who connects gets what the listening socket has by then. */
	if (listen(listener->fd, SOMAXCONN) < 0 || lstat(path, &status) < 0)
		return negative_errno();
	listener->device = status.st_dev;
	listener->inode = status.st_ino;
	listener->path = TAKE_PTR(own_path);
	return 0;
}

static int on_pause_over(sd_event_source *source _unused_, uint64_t usec _unused_, void *data)
{
	struct listener *listener = data;
	return sd_event_source_set_enabled(listener->source, SD_EVENT_ON);
}

/* (Almost) out of descriptors or memory: clients wait in the queue; asking again at once would only
 * burn the processor. */
static int pause_listening(struct listener *listener)
{
	int r = sd_event_source_set_enabled(listener->source, SD_EVENT_OFF);
	if (r < 0)
		return r;
	return timer_set_in(listener->pause, PAUSE_USEC);
}

static int on_connection(
	sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *data)
{
	struct listener *listener = data;

	/* A connection that is refused has to be closed as well. */
	if (closer_count(listener->broker->closer) > listener->broker->closes_max)
		return pause_listening(listener);
	for (unsigned i = 0; i < ACCEPT_BATCH; i++) {
		int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (accepted < 0) {
			if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
				return 0;
			return pause_listening(listener);
		}
		if (listener->for_administrators)
			management_accept_take(listener->broker, accepted);
		else
			receive_accept_take(listener, accepted);
	}
	return 0;
}

int listener_start(struct listener *listener)
{
	sd_event *event = listener->broker->event;
	int r = sd_event_add_io(
		event, &listener->source, listener->fd, EPOLLIN, on_connection, listener);
	if (r < 0)
		return r;
	return timer_new(
		event, CLOCK_MONOTONIC, SLACK_USEC, on_pause_over, listener, &listener->pause);
}
