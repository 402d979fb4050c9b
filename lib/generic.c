#include "lib/generic.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <string.h>

#include "lib/kernel.h"
#include "lib/scratch.h"

#define ANSWER_MAX (32u * 1024u) /* the most that the kernel puts into one packet */
#define HEAD_SIZE NLMSG_LENGTH(GENL_HDRLEN)
#define GUARDED (GENL_ADMIN_PERM | GENL_UNS_ADMIN_PERM)

struct attributes {
	const unsigned char *next;
	size_t left;
};

/* The next attribute of a list, and what is in it; false at the end. */
static bool next_attribute(struct attributes *list, int *ret_type, struct attributes *ret_data)
{
	struct nlattr head;

	if (list->left < NLA_HDRLEN)
		return false;
	memcpy(&head, list->next, sizeof head);
	if (head.nla_len < NLA_HDRLEN || head.nla_len > list->left)
		return false;
	*ret_type = head.nla_type & NLA_TYPE_MASK;
	*ret_data = (struct attributes){list->next + NLA_HDRLEN, head.nla_len - NLA_HDRLEN};

	size_t step = NLA_ALIGN((size_t)head.nla_len);
	step = step < list->left ? step : list->left;
	list->next += step;
	list->left -= step;
	return true;
}

static bool find_attribute(struct attributes list, int wanted, struct attributes *ret_data)
{
	struct attributes data;

	for (int type; next_attribute(&list, &type, &data);)
		if (type == wanted) {
			*ret_data = data;
			return true;
		}
	return false;
}

static bool read_number(struct attributes list, int type, uint32_t *ret)
{
	struct attributes data;

	if (!find_attribute(list, type, &data) || data.left != sizeof *ret)
		return false;
	memcpy(ret, data.next, sizeof *ret);
	return true;
}

/* A command that is not in the list is one that the family does not have. */
static bool is_guarded(struct attributes family, uint8_t command)
{
	struct attributes commands, one;
	uint32_t number, flags;

	if (!find_attribute(family, CTRL_ATTR_OPS, &commands))
		return true;
	for (int type; next_attribute(&commands, &type, &one);)
		if (read_number(one, CTRL_ATTR_OP_ID, &number) && number == command)
			return !read_number(one, CTRL_ATTR_OP_FLAGS, &flags) ||
			       (flags & GUARDED) != 0;
	return false;
}

/* What the kernel says of a family: the attributes, within buffer. */
static bool ask_of_family(int fd, uint16_t family, unsigned char *buffer, struct attributes *ret)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	const struct {
		struct nlmsghdr header;
		struct genlmsghdr command;
		struct nlattr attribute;
		uint16_t family, padding;
	} question = {
		.header = {.nlmsg_len = sizeof question,
			.nlmsg_type = GENL_ID_CTRL,
			.nlmsg_flags = NLM_F_REQUEST},
		.command = {.cmd = CTRL_CMD_GETFAMILY, .version = 1},
		.attribute = {.nla_len = NLA_HDRLEN + sizeof family,
			.nla_type = CTRL_ATTR_FAMILY_ID},
		.family = family,
	};
	struct sockaddr_nl sender = {0};
	socklen_t sender_size = sizeof sender;
	struct nlmsghdr head;

	/* The kernel answers before the call returns. */
	if (syscall(SYS_sendto, fd, &question, sizeof question, MSG_DONTWAIT, &kernel,
		    sizeof kernel) < 0)
		return false;
	ssize_t size =
		syscall(SYS_recvfrom, fd, buffer, ANSWER_MAX, MSG_DONTWAIT, &sender, &sender_size);
	if (size < (ssize_t)HEAD_SIZE || sender.nl_pid != 0)
		return false;
	memcpy(&head, buffer, sizeof head);
	if (head.nlmsg_type != GENL_ID_CTRL || head.nlmsg_len > (size_t)size ||
		head.nlmsg_len < HEAD_SIZE)
		return false;
	*ret = (struct attributes){buffer + HEAD_SIZE, head.nlmsg_len - HEAD_SIZE};
	return true;
}

bool generic_takes_privilege(const void *message, size_t size)
{
	_cleanup_scratch_ struct scratch scratch = {0};
	struct attributes family;
	struct {
		struct nlmsghdr netlink;
		struct genlmsghdr generic;
	} head;

	if (size < sizeof head)
		return true;
	memcpy(&head, message, sizeof head);
	unsigned char *buffer = scratch_get(&scratch, ANSWER_MAX);
	int fd = kernel_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (fd < 0)
		return true;
	bool guarded = !buffer || !ask_of_family(fd, head.netlink.nlmsg_type, buffer, &family) ||
		       is_guarded(family, head.generic.cmd);
	kernel_close(fd);
	return guarded;
}
