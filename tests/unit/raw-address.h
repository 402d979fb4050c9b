/* An address by its bytes: the family, a number under 256, is in the host's order. */
#ifndef SOCKD_TESTS_UNIT_RAW_ADDRESS_H
#define SOCKD_TESTS_UNIT_RAW_ADDRESS_H

#include <endian.h>

/* RAW: as text, the family in two hexadecimal digits. */
#if __BYTE_ORDER == __BIG_ENDIAN
#define FAMILY(number) 0, number
#define RAW(digits) "raw:00" digits
#else
#define FAMILY(number) number, 0
#define RAW(digits) "raw:" digits "00"
#endif

#endif
