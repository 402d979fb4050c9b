#include "client/run/learn-need.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/address.h"

void learn_need_say(struct learn_need *need, const char *format, ...)
{
	size_t used = strlen(need->text);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(need->text + used, sizeof need->text - used, format, arguments);
	va_end(arguments);
}

int learn_need_never(struct learn_need *need, const char *why)
{
	(void)snprintf(need->why, sizeof need->why, "%s", why);
	return -EOPNOTSUPP;
}

int learn_need_add(struct learn_need *need, enum learn_key key, const char *text)
{
	return learn_set_add(&need->product.keys[key], text);
}

int learn_need_add_number(struct learn_need *need, enum learn_key key, long long number)
{
	return learn_set_add_number(&need->product.keys[key], number);
}

void learn_product_done(struct learn_product *product)
{
	for (size_t i = 0; i < LEARN_KEYS; i++)
		learn_set_done(&product->keys[i]);
}

void learn_need_done(struct learn_need *need)
{
	learn_product_done(&need->product);
	learn_set_done(&need->groups);
	learn_set_done(&need->events);
	learn_set_done(&need->values);
}

bool learn_product_limits(int domain, const struct learn_product *product)
{
	static const enum learn_key limiting[] = {LEARN_ADDRESSES, LEARN_DEVICES, LEARN_CHANNELS,
		LEARN_PSMS, LEARN_TRANSPORTS, LEARN_CIDS};

	for (size_t i = 0; i < ARRAY_SIZE(limiting); i++)
		if (product->keys[limiting[i]].n > 0)
			return true;
	return domain != AF_QIPCRTR && product->keys[LEARN_PORTS].n > 0;
}

enum learn_style learn_option_style(const struct option_info *info)
{
	return info->value == OPTION_INTERFACE ? LEARN_TEXTS : LEARN_NUMBERS;
}

/* --- which sockets --- */

bool learn_socket_equal(const struct learn_socket *a, const struct learn_socket *b)
{
	return a->domain == b->domain && a->type == b->type && a->protocol == b->protocol &&
	       strcmp(a->netns, b->netns) == 0;
}

int learn_socket_set_netns(struct learn_socket *socket, const char *netns)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._-";
	size_t size = strlen(netns);

	if (size == 0 || size > WIRE_NAME_MAX || strspn(netns, plain) != size ||
		strcmp(netns, ".") == 0 || strcmp(netns, "..") == 0)
		return -EINVAL;
	memcpy(socket->netns, netns, size + 1);
	return 0;
}

/* --- options --- */

static void say_value(struct learn_need *need, const struct option_info *info, const char *text)
{
	learn_need_say(need, "setsockopt %s%s%s", info->name, text ? "=" : "", text ? text : "");
}

bool learn_interface_is_plain(const char *name)
{
	for (const char *c = name; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("*/:", *c))
			return false;
	return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static bool is_device(const struct wire_step *step)
{
	return step->a == SOL_SOCKET && (step->b == SO_BINDTODEVICE || step->b == SO_BINDTOIFINDEX);
}

static int need_interface_option(
	const struct option_info *info, const struct wire_step *step, struct learn_need *need)
{
	char name[IFNAMSIZ] = "";

	if (step->data_size > IFNAMSIZ)
		return learn_need_never(need, "such a value is not one that sockd takes");
	if (step->data_size > 0)
		memcpy(name, step->data,
			strnlen(step->data, MIN_OF(step->data_size, sizeof name - 1)));
	say_value(need, info, name);
	if (*name == '\0') {
		need->any = true; /* taking the device away again: no name says that */
		return 0;
	}
	if (!learn_interface_is_plain(name))
		return learn_need_never(need, "no rule can name such an interface");
	return learn_set_add(&need->values, name);
}

int learn_need_option(const struct learn_call *call, struct learn_need *need)
{
	const struct wire_step *step = call->step;
	const struct option_info *info = option_of_family(need->socket.domain, step->a, step->b);
	char text[16];
	int value;

	if (!info || !option_is_for_family(info, need->socket.domain)) {
		learn_need_say(need, "setsockopt level %d option %d", step->a, step->b);
		return learn_need_never(need, "sockd does not know this option for the family");
	}
	need->option = info->name;
	if (info->value == OPTION_INTERFACE)
		return need_interface_option(info, step, need);
	if (info->value == OPTION_BYTES) {
		say_value(need, info, NULL);
		if (step->data_size > WIRE_OPTION_MAX)
			return learn_need_never(need, "such a value is not one that sockd takes");
		need->any = true;
	} else if (step->data_size != sizeof value) {
		say_value(need, info, NULL);
		return learn_need_never(need, "a value of this size is not one that sockd takes");
	} else {
		memcpy(&value, step->data, sizeof value);
		/* Marks are written as people write them. */
		if (step->a == SOL_SOCKET && step->b == SO_MARK)
			snprintf(text, sizeof text, "%u", (unsigned)value);
		else
			snprintf(text, sizeof text, "%d", value);
		say_value(need, info, text);
		int r = learn_set_add(&need->values, text);
		if (r < 0)
			return r;
	}
	/* A device may be set by everyone once; that it was not says that it is being changed. */
	if (!is_device(step) && option_is_free(info, step->data, step->data_size)) {
		need->option = NULL;
		need->open = true;
	}
	return 0;
}

/* --- addresses --- */
