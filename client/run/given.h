/*
 * A descriptor that the program was given is here too for a moment after the program has it. A
 * program that closes its own in that moment would find its address in use.
 */
#ifndef SOCKD_CLIENT_RUN_GIVEN_H
#define SOCKD_CLIENT_RUN_GIVEN_H

#include <sys/socket.h>

typedef int bind_function(int fd, const struct sockaddr *address, socklen_t size);

/* Around the giving of a descriptor and the closing of the copy, by one thread. */
void given_begin(void);
void given_end(void);

/* Before the kernel binds for the program: until those that other threads had at first are closed.
 */
void given_wait(void);
/* Binds by this function; where the address is in use, once more when the copies that other threads
 * had at first are closed. Returns what bind(2) does, with errno. */
int given_bind(int fd, const struct sockaddr *address, socklen_t size, bind_function *bind_by);

#endif
