/*
 * A format, a NUL, and the message that it takes apart. What comes of that is packed again to a
 * message that gives the same.
 */
#include "lib/sockd-pack.h"
#include "tests/fuzz/fuzz.h"

#define SIZE_MAX_HERE 20000
#define VALUES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sockd_value values[VALUES_MAX];
	_cleanup_free_ char *format = text_of(data, size);
	size_t used = MIN_OF(strlen(format) + 1, size);
	ssize_t wanted = sockd_calcsize(format), n = sockd_calcvalues(format);

	if (wanted < 0 || wanted > SIZE_MAX_HERE || n > VALUES_MAX)
		return 0;
	_cleanup_free_ unsigned char *message = calloc(1, (size_t)wanted + 1);
	MUST(message);
	_cleanup_free_ unsigned char *first = copy_of(message, (size_t)wanted);
	_cleanup_free_ unsigned char *second = copy_of(message, (size_t)wanted);
	memcpy(message, data + used, MIN_OF((size_t)wanted, size - used));
	MUST(sockd_unpack_values(message, (size_t)wanted, format, values, VALUES_MAX) == n);
	MUST(sockd_pack_values(first, (size_t)wanted, format, values, (size_t)n) == wanted);
	MUST(sockd_unpack_values(first, (size_t)wanted, format, values, VALUES_MAX) == n);
	MUST(sockd_pack_values(second, (size_t)wanted, format, values, (size_t)n) == wanted);
	MUST(memcmp(first, second, (size_t)wanted) == 0);
	return 0;
}
