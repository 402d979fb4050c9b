/*
 * The words behind a thread's last refusal, as sockd_reason() returns them. One buffer for each
 * thread; no allocation, so that a signal handler may set it.
 */
#ifndef SOCKD_LIB_REASON_H
#define SOCKD_LIB_REASON_H

#include <stddef.h>

void reason_clear(void);

/* Words from the broker: untrusted bytes; control characters are replaced. */
void reason_set_bytes(const char *text, size_t size);

/* "words where: description of the error"; where may be NULL, error 0 for none. */
void reason_set(const char *words, const char *where, int error);

#endif
