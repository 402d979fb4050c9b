#include "daemon/management.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/broker.h"
#include "daemon/management-verbs.h"
#include "daemon/reload.h"
#include "proto/macro.h"

#define LINE_MAX_BYTES (512u * 1024u)
#define MANAGEMENTS_MAX 32u

/* One administrator's connection. A line is read, answered, and the answer written before the next
 * is read. */
struct management {
	struct broker *broker;
	int fd;
	uid_t uid; /* whose connection it is */
	sd_event_source *source;
	char *in;
	size_t in_used;
	char *out;
	size_t out_size, out_sent;
	bool waits; /* for the end of a reload */
	TAILQ_ENTRY(management) entry;
};

void management_close(struct management *management)
{
	struct broker *broker = management->broker;

	if (broker->reload_data == management)
		broker->reload_data = NULL;
	TAILQ_REMOVE(&broker->managements, management, entry);
	broker->n_managements--;
	sd_event_source_disable_unref(management->source);
	close_quietly(management->fd);
	free(management->in);
	free(management->out);
	free(management);
}

static int set_answer_take(struct management *management, json_t *reply)
{
	management->out = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	json_decref(reply);
	if (!management->out)
		return -ENOMEM;
	management->out_size = strlen(management->out);
	management->out[management->out_size++] = '\n'; /* in place of the NUL */
	management->out_sent = 0;
	return 0;
}

static bool is_reload(const json_t *request)
{
	const char *verb = json_string_value(json_object_get(request, "verb"));

	return verb && strcmp(verb, "reload") == 0;
}

static bool is_administrator(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

static json_t *refuse(uid_t uid)
{
	char text[96];

	snprintf(text, sizeof text,
		"only administrators are answered (root, and the user that sockd runs as), not "
		"user %u",
		uid);
	return management_failure(EPERM, text);
}

static void on_reloaded(void *data, int result, const char *errors);

/* Answers a line, or begins what will be answered later. */
static int answer(struct management *management, const char *line, size_t size)
{
	struct broker *broker = management->broker;
	json_error_t error;
	int r = 0;

	if (!is_administrator(management->uid))
		return set_answer_take(management, refuse(management->uid));
	json_t *request = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(request))
		r = set_answer_take(
			management, management_failure(EBADMSG, "the line is not a JSON object"));
	else if (is_reload(request)) {
		r = reload_start(broker, on_reloaded, management);
		management->waits = r >= 0;
		if (r < 0)
			r = set_answer_take(management,
				management_failure(-r,
					r == -EALREADY ? "a reload is under way; try again"
						       : "there is no memory or thread to reload "
							 "with; try again"));
	} else
		r = set_answer_take(management, management_verb(broker, request));
	json_decref(request);
	return r;
}

/* Answers the first whole line that was read. Returns 0, 1 where there is none, or a negative
 * errno. */
static int answer_line(struct management *management)
{
	char *end = memchr(management->in, '\n', management->in_used);
	if (!end)
		return management->in_used == LINE_MAX_BYTES ? -EMSGSIZE : 1;
	size_t length = (size_t)(end - management->in);

	int r = answer(management, management->in, length);
	management->in_used -= length + 1;
	memmove(management->in, end + 1, management->in_used);
	return r;
}

static int write_answer(struct management *management)
{
	ssize_t n = send(management->fd, management->out + management->out_sent,
		management->out_size - management->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : negative_errno();
	management->out_sent += (size_t)n;
	if (management->out_sent == management->out_size)
		free(TAKE_PTR(management->out));
	return 0;
}

static int read_more(struct management *management)
{
	ssize_t n = recv(management->fd, management->in + management->in_used,
		LINE_MAX_BYTES - management->in_used, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : negative_errno();
	if (n == 0)
		return -ECONNRESET;
	management->in_used += (size_t)n;
	return 0;
}

/* Writes as much as goes, answers further lines that are there. */
static int go_on(struct management *management)
{
	int r = 0;

	while (r == 0 && management->out) {
		size_t before = management->out_sent;
		r = write_answer(management);
		if (r < 0 || (management->out && management->out_sent == before))
			break;
		if (!management->out)
			r = answer_line(management);
	}
	if (r < 0)
		return r;
	return sd_event_source_set_io_events(management->source, management->waits ? 0
								 : management->out ? EPOLLOUT
										   : EPOLLIN);
}

static int on_io(sd_event_source *source _unused_, int fd _unused_, uint32_t events, void *data)
{
	struct management *management = data;
	bool gone = events & (EPOLLHUP | EPOLLERR);
	int r = 0;

	if (management->waits || management->out)
		r = gone ? -ECONNRESET : 0;
	else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		r = read_more(management);
		if (r >= 0)
			r = answer_line(management);
	}
	if (r >= 0)
		r = go_on(management);
	if (r < 0)
		management_close(management);
	return 0;
}

static void on_reloaded(void *data, int result, const char *errors)
{
	struct management *management = data;

	management->waits = false;
	int r = set_answer_take(
		management, management_reload_answer(management->broker, result, errors));
	if (r >= 0)
		r = go_on(management);
	if (r < 0)
		management_close(management);
}

/* Who may not ask leaves half of the places to those who may. */
static bool has_place(const struct broker *broker, uid_t uid)
{
	return broker->n_managements <
	       (is_administrator(uid) ? MANAGEMENTS_MAX : MANAGEMENTS_MAX / 2);
}

void management_accept_take(struct broker *broker, int fd)
{
	_cleanup_close_ int owned = fd;
	struct ucred peer;
	socklen_t size = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
		!has_place(broker, peer.uid))
		return;
	_cleanup_free_ char *in = malloc(LINE_MAX_BYTES);
	struct management *management = calloc(1, sizeof *management);
	if (!management || !in) {
		free(management);
		return;
	}
	management->broker = broker;
	management->uid = peer.uid;
	management->fd = TAKE_FD(owned);
	management->in = TAKE_PTR(in);
	TAILQ_INSERT_TAIL(&broker->managements, management, entry);
	broker->n_managements++;
	if (sd_event_add_io(broker->event, &management->source, management->fd, EPOLLIN, on_io,
		    management) < 0)
		management_close(management);
}
