/*
 * Whether a program started here can be supervised, found out by trying.
 */
#ifndef SOCKD_CLIENT_RUN_PROBE_H
#define SOCKD_CLIENT_RUN_PROBE_H

/*
 * Tries each kind of call in a process of its own. Returns 0; -EACCES where a filter that was there
 * before answers some of them first; another negative errno where there can be no supervisor at
 * all.
 */
int probe_supervision(void);

#endif
