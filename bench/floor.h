/*
 * What the floor's client sends it: one of these a packet. The answer is one byte and the
 * descriptors.
 */
#ifndef SOCKD_BENCH_FLOOR_H
#define SOCKD_BENCH_FLOOR_H

#include <stdint.h>

#define FLOOR_COUNT_MAX 253

struct floor_request {
	int32_t domain, type, protocol;
	uint32_t count;
};

#endif
