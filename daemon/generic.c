#include "daemon/generic.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "proto/macro.h"
#include "proto/netlink-generic.h"

#define BUFFER_SIZE (32u * 1024u)
#define NEWS_IN_A_TURN 256u

static struct {
	int fd;
	sd_event_source *source;
	struct worker *worker;
	struct generic_families families;
	bool lost;		/* news: the kernel is to be asked */
	bool asking, ask_again; /* a worker asks; what it is told may be out of date by then */
} watch = {.fd = -1};

struct question {
	struct job job;
	int error;
	struct generic_families answer;
};

static void run_question(struct job *job)
{
	struct question *question = (struct question *)job;

	question->error = generic_families_read(&question->answer);
}

static void done_question(struct job *job)
{
	struct question *question = (struct question *)job;

	watch.asking = false;
	if (watch.ask_again && !job->cancelled)
		generic_update();
	else if (watch.fd >= 0 && !job->cancelled && question->error == 0) {
		watch.families = question->answer;
		watch.lost = false;
	}
	free(question);
}

static void ask(void)
{
	struct question *question = watch.worker ? calloc(1, sizeof *question) : NULL;

	if (!question)
		return;
	question->job = (struct job){.run = run_question, .done = done_question};
	watch.asking = true;
	watch.ask_again = false;
	if (worker_submit_take(watch.worker, &question->job) < 0) {
		watch.asking = false;
		free(question);
	}
}

static void read_news(void)
{
	static _Alignas(struct nlmsghdr) unsigned char news[BUFFER_SIZE];

	for (unsigned i = 0; i < NEWS_IN_A_TURN; i++) {
		ssize_t n = generic_receive(watch.fd, news, sizeof news, MSG_DONTWAIT);
		bool lost = n == -ENOBUFS || n == -EMSGSIZE;

		if (n < 0 && !lost)
			return;
		if (n == 0)
			continue;
		/* Until it is known anew nothing is taken for what it may no longer be. */
		if (lost)
			watch.families = (struct generic_families){0};
		else
			generic_families_note(&watch.families, news, (size_t)n);
		watch.lost |= lost;
		watch.ask_again = watch.asking;
	}
}

void generic_update(void)
{
	if (watch.fd < 0)
		return;
	read_news();
	if (watch.lost && !watch.asking)
		ask();
}

static int on_news(sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_,
	void *data _unused_)
{
	generic_update();
	return 0;
}

int generic_start(sd_event *event, struct worker *worker)
{
	/* Without a number of its own a socket is taken for the kernel's, and gets no news. */
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	const uint32_t group = GENERIC_NOTIFY_GROUP;
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_GENERIC);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
		setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
		return negative_errno();
	/* Listened first, so that nothing is missed. */
	int r = generic_families_read(&watch.families);
	if (r >= 0)
		r = sd_event_add_io(event, &watch.source, fd, EPOLLIN, on_news, NULL);
	if (r < 0) {
		watch.families = (struct generic_families){0};
		return r;
	}
	watch.fd = TAKE_FD(fd);
	watch.worker = worker;
	return 0;
}

void generic_stop(void)
{
	watch.source = sd_event_source_disable_unref(watch.source);
	close_quietly(TAKE_FD(watch.fd));
	watch.worker = NULL;
	watch.families = (struct generic_families){0};
	watch.lost = watch.asking = false;
}

int generic_number(const struct nlmsghdr *message)
{
	return generic_message_number(&watch.families, message);
}
