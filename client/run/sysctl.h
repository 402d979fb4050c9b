/*
 * Settings of the kernel.
 */
#ifndef SOCKD_CLIENT_RUN_SYSCTL_H
#define SOCKD_CLIENT_RUN_SYSCTL_H

/* The number in a file of /proc/sys; 0 where there is no such file or no number. */
unsigned sysctl_number(const char *path);

#endif
