/*
 * Addresses, ours and the library's: a family, then text or bytes. What is parsed or formatted once
 * stays as it is then.
 */
#include <sys/socket.h>

#include "lib/sockd-names.h"
#include "proto/address.h"
#include "tests/fuzz/fuzz.h"

static void check_bytes(const void *address, size_t size)
{
	char text[ADDRESS_TEXT_MAX], again[ADDRESS_TEXT_MAX];
	struct sockaddr_storage storage;
	sa_family_t family = AF_UNSPEC;
	socklen_t n;

	if (size >= sizeof family)
		memcpy(&family, address, sizeof family);
	MUST(address_format(address, size, text, sizeof text) == 0);
	if (address_parse(family, text, &storage, &n) == 0) {
		MUST(address_format(&storage, n, again, sizeof again) == 0);
		MUST(strcmp(text, again) == 0);
	}
	if (sockd_address_format(address, (socklen_t)size, text, sizeof text) == 0) {
		MUST(sockd_address_parse(family, text, &storage, &n) == 0);
		MUST(sockd_address_format((void *)&storage, n, again, sizeof again) == 0);
		MUST(strcmp(text, again) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_storage storage;
	socklen_t n;

	if (size < 2)
		return 0;
	sa_family_t family = data[1] % 64;
	if (data[0] & 1) {
		_cleanup_free_ char *text = text_of(data + 2, size - 2);
		if (address_parse(family, text, &storage, &n) == 0)
			check_bytes(&storage, n);
		if (sockd_address_parse(family, text, &storage, &n) == 0)
			check_bytes(&storage, n);
	} else {
		_cleanup_free_ unsigned char *address = copy_of(data + 2, size - 2);
		if (size - 2 >= sizeof family)
			memcpy(address, &family, sizeof family);
		check_bytes(address, size - 2);
	}
	return 0;
}
