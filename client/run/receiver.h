/*
 * Which of the supervisor's threads receives calls: one at a time. The kernel wakes all that wait
 * for a call, and each that finds none has cost the program's processor for nothing.
 *
 * Whoever has received a call hands receiving on before what is known to take long; where it only
 * waits for the broker, as soon as there is another call, of which it is told where calls have come
 * from more than one thread lately. For what should not take long and does,
 * such as reading memory that the program lets wait, a watcher hands on after a few milliseconds.
 * It sleeps while there are no calls.
 */
#ifndef SOCKD_CLIENT_RUN_RECEIVER_H
#define SOCKD_CLIENT_RUN_RECEIVER_H

#include <stdbool.h>
#include <sys/types.h>

/* start_thread is called where nobody is left to hand on to. Before there are threads. Returns 0 or
 * a negative errno. */
int receiver_setup(int listener, int (*start_thread)(void));

/* Waits until the calling thread is to receive: it has the role, or there is a call that whoever
 * has it has not come to yet. Returns false where enough others wait: after a rush. */
bool receiver_become(void);

/* It has received a call of this thread. */
void receiver_begin(pid_t caller);

/* Another thread receives from here on, if this one does. */
void receiver_hand_on(void);

/* Waits until something can be read from fd; hands on as soon as there is a call to receive. */
void receiver_wait_for(int fd);

#endif
