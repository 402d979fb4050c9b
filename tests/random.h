/* Numbers that look random and are the same in every run (xorshift64*). */
#ifndef SOCKD_TESTS_RANDOM_H
#define SOCKD_TESTS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t random_number(void)
{
	static uint64_t state = UINT64_C(0x5eed5eed5eed5eed);

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
}

static inline void random_bytes(void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((unsigned char *)bytes)[i] = (unsigned char)random_number();
}

#endif
