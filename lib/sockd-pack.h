/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Binary messages in the format language of Python's struct module. See sockd_pack(3).
 *
 * A format is text. Its first character may choose byte order, sizes and alignment:
 *
 *	@	native order, sizes and alignment; so too without any of these
 *	=	native order, standard sizes, no alignment
 *	<	little endian, standard sizes, no alignment
 *	> !	big endian, standard sizes, no alignment
 *
 * Then come codes, each with a decimal count before it where wanted; white space may stand between
 * them, not between a count and its code. "4h" is "hhhh"; with s and p the count is a size.
 *
 *	code		is			standard size	in C
 *	x		a zero byte		1		(no value)
 *	c		a byte			1		char
 *	b B		integer			1		signed char, unsigned char
 *	?		truth			1		bool
 *	h H		integer			2		short, unsigned short
 *	i I		integer			4		int, unsigned int
 *	l L		integer			4		long, unsigned long
 *	q Q		integer			8		long long, unsigned long long
 *	n N		integer			none		ssize_t, size_t
 *	e		half precision		2		float
 *	f		single precision	4		float
 *	d		double precision	8		double
 *	s		bytes			count		const void *, size_t
 *	p		bytes after their size	count		const void *, size_t
 *	P		pointer			none		void *
 *
 * Without alignment n, N and P do not exist, as in Python. With it, zero bytes are put before a
 * value so that it lies as in a C structure, but none at the end ("0l" there aligns the end).
 *
 * Formats, sizes and data may come from anywhere: all are checked, and nothing is written beyond
 * what the caller said it has. The calls that take values one by one as arguments are for formats
 * written in the program, as those of printf(3); a format from elsewhere goes with the calls that
 * take arrays.
 *
 * All functions are thread-safe. On failure they return -1 and set errno, and sockd_reason() says
 * what is wrong and where, in words; nothing is stored then. On success errno is left as it was.
 *
 * A number too large for f is refused, with native sizes too, where Python before 3.14 made it
 * infinite. A half that is no number keeps its sign and loses the rest of its bits.
 *
 *	EINVAL		the format is not one; NULL; values of a wrong kind or number
 *	EOVERFLOW	the format stands for more than SSIZE_MAX bytes
 *	ERANGE		a value is outside what its code can hold
 *	ENOSPC		the buffer or the array is too small
 *	EBADMSG		the data is not exactly as large as the format says
 */
#ifndef SOCKD_PACK_H
#define SOCKD_PACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a struct sockd_value holds, and so which member of the union counts. */
enum sockd_value_kind {
	SOCKD_VALUE_INTEGER = 1,  /* integer */
	SOCKD_VALUE_UNSIGNED = 2, /* natural */
	SOCKD_VALUE_REAL = 3,	  /* real */
	SOCKD_VALUE_TRUTH = 4,	  /* integer: 0 or not */
	SOCKD_VALUE_BYTES = 5	  /* bytes */
};

/*
 * One value. Packing takes for integers and P an integer of either kind or a truth (0 or 1), for e,
 * f and d also a real, for ? any value (bytes are true where there are any), for c bytes of size 1,
 * for s and p bytes. Unpacking gives integer for b h i l q n, natural for B H I L Q N P, real for
 * e f d, truth for ?, bytes for c s p; these bytes lie within the data that was unpacked.
 */
struct sockd_value {
	enum sockd_value_kind kind;
	union {
		int64_t integer;
		uint64_t natural;
		double real;
		struct {
			const void *data; /* may be NULL where size is 0 */
			size_t size;
		} bytes;
	} as;
};

/* The bytes that a format stands for. */
ssize_t sockd_calcsize(const char *format);

/* The values that a format stands for. */
ssize_t sockd_calcvalues(const char *format);

/*
 * Packs the arguments into buffer, which has size bytes, and returns how many of these were
 * written: what sockd_calcsize() says. For each value one argument of the type in the table above,
 * as C passes it: int for the smaller integers, c and ?, double for e and f. For s and p two: where
 * the bytes are and how many. More bytes than the count in the format are cut off, fewer are filled
 * up with zeros; p holds at most 255. The bytes may not lie within buffer.
 */
ssize_t sockd_pack(void *buffer, size_t size, const char *format, ...);

/* The same from an array. n must be what sockd_calcvalues() says. */
ssize_t sockd_pack_values(
	void *buffer, size_t size, const char *format, const struct sockd_value *values, size_t n);

/*
 * Unpacks exactly size bytes into what the arguments point to. For each value one argument, a
 * pointer to the type in the table above. For s and p two, a const void ** and a size_t *: the
 * bytes are not copied, they lie within data. A NULL argument passes its value over. Returns 0.
 */
int sockd_unpack(const void *data, size_t size, const char *format, ...);

/* The same into an array with room for n values. Returns how many there are. */
ssize_t sockd_unpack_values(const void *data, size_t size, const char *format,
	struct sockd_value *ret_values, size_t n);

#ifdef __cplusplus
}
#endif

#endif
