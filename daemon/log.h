/*
 * What a running sockd says on standard error. Nobody may read that: then it is lost, and counted,
 * so that neither the loop nor a thread ever waits for a reader.
 */
#ifndef SOCKD_DAEMON_LOG_H
#define SOCKD_DAEMON_LOG_H

/* Makes standard error something that can be written to, whatever sockd was started with: no file
 * or socket that is opened later comes under its number, and nobody's leaving ends sockd. Call it
 * first of all. */
void log_guard_streams(void);

/* Writes "sockd: ", the text and a newline; the text may have lines of its own. From any thread. */
void log_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
