/*
 * What the tests of the wire format share: random content from a fixed seed, requests and replies
 * made of it, and decoding from allocations that end where the packet ends, so that ASan sees a
 * byte read too many.
 */
#ifndef SOCKD_TESTS_UNIT_WIRE_MATERIAL_H
#define SOCKD_TESTS_UNIT_WIRE_MATERIAL_H

#include <stddef.h>
#include <stdint.h>

#include "proto/wire.h"

#define PACKET_ROOM (WIRE_PACKET_MAX + 4096)

extern unsigned char packet[PACKET_ROOM];	/* where encode() writes */
extern unsigned char material[WIRE_PACKET_MAX]; /* random bytes */

/* The fixture of every test: the same bytes each time. */
void material_setup(void);
uint64_t random_next(void);
size_t random_below(size_t n);

/* A copy of exactly this size; the caller frees it. */
void *exact_copy(const void *bytes, size_t size);
/* Decode and touch every byte of the result; the decoder's answer. */
int decode(const void *bytes, size_t size);
int decode_exact(const void *bytes, size_t size);
int decode_reply_exact(const void *bytes, size_t size);

struct wire_step option_step(size_t size);
struct wire_step address_step(enum wire_step_kind kind, size_t size);
struct wire_step filter_step(size_t instructions);
struct wire_step send_step(size_t size, size_t address_size);
struct wire_step listen_step(int backlog);
void open_request(struct wire_request *ret);
void random_request(enum wire_verb verb, struct wire_request *ret);
void random_reply(enum wire_verb verb, struct wire_reply *ret);

/* Encodes into packet, which must succeed; its parts there. */
size_t encode(const struct wire_request *request);
struct wire_header *header(void);
struct wire_open *open_body(void);
struct wire_step_header *first_open_step(void);

#endif
