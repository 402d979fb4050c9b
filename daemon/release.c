#include "daemon/release.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "daemon/broker.h"
#include "daemon/connection.h"
#include "proto/macro.h"

/* Descriptors that are closed for a client. */
struct release {
	struct job job;		       /* first: the worker hands it back */
	struct connection *connection; /* a reference */
	size_t n, n_charged;
	int fds[WIRE_COUNT_MAX];
};

static void run_release(struct job *job)
{
	struct release *release = (struct release *)job;

	for (size_t i = 0; i < release->n; i++)
		close_quietly(release->fds[i]);
}

static void release_done(struct job *job)
{
	struct release *release = (struct release *)job;
	struct connection *connection = release->connection;

	if (release->n_charged > 0)
		closer_discharge(
			connection->broker->closer, connection->user->uid, release->n_charged);
	connection_job_ended(connection);
	connection_unref(connection);
	free(release);
}

static bool is_socket(int fd)
{
	int type;
	socklen_t size = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

void release_fds_take(struct connection *connection, const int *fds, size_t n)
{
	struct closer *closer = connection->broker->closer;
	const uid_t uid = connection->user->uid;
	struct release *release = NULL;

	for (size_t i = 0; i < n; i++) {
		bool socket = is_socket(fds[i]);

		if (!socket && !release)
			release = calloc(1, sizeof *release);
		if (!socket && release)
			release->fds[release->n++] = fds[i];
		else
			closer_take(closer, uid, &fds[i], 1);
	}
	if (!release)
		return;
	release->job = (struct job){.run = run_release, .done = release_done};
	release->connection = connection_ref(connection);
	connection_job_begun(connection);
	release->n_charged = closer_charge(closer, uid, release->n) ? release->n : 0;
	if (worker_submit_take(connection->broker->releaser, &release->job) < 0) {
		closer_take(closer, uid, release->fds, release->n);
		release_done(&release->job);
	}
}
