/* Sockets by name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/keep/tell.h"
#include "lib/kernel.h"
#include "lib/reason.h"
#include "lib/sockd.h"
#include "proto/macro.h"

/* No broker keeps as many. */
#define LIST_MAX 100000u

/* Fills in a request about a name. Returns 0 or -EINVAL. */
static int set_name(struct wire_request *request, const char *name, unsigned flags, unsigned known)
{
	size_t size = name ? strnlen(name, SOCKD_NAME_MAX + 1) : 0;

	if (flags & ~known || !wire_name_is_storable(name, size)) {
		reason_set(flags & ~known
				   ? "this call knows no such flag"
				   : "a name in the store has 1 to 127 letters, digits, dots, "
				     "underscores or hyphens",
			NULL, 0);
		return -EINVAL;
	}
	memcpy(request->name, name, size);
	request->named.flags = (flags & SOCKD_NEW ? WIRE_NAMED_NEW : 0) |
			       (flags & SOCKD_TAKE ? WIRE_NAMED_TAKE : 0) |
			       (flags & SOCKD_COMMON ? WIRE_NAMED_COMMON : 0);
	return 0;
}

/* Stored by a broker that died before it could say so? */
static bool is_stored_already(int fd, const char *name, unsigned flags)
{
	uint64_t one = 0, two = 0;
	socklen_t size = sizeof one;
	int other = sockd_fetch(name, flags & SOCKD_COMMON);

	if (other < 0)
		return false;
	bool same = kernel_getsockopt(fd, SOL_SOCKET, SO_COOKIE, &one, &size) == 0 &&
		    kernel_getsockopt(other, SOL_SOCKET, SO_COOKIE, &two, &size) == 0 && one == two;
	kernel_close(other);
	return same;
}

int sockd_store(int fd, const char *name, int64_t timeout_usec, unsigned flags)
{
	struct wire_request request = {.verb = WIRE_STORE};
	struct broker_call call = {.request = &request, .send = &fd, .n_send = 1};
	struct wire_reply reply;
	int saved_errno = errno;

	reason_clear();
	int r = keep_check_socket(fd);
	if (r == 0 && (timeout_usec < 0 || (uint64_t)timeout_usec > WIRE_STORE_USEC_MAX))
		r = keep_refuse(EINVAL, "a socket is stored for 1 microsecond to 142 years; 0 is "
					"for good");
	if (r == 0)
		r = set_name(&request, name, flags, SOCKD_NEW | SOCKD_COMMON);
	if (r == 0) {
		request.named.lifetime_usec = (uint64_t)timeout_usec;
		r = keep_tell(&call, &reply);
	}
	if (r == -EEXIST && call.repeated && is_stored_already(fd, name, flags))
		r = 0;
	return keep_finish(r, saved_errno);
}

int sockd_fetch(const char *name, unsigned flags)
{
	struct wire_request request = {.verb = WIRE_FETCH};
	int saved_errno = errno, fd = -1;
	struct broker_call call = {.request = &request, .fds = &fd, .n_fds = 1};
	struct wire_reply reply;

	reason_clear();
	int r = set_name(&request, name, flags, SOCKD_TAKE | SOCKD_COMMON);
	if (r == 0)
		r = keep_tell(&call, &reply);
	return keep_finish(r < 0 ? r : fd, saved_errno);
}

int sockd_forget(const char *name, unsigned flags)
{
	struct wire_request request = {.verb = WIRE_FORGET};
	struct broker_call call = {.request = &request};
	struct wire_reply reply;
	int saved_errno = errno;

	reason_clear();
	int r = set_name(&request, name, flags, SOCKD_COMMON);
	if (r == 0)
		r = keep_tell(&call, &reply);
	/* Forgotten by a broker that died before it could say so. */
	if (r == -ENOENT && call.repeated)
		r = 0;
	return keep_finish(r, saved_errno);
}

static int add_page(const struct wire_reply *reply, struct sockd_stored **list, size_t *n)
{
	struct sockd_stored *larger = reallocarray(*list, *n + reply->list.n, sizeof *larger);

	if (!larger)
		return -ENOMEM;
	*list = larger;
	for (uint32_t i = 0; i < reply->list.n; i++) {
		struct wire_stored from;
		struct sockd_stored *to = &larger[(*n)++];

		wire_get_stored(reply, i, &from);
		*to = (struct sockd_stored){
			.domain = from.domain,
			.type = from.type,
			.protocol = from.protocol,
			.flags = from.flags & WIRE_NAMED_COMMON ? SOCKD_COMMON : 0,
			.age_usec = (int64_t)from.age_usec,
			.left_usec = from.left_usec > 0 ? (int64_t)from.left_usec : -1,
		};
		memcpy(to->name, from.name, sizeof to->name);
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct sockd_stored *x = a, *y = b;
	int by_name = strcmp(x->name, y->name);

	return by_name != 0 ? by_name : (int)x->flags - (int)y->flags;
}

/* A page at a time, each after the last name of the one before. */
static int read_list(struct sockd_stored **list, size_t *n)
{
	unsigned char room[WIRE_REPLY_MAX];
	struct wire_request request = {.verb = WIRE_STORED};
	struct broker_call call = {.request = &request, .room = room, .room_size = sizeof room};
	struct wire_reply reply;

	do {
		int r = keep_tell(&call, &reply);
		if (r == 0 && reply.list.n > 0)
			r = add_page(&reply, list, n);
		if (r < 0)
			return r;
		if (*n > LIST_MAX)
			return -EMSGSIZE;
		if (reply.list.n > 0) {
			struct wire_stored last;
			wire_get_stored(&reply, reply.list.n - 1, &last);
			memcpy(request.name, last.name, sizeof request.name);
			request.named.flags = last.flags & WIRE_NAMED_COMMON;
		}
	} while (reply.list.more);
	return 0;
}

int sockd_stored(struct sockd_stored **ret)
{
	_cleanup_free_ struct sockd_stored *list = NULL;
	int saved_errno = errno;
	size_t n = 0;

	reason_clear();
	int r = ret ? read_list(&list, &n) : keep_refuse(EINVAL, "there is no place for the list");
	if (r < 0)
		return keep_finish(r, saved_errno);
	if (n > 0)
		qsort(list, n, sizeof *list, compare);
	*ret = TAKE_PTR(list);
	return keep_finish((int)n, saved_errno);
}
