#include <linux/if_alg.h>

#include "pair.h"

int main(void)
{
	struct sockaddr_storage address;
	socklen_t size;
	char vector[20], key[16], iv[16], data[16];
	unsigned encrypt = ALG_OP_ENCRYPT;

	memset(key, 'k', sizeof key);
	memset(iv, 'i', sizeof iv);
	int manager = (int)must(sockd_socket(AF_ALG, SOCK_SEQPACKET, 0));
	must(sockd_address_parse(AF_ALG, "skcipher/cbc(aes)", &address, &size));
	must(sockd_bind(manager, (struct sockaddr *)&address, size));
	must(sockd_setsockopt(manager, SOL_ALG, ALG_SET_KEY, key, sizeof key));
	int operation = (int)must(sockd_accept(manager, NULL, NULL));
	struct sockd_control *control = sockd_control_new();
	must(sockd_control_add(control, SOL_ALG, ALG_SET_OP, &encrypt, sizeof encrypt));
	must(sockd_pack(vector, sizeof vector, "=I16s", 16u, iv, sizeof iv));
	must(sockd_control_add(control, SOL_ALG, ALG_SET_IV, vector, sizeof vector));
	struct iovec parts[] = {{"0123456789", 10}, {"abcdef", 6}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	must(sockd_control_attach(control, &message));
	printf("sent %ld\n", must(sockd_sendmsg(operation, &message, 0)));
	sockd_control_free(control);
	must(sockd_recv(operation, data, sizeof data, 0));
	printf("encrypted ");
	for (size_t i = 0; i < sizeof data; i++)
		printf("%02x", (unsigned char)data[i]);
	printf("\n");
	must(sockd_close(operation));
	must(sockd_close(manager));
	return 0;
}
