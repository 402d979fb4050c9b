/*
 * Scope-bound ownership and small helpers that every folder uses.
 *
 * A variable marked _cleanup_X_ owns what it holds until it is handed on with
 * TAKE_FD() or TAKE_PTR(); whatever is still there at the end of the scope is released.
 */
#ifndef SOCKD_PROTO_MACRO_H
#define SOCKD_PROTO_MACRO_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ALIGN8(n) (((n) + 7u) & ~(size_t)7u)
#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))

#define TAKE_PTR(p) \
	({ \
		__typeof__(p) *take_from_ = &(p); \
		__typeof__(p) taken_ = *take_from_; \
		*take_from_ = NULL; \
		taken_; \
	})

#define TAKE_FD(fd) \
	({ \
		int *take_from_ = &(fd); \
		int taken_ = *take_from_; \
		*take_from_ = -1; \
		taken_; \
	})

/* Closes without touching errno; -1 is no descriptor. */
static inline void close_quietly(int fd)
{
	if (fd >= 0) {
		int saved = errno;
		(void)close(fd);
		errno = saved;
	}
}

static inline void cleanup_close(int *fd)
{
	close_quietly(*fd);
}

static inline void cleanup_free(void *p)
{
	int saved = errno;
	free(*(void **)p);
	errno = saved;
}

/* -errno, and never 0: lets the compiler see that a failed call is a failure, at -Os too. */
__attribute__((always_inline)) static inline int negative_errno(void)
{
	int error = errno;

	return error > 0 ? -error : -EINVAL;
}

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _cleanup_close_ _cleanup_(cleanup_close)
#define _cleanup_free_ _cleanup_(cleanup_free)
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))
#define _nodiscard_ __attribute__((warn_unused_result))

#endif
