/* What the tests of making and using sockets share. */
#ifndef SOCKD_TESTS_USE_USE_H
#define SOCKD_TESTS_USE_USE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

int64_t use_now(void); /* microseconds of CLOCK_MONOTONIC */

/* A timeout to wait for, and that it was what ended the wait that began then. */
#define USE_SPAN_USEC 100000
#define USE_EARLY_USEC 15000 /* the kernel's ticks */
void use_took_the_span(const char *name, int64_t since);

/* SIGALRM every few milliseconds, without SA_RESTART, until use_quiet(); that returns how often it
 * came. */
void use_ring(void);
int use_quiet(void);

/* A listening TCP socket on 127.0.0.1, and its address. */
int use_listen(int backlog, struct sockaddr_storage *ret_address, socklen_t *ret_size);

/* Two ends of a TCP connection. */
void use_tcp_pair(int ends[2]);

/* Writes until no more goes. */
void use_fill(int fd);

/* The open descriptors of this process. */
size_t use_count_fds(void);

/* Runs a function in a thread after so many milliseconds, and not before the first signal of the
 * use_ring() that follows. */
void use_later(int msec, void (*function)(int fd), int fd);
void use_later_done(void);

#endif
