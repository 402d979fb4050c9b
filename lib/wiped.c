#include "lib/wiped.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/* What the page holds; a new one, and a child's, has the first. */
enum { STATE_WIPED, STATE_BEING_LOOKED_AT, STATE_KNOWN };

static _Atomic(_Atomic uint32_t *) page;
static _Atomic bool is_impossible;

static _Atomic uint32_t *make_page(void)
{
	_Atomic uint32_t *made, *there = NULL;
	size_t size = (size_t)sysconf(_SC_PAGESIZE);

	if (atomic_load(&is_impossible))
		return NULL;
	made = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (made == MAP_FAILED || madvise((void *)made, size, MADV_WIPEONFORK) < 0) {
		if (made != MAP_FAILED)
			(void)munmap((void *)made, size);
		/* Not later either: what there is by then would be taken for a parent's. */
		atomic_store(&is_impossible, true);
		return NULL;
	}
	if (atomic_compare_exchange_strong(&page, &there, made))
		return made;
	(void)munmap((void *)made, size);
	return there;
}

enum wiped wiped_begin(void)
{
	_Atomic uint32_t *state = atomic_load(&page);
	uint32_t seen = STATE_WIPED;

	if (!state)
		state = make_page();
	if (!state || atomic_load(state) == STATE_KNOWN)
		return WIPED_NOT;
	if (atomic_compare_exchange_strong(state, &seen, STATE_BEING_LOOKED_AT))
		return WIPED_HERE;
	return seen == STATE_KNOWN ? WIPED_NOT : WIPED_ELSEWHERE;
}

void wiped_done(void)
{
	atomic_store(atomic_load(&page), STATE_KNOWN);
}
