/*
 * Tells a child from its parent where the process id does not: in a pid namespace of its own it may
 * have the same one, and later one whose owner has ended.
 */
#ifndef SOCKD_LIB_WIPED_H
#define SOCKD_LIB_WIPED_H

#include <stdbool.h>

enum wiped {
	WIPED_NOT,
	WIPED_HERE,	 /* memory is a copy that this process has not looked at: wiped_done() */
	WIPED_ELSEWHERE, /* another thread looks at it just now */
};

/* A child that shares its parent's memory (vfork) is not told from it; nor is any where the kernel
 * has no such pages (before Linux 4.14). */
enum wiped wiped_begin(void);
void wiped_done(void);

#endif
