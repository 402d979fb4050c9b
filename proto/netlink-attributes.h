/*
 * The attributes of a netlink message, read to tell which interfaces it touches.
 *
 * The kernel reads them leniently: it skips what is malformed, ignores trailing bytes and of two
 * equal attributes takes the last. Here all of that is refused, so that what was told is what takes
 * effect. Pure but for the name of an interface, which is asked of the socket.
 */
#ifndef SOCKD_PROTO_NETLINK_ATTRIBUTES_H
#define SOCKD_PROTO_NETLINK_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/macro.h"

/* Called for each interface that a message touches; false ends the search. */
typedef bool (*netlink_visit)(const char *interface, void *data);

struct netlink_judge {
	int fd; /* a socket of the namespace, -1: there is none */
	netlink_visit visit;
	void *data;
	char *why; /* words for a "no" */
	size_t why_size;
};

/* Fills why; returns false. */
bool netlink_no(struct netlink_judge *judge, const char *format, ...) _printf_(2, 3);

/* Attribute numbers that are told apart; none that is allowed is above. */
#define NETLINK_ATTRIBUTES_MAX 128

struct netlink_attributes {
	const unsigned char *data[NETLINK_ATTRIBUTES_MAX]; /* NULL: not there */
	uint16_t size[NETLINK_ATTRIBUTES_MAX];
};

static inline const unsigned char *netlink_attribute(
	const struct netlink_attributes *attributes, unsigned type)
{
	return attributes->data[type];
}

struct netlink_attribute {
	unsigned type; /* without the flag bits */
	const unsigned char *data;
	size_t size;
};

/* Takes the next attribute off a list. Returns false at its end, where *size is 0, and at what is
 * malformed, which is left. */
bool netlink_next_attribute(
	const unsigned char **data, size_t *size, struct netlink_attribute *ret);

/*
 * Reads a list of attributes as nla_parse() does: the type without the two flag bits, each length
 * at least the header's. Unlike it: one type once only, none that is not allowed (allowed has
 * NETLINK_ATTRIBUTES_MAX places; NULL: all are), no bytes left over.
 */
bool netlink_read_attributes(struct netlink_judge *judge, const char *where,
	const unsigned char *data, size_t size, const bool *allowed,
	struct netlink_attributes *ret);

bool netlink_check_index(struct netlink_judge *judge, uint32_t index);
bool netlink_check_index_attribute(
	struct netlink_judge *judge, const struct netlink_attributes *attributes, unsigned type);
/* Is there an interface of this name: no, or it is given to one that is told by something else;
 * perhaps (a message before this one may make it); yes. */
enum netlink_name { NETLINK_NAME_NEW, NETLINK_NAME_MAY_EXIST, NETLINK_NAME_EXISTS };

/* A name in an attribute. The kernel makes a pattern of "%d" and finds an interface by its other
 * names too: where it is there it is visited by the name that it goes by as well. */
bool netlink_check_name_attribute(struct netlink_judge *judge,
	const struct netlink_attributes *attributes, unsigned type, enum netlink_name whose);

#endif
