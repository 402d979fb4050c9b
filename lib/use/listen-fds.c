/* Descriptors from a service manager: the protocol of sd_listen_fds(3), without its library. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/sockd.h"
#include "proto/macro.h"

static const char unknown[] = "unknown";

static int parse_number(const char *text, long *ret)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	long number = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0')
		return -EINVAL;
	*ret = number;
	return 0;
}

/* How many there are for this process. */
static int count_fds(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	long number;

	if (!pid || !fds)
		return 0;
	if (parse_number(pid, &number) < 0 || number <= 0)
		return -EINVAL;
	if (number != getpid())
		return 0;
	if (parse_number(fds, &number) < 0 || number > INT_MAX - SOCKD_LISTEN_FDS_START)
		return -EINVAL;
	return (int)number;
}

static size_t count_names(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == ':';
	return n;
}

/* An array of n pointers and NULL, with what they point to behind it. */
static int split_names(size_t n, char ***ret)
{
	const char *text = getenv("LISTEN_FDNAMES");
	size_t size = text ? strlen(text) + 1 : n * sizeof unknown;

	if (text && count_names(text) != n)
		return -EINVAL;
	char **names = malloc((n + 1) * sizeof *names + size);
	if (!names)
		return -ENOMEM;
	char *next = (char *)(names + n + 1);
	if (text)
		memcpy(next, text, size);
	for (size_t i = 0; i < n; i++) {
		names[i] = next;
		if (!text)
			memcpy(next, unknown, sizeof unknown);
		next += strcspn(next, ":");
		*next++ = '\0';
	}
	names[n] = NULL;
	*ret = names;
	return 0;
}

static int take_fds(char ***ret_names)
{
	_cleanup_free_ char **names = NULL;
	int n = count_fds();

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++)
		if (fcntl(SOCKD_LISTEN_FDS_START + i, F_GETFD) < 0)
			return negative_errno();
	if (ret_names && n > 0) {
		int r = split_names((size_t)n, &names);
		if (r < 0)
			return r;
	}
	for (int i = 0; i < n; i++)
		if (sockd_set_inheritable(SOCKD_LISTEN_FDS_START + i, false) < 0)
			return negative_errno();
	if (ret_names)
		*ret_names = TAKE_PTR(names);
	return n;
}

int sockd_from_listen_fds(int unset_environment, char ***ret_names)
{
	int saved_errno = errno, n = take_fds(ret_names);

	if (unset_environment) {
		(void)unsetenv("LISTEN_PID");
		(void)unsetenv("LISTEN_FDS");
		(void)unsetenv("LISTEN_FDNAMES");
	}
	errno = n < 0 ? -n : saved_errno;
	return n < 0 ? -1 : n;
}
