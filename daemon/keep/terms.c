#include "daemon/keep/terms.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/macro.h"

#define MAGIC UINT64_C(0x7370656b2d646b63)
#define VERSION 1u
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int terms_seal(const struct terms *terms)
{
	struct terms copy = *terms;
	_cleanup_close_ int fd = memfd_create("sockd-terms", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return negative_errno();
	copy.magic = MAGIC;
	copy.version = VERSION;
	ssize_t n = pwrite(fd, &copy, sizeof copy, 0);
	explicit_bzero(&copy, sizeof copy);
	if (n != (ssize_t)sizeof copy)
		return n < 0 ? negative_errno() : -EIO;
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return negative_errno();
	return TAKE_FD(fd);
}

static bool is_padded(const char *text, size_t size)
{
	size_t length = strnlen(text, size);

	if (length == size)
		return false;
	for (size_t i = length; i < size; i++)
		if (text[i])
			return false;
	return true;
}

static bool is_right(const struct terms *terms)
{
	if (terms->magic != MAGIC || terms->version != VERSION || terms->number == 0 ||
		terms->number > INT64_MAX || terms->begin_usec > INT64_MAX ||
		terms->expiry_usec > INT64_MAX || terms->common > 1 ||
		!is_padded(terms->name, sizeof terms->name) ||
		!is_padded(terms->rule, sizeof terms->rule))
		return false;
	switch (terms->kind) {
	case TERMS_TICKET:
		return terms->expiry_usec > 0 && terms->taker <= WIRE_TAKER_GROUP &&
		       !terms->common && !terms->name[0];
	case TERMS_STORED:
		return terms->taker == 0 && terms->taker_id == 0 &&
		       wire_name_is_storable(terms->name, strlen(terms->name));
	}
	return false;
}

int terms_read(int fd, struct terms *ret)
{
	struct terms terms;
	struct stat status;

	/* First the seals: what has them is a memory file, so that reading cannot hang, and nobody
	 * changes it meanwhile. */
	int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &status) < 0 ||
		status.st_size != (off_t)sizeof terms)
		return -EBADMSG;
	if (pread(fd, &terms, sizeof terms, 0) != (ssize_t)sizeof terms || !is_right(&terms)) {
		explicit_bzero(&terms, sizeof terms);
		return -EBADMSG;
	}
	*ret = terms;
	explicit_bzero(&terms, sizeof terms);
	return 0;
}
