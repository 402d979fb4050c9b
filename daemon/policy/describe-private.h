/*
 * Shared by the files that describe requests in words.
 */
#ifndef SOCKD_DAEMON_POLICY_DESCRIBE_PRIVATE_H
#define SOCKD_DAEMON_POLICY_DESCRIBE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/macro.h"
#include "proto/wire.h"

/* Text that is added to; once something did not fit, nothing more is. */
struct writer {
	char *buffer;
	size_t size, n;
	bool cut;
};

struct writer writer_new(char *buffer, size_t size);
void writer_add(struct writer *writer, const char *format, ...) _printf_(2, 3);

/* "SO_MARK=5" */
void describe_add_option(struct writer *writer, int domain, const struct wire_step *step);
/* An address, of which text are the words, with the name of its interface where it has one. */
void describe_add_address(struct writer *writer, const struct wire_step *step, const char *text);
/* The next message of a send on a netlink socket as "RTM_NEWLINK", or its number; at is 0 at first
 * and moves on. Returns false behind the last. */
bool describe_next_message(
	struct writer *writer, int protocol, const struct wire_step *step, size_t *at);
void describe_add_steps(struct writer *writer, int domain, int protocol,
	const struct wire_step *steps, size_t n_steps);

#endif
