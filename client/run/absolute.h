/* Names of files that outlive the directory they were said in. */
#ifndef SOCKD_CLIENT_RUN_ABSOLUTE_H
#define SOCKD_CLIENT_RUN_ABSOLUTE_H

/* The same file for a process in any directory. Stores a string that the caller frees and returns
 * 0, or a negative errno where the current directory is not known. */
int absolute_path(const char *path, char **ret);

#endif
