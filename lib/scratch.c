#include "lib/scratch.h"

#include <errno.h>
#include <sys/mman.h>

void *scratch_get(struct scratch *scratch, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	scratch->memory = memory;
	scratch->size = size;
	return memory;
}

void scratch_free(struct scratch *scratch)
{
	int saved_errno = errno;

	if (scratch->memory)
		(void)munmap(scratch->memory, scratch->size);
	scratch->memory = NULL;
	errno = saved_errno;
}
