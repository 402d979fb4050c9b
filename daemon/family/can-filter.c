#include "daemon/family/can-filter.h"

#include <endian.h>
#include <linux/bpf_common.h>
#include <linux/can.h>

#define PASS UINT32_MAX
#define DROP 0u

/* Where a frame has what: of classic, FD and XL frames alike. */
#define OFFSET_IDENTIFIER 0u /* four bytes in the host's order; XL: priority and VCID */
#define OFFSET_LENGTH 4u     /* XL: flags, of which one bit is set in no length */
#define XL_FRAME 0x80u

#define MEMORY_IDENTIFIER 0u

struct writer {
	struct sock_filter *program;
	size_t n;
};

static void add(struct writer *writer, unsigned code, uint32_t k)
{
	writer->program[writer->n++] = (struct sock_filter){.code = (uint16_t)code, .k = k};
}

/* Skips so many instructions where the condition holds, and so many where it does not. */
static void add_jump(struct writer *writer, unsigned condition, uint32_t k, uint8_t yes, uint8_t no)
{
	writer->program[writer->n++] = (struct sock_filter){
		.code = (uint16_t)(BPF_JMP | condition | BPF_K), .jt = yes, .jf = no, .k = k};
}

/* A jump to be aimed later: the parts between are longer than the eight bits of a condition. */
static size_t add_far_jump(struct writer *writer)
{
	add(writer, BPF_JMP | BPF_JA, 0);
	return writer->n - 1;
}

static void aim(struct writer *writer, size_t jump)
{
	writer->program[jump].k = (uint32_t)(writer->n - jump - 1);
}

static void add_interfaces(struct writer *writer, const struct can_bounds *bounds)
{
	add(writer, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_IFINDEX));
	for (size_t i = 0; i < bounds->n_interfaces; i++)
		add_jump(writer, BPF_JEQ, (uint32_t)bounds->interfaces[i],
			(uint8_t)(bounds->n_interfaces - i), 0);
	add(writer, BPF_RET | BPF_K, DROP);
}

/* A load takes its bytes for network order, and the identifier is in the host's. */
static void add_load_identifier(struct writer *writer)
{
#if __BYTE_ORDER == __BIG_ENDIAN
	add(writer, BPF_LD | BPF_W | BPF_ABS, OFFSET_IDENTIFIER);
#else
	add(writer, BPF_LD | BPF_B | BPF_ABS, OFFSET_IDENTIFIER + 3);
	for (uint32_t i = 3; i-- > 0;) {
		add(writer, BPF_ALU | BPF_LSH | BPF_K, 8);
		add(writer, BPF_MISC | BPF_TAX, 0);
		add(writer, BPF_LD | BPF_B | BPF_ABS, OFFSET_IDENTIFIER + i);
		add(writer, BPF_ALU | BPF_OR | BPF_X, 0);
	}
#endif
}

/* What the identifier in A is compared with; without its flags. */
static void add_list(struct writer *writer, const struct identifiers *identifiers, bool extended)
{
	const struct ranges *ranges = extended ? &identifiers->extended : &identifiers->standard;

	add(writer, BPF_ALU | BPF_AND | BPF_K, extended ? CAN_EFF_MASK : CAN_SFF_MASK);
	add(writer, BPF_ST, MEMORY_IDENTIFIER);
	for (size_t i = 0; i < ranges->n; i++) {
		add_jump(writer, BPF_JGE, ranges->items[i].first, 0, 2);
		add_jump(writer, BPF_JGT, ranges->items[i].last, 1, 0);
		add(writer, BPF_RET | BPF_K, PASS);
	}
	for (size_t i = 0; i < identifiers->n_masks; i++) {
		const struct identifier_mask *mask = &identifiers->masks[i];
		if (mask->extended != extended)
			continue;
		add(writer, BPF_LD | BPF_MEM, MEMORY_IDENTIFIER);
		add(writer, BPF_ALU | BPF_AND | BPF_K, mask->mask);
		add_jump(writer, BPF_JEQ, mask->identifier, 0, 1);
		add(writer, BPF_RET | BPF_K, PASS);
	}
	add(writer, BPF_RET | BPF_K, DROP);
}

static void add_identifiers(struct writer *writer, const struct identifiers *identifiers)
{
	add_load_identifier(writer);
	add(writer, BPF_ST, MEMORY_IDENTIFIER);
	/* Of an XL frame the upper bits are no flags. */
	add(writer, BPF_LD | BPF_B | BPF_ABS, OFFSET_LENGTH);
	add_jump(writer, BPF_JSET, XL_FRAME, 0, 2);
	add(writer, BPF_LD | BPF_MEM, MEMORY_IDENTIFIER);
	size_t xl = add_far_jump(writer);
	add(writer, BPF_LD | BPF_MEM, MEMORY_IDENTIFIER);
	add_jump(writer, BPF_JSET, CAN_ERR_FLAG, 0, 1);
	add(writer, BPF_RET | BPF_K, identifiers->errors ? PASS : DROP);
	add_jump(writer, BPF_JSET, CAN_EFF_FLAG, 1, 0);
	size_t standard = add_far_jump(writer);
	add_list(writer, identifiers, true);
	aim(writer, xl);
	aim(writer, standard);
	add_list(writer, identifiers, false);
}

size_t can_filter_build(
	const struct can_bounds *bounds, struct sock_filter program[static CAN_FILTER_MAX])
{
	struct writer writer = {.program = program};

	if (bounds->nothing) {
		add(&writer, BPF_RET | BPF_K, DROP);
		return writer.n;
	}
	if (bounds->n_interfaces > 0)
		add_interfaces(&writer, bounds);
	if (bounds->identifiers)
		add_identifiers(&writer, bounds->identifiers);
	else
		add(&writer, BPF_RET | BPF_K, PASS);
	return writer.n;
}
