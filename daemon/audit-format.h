/*
 * An audit record as one line of JSON, or as the fields of a journal entry. Pure: touches only its
 * buffers.
 *
 * The texts of a record may hold any bytes. What is not printable UTF-8 is escaped: a control
 * character as \u00XX in JSON and \xXX in the journal, a byte that is not UTF-8 as \xXX in both.
 */
#ifndef SOCKD_DAEMON_AUDIT_FORMAT_H
#define SOCKD_DAEMON_AUDIT_FORMAT_H

#include <stddef.h>
#include <sys/uio.h>

#include "daemon/audit.h"

/* The most that one record takes: each byte of its texts becomes at most six. */
#define AUDIT_LINE_MAX 6656u
#define AUDIT_FIELDS_MAX 22u

/* Writes one line with its newline; buffer has AUDIT_LINE_MAX bytes. Returns the number of bytes,
 * without a NUL. */
size_t audit_format_json(const struct audit_record *record, char *buffer);

struct audit_fields {
	struct iovec fields[AUDIT_FIELDS_MAX]; /* point into text */
	size_t n;
	char text[2 * AUDIT_LINE_MAX];
};
void audit_format_journal(const struct audit_record *record, struct audit_fields *ret);

#endif
