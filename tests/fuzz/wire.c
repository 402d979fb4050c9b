/* Requests and replies: what decodes is encoded to the same bytes. */
#include "proto/wire.h"
#include "tests/fuzz/fuzz.h"

static unsigned char again[WIRE_PACKET_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wire_request request;
	_cleanup_free_ unsigned char *packet = copy_of(data, size);
	struct wire_header header;
	struct wire_reply reply;
	const char *what = NULL;

	/* Nobody guesses these; the verb, the serial and the flags are the input's. */
	if (size >= sizeof header) {
		memcpy(&header, packet, sizeof header);
		header.magic = WIRE_MAGIC;
		header.version = WIRE_VERSION;
		header.size = (uint32_t)size;
		memcpy(packet, &header, sizeof header);
	}
	if (wire_decode_request(packet, size, &request, &what) == 0) {
		MUST(!what);
		MUST(wire_encode_request(&request, again, sizeof again) == (ssize_t)size);
		MUST(memcmp(again, packet, size) == 0);
	} else {
		MUST(what);
	}
	if (wire_decode_reply(packet, size, &reply) == 0) {
		MUST(wire_encode_reply(&reply, again, sizeof again) == (ssize_t)size);
		MUST(memcmp(again, packet, size) == 0);
	}
	return 0;
}
