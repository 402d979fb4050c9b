#include "lib/message/pack-value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HALF_TOO_LARGE 65520.0 /* what rounds to more than the largest half, 65504 */

static bool is_signed(char code)
{
	return strchr("bhilqn", code) != NULL;
}

static bool is_real(char code)
{
	return strchr("efd", code) != NULL;
}

static void put(const struct pack_item *item, uint64_t bits, uint8_t *out)
{
	for (size_t i = 0; i < item->size; i++)
		out[item->big ? item->size - 1 - i : i] = (uint8_t)(bits >> (8 * i));
}

static uint64_t get(const struct pack_item *item, const uint8_t *data)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < item->size; i++)
		bits |= (uint64_t)data[item->big ? item->size - 1 - i : i] << (8 * i);
	return bits;
}

/* value / 2^shift, to the nearest, to the even one of two; shift is 1 to 63. */
static uint64_t shift_rounding(uint64_t value, unsigned shift)
{
	uint64_t result = value >> shift, half = (uint64_t)1 << (shift - 1);
	uint64_t rest = value & (2 * half - 1);

	return result + (rest > half || (rest == half && (result & 1)));
}

/* A finite value must be smaller than HALF_TOO_LARGE. A carry goes from the fraction into the
 * exponent by itself. */
static uint16_t half_from_double(double value)
{
	uint64_t bits, fraction;
	uint16_t sign;
	int exponent;

	memcpy(&bits, &value, sizeof bits);
	sign = (uint16_t)(bits >> 48 & 0x8000);
	exponent = (int)(bits >> 52 & 0x7ff) - 1023;
	fraction = bits & (((uint64_t)1 << 52) - 1);
	if (exponent == 1024)
		return sign | (fraction != 0 ? 0x7e00 : 0x7c00);
	if (exponent >= -14)
		return (uint16_t)(sign | (((uint64_t)(exponent + 15) << 10) +
						 shift_rounding(fraction, 42)));
	if (exponent < -25)
		return sign;
	return (uint16_t)(sign |
			  shift_rounding((uint64_t)1 << 52 | fraction, (unsigned)(28 - exponent)));
}

static double double_from_half(uint16_t half)
{
	uint64_t sign = (uint64_t)(half & 0x8000) << 48, exponent = half >> 10 & 0x1f;
	uint64_t fraction = half & 0x3ff, bits;
	double value;

	if (exponent == 0) {
		value = (double)fraction / 16777216.0;
		memcpy(&bits, &value, sizeof bits);
	} else if (exponent == 0x1f) {
		bits = (uint64_t)0x7ff << 52 | (fraction != 0 ? (uint64_t)1 << 51 : 0);
	} else {
		bits = (exponent + 1023 - 15) << 52 | fraction << 42;
	}
	bits |= sign;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static int wrong_kind(const struct pack_item *item, size_t number, const char *wanted)
{
	return pack_refuse(EINVAL, "value %zu, for '%c' at character %zu of the format, must be %s",
		number, item->code, item->position, wanted);
}

/* The bits of an integer as two's complement. */
static bool integer_of(const struct sockd_value *value, uint64_t *ret_bits, bool *ret_negative)
{
	switch (value->kind) {
	case SOCKD_VALUE_INTEGER:
		*ret_bits = (uint64_t)value->as.integer;
		*ret_negative = value->as.integer < 0;
		return true;
	case SOCKD_VALUE_UNSIGNED:
		*ret_bits = value->as.natural;
		*ret_negative = false;
		return true;
	case SOCKD_VALUE_TRUTH:
		*ret_bits = value->as.integer != 0;
		*ret_negative = false;
		return true;
	default:
		return false;
	}
}

static int write_integer(
	const struct pack_item *item, size_t number, const struct sockd_value *value, uint8_t *out)
{
	uint64_t bits, most = UINT64_MAX >> (64 - 8 * item->size);
	char shown[32];
	bool negative, fits;

	if (!integer_of(value, &bits, &negative))
		return wrong_kind(item, number, "an integer");
	if (item->code == 'P') {
		/* As Python has it: what fits as signed or as unsigned. */
		fits = item->size == sizeof bits ||
		       (negative ? bits >= ~(most >> 1) : bits <= most);
	} else if (is_signed(item->code)) {
		most >>= 1;
		fits = negative ? bits >= ~most : bits <= most;
	} else {
		fits = !negative && bits <= most;
	}
	if (!fits) {
		if (negative)
			(void)snprintf(shown, sizeof shown, "%" PRId64, (int64_t)bits);
		else
			(void)snprintf(shown, sizeof shown, "%" PRIu64, bits);
		if (is_signed(item->code))
			return pack_refuse(ERANGE,
				"value %zu is %s, and '%c' at character %zu of the format takes "
				"%" PRId64 " to %" PRIu64,
				number, shown, item->code, item->position, (int64_t)~most, most);
		return pack_refuse(ERANGE,
			"value %zu is %s, and '%c' at character %zu of the format takes 0 to "
			"%" PRIu64,
			number, shown, item->code, item->position, most);
	}
	if (out)
		put(item, bits, out);
	return 0;
}

static bool is_finite(double value)
{
	return value - value == 0;
}

static int write_real(
	const struct pack_item *item, size_t number, const struct sockd_value *value, uint8_t *out)
{
	uint64_t bits = 0;
	bool negative;
	double real;

	if (value->kind == SOCKD_VALUE_REAL)
		real = value->as.real;
	else if (integer_of(value, &bits, &negative))
		real = negative ? (double)(int64_t)bits : (double)bits;
	else
		return wrong_kind(item, number, "a number");

	if (item->code == 'e') {
		if (is_finite(real) && (real >= HALF_TOO_LARGE || real <= -HALF_TOO_LARGE))
			goto too_large;
		bits = half_from_double(real);
	} else if (item->code == 'f') {
		float single = (float)real;
		uint32_t single_bits;
		if (is_finite(real) && !is_finite(single))
			goto too_large;
		memcpy(&single_bits, &single, sizeof single_bits);
		bits = single_bits;
	} else {
		memcpy(&bits, &real, sizeof bits);
	}
	if (out)
		put(item, bits, out);
	return 0;

too_large:
	return pack_refuse(ERANGE,
		"value %zu is %g, too large for '%c' at character %zu of the format", number, real,
		item->code, item->position);
}

static bool truth_of(const struct sockd_value *value)
{
	switch (value->kind) {
	case SOCKD_VALUE_REAL:
		return value->as.real != 0;
	case SOCKD_VALUE_UNSIGNED:
		return value->as.natural != 0;
	case SOCKD_VALUE_BYTES:
		return value->as.bytes.size != 0;
	default:
		return value->as.integer != 0;
	}
}

static void copy(uint8_t *out, const void *data, size_t size)
{
	if (size > 0)
		memcpy(out, data, size);
}

/* c, s and p. What is not written is zero already. */
static int write_bytes(
	const struct pack_item *item, size_t number, const struct sockd_value *value, uint8_t *out)
{
	const void *data = value->as.bytes.data;
	size_t size = value->as.bytes.size;

	if (value->kind != SOCKD_VALUE_BYTES)
		return wrong_kind(item, number, "bytes");
	if (!data && size > 0)
		return wrong_kind(item, number, "bytes, and is NULL");
	if (item->code == 'c' && size != 1)
		return wrong_kind(item, number, "one byte");
	if (!out || item->size == 0)
		return 0;
	if (item->code == 'p') {
		/* As Python has it, all that fits is copied, and counted up to 255. */
		size = MIN_OF(size, item->size - 1);
		copy(out + 1, data, size);
		out[0] = (uint8_t)MIN_OF(size, UINT8_MAX);
	} else {
		copy(out, data, MIN_OF(size, item->size));
	}
	return 0;
}

int pack_value_write(
	const struct pack_item *item, size_t number, const struct sockd_value *value, uint8_t *out)
{
	if (value->kind < SOCKD_VALUE_INTEGER || value->kind > SOCKD_VALUE_BYTES)
		return pack_refuse(EINVAL, "value %zu has no kind that there is: %d", number,
			(int)value->kind);
	switch (item->code) {
	case 'c':
	case 's':
	case 'p':
		return write_bytes(item, number, value, out);
	case '?':
		if (out)
			put(item, truth_of(value), out);
		return 0;
	default:
		return is_real(item->code) ? write_real(item, number, value, out)
					   : write_integer(item, number, value, out);
	}
}

static struct sockd_value read_bytes(const struct pack_item *item, const uint8_t *data)
{
	struct sockd_value value = {.kind = SOCKD_VALUE_BYTES};

	value.as.bytes.data = data;
	value.as.bytes.size = item->size;
	if (item->code == 'p' && item->size > 0) {
		value.as.bytes.data = data + 1;
		value.as.bytes.size = MIN_OF(data[0], item->size - 1);
	}
	return value;
}

static struct sockd_value read_real(const struct pack_item *item, uint64_t bits)
{
	struct sockd_value value = {.kind = SOCKD_VALUE_REAL};

	if (item->code == 'e') {
		value.as.real = double_from_half((uint16_t)bits);
	} else if (item->code == 'f') {
		uint32_t single_bits = (uint32_t)bits;
		float single;
		memcpy(&single, &single_bits, sizeof single);
		value.as.real = (double)single;
	} else {
		memcpy(&value.as.real, &bits, sizeof bits);
	}
	return value;
}

struct sockd_value pack_value_read(const struct pack_item *item, const uint8_t *data)
{
	struct sockd_value value = {0};
	uint64_t bits;

	if (strchr("csp", item->code))
		return read_bytes(item, data);
	bits = get(item, data);
	if (is_real(item->code))
		return read_real(item, bits);
	if (item->code == '?') {
		value.kind = SOCKD_VALUE_TRUTH;
		value.as.integer = bits != 0;
	} else if (is_signed(item->code)) {
		uint64_t sign = (uint64_t)1 << (8 * item->size - 1);
		value.kind = SOCKD_VALUE_INTEGER;
		value.as.integer = (int64_t)((bits ^ sign) - sign);
	} else {
		value.kind = SOCKD_VALUE_UNSIGNED;
		value.as.natural = bits;
	}
	return value;
}
