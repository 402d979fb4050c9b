/*
 * The names of libsockd for scripts: reads commands from standard input, one a line, and answers
 * each in one line. Words are separated by tabs; the first answer is "ok" or "error".
 *
 *   constant NAME                     ok NUMBER
 *   name KIND FAMILY LEVEL NUMBER     ok NAME
 *   parse FAMILY HEX-OF-TEXT          ok HEX-OF-ADDRESS
 *   format HEX-OF-ADDRESS             ok TEXT
 *   host NAME, address TEXT           ok NAME ALIASES ADDRESSES, lists with commas
 *   fqdn NAME                         ok NAME
 *   service NAME [PROTOCOL]           ok PORT
 *   port NUMBER [PROTOCOL]            ok NAME
 *   protocol NAME                     ok NUMBER
 *   words ERROR ERRNO                 ok WORDS
 *
 * And what a C program calls in the C library, where libsockd has no name of its own:
 *
 *   addrinfo HOST SERVICE FAMILY TYPE PROTOCOL FLAGS    ok, then FAMILY TYPE PROTOCOL NAME ADDRESS
 *                                                       for each
 *   nameinfo FAMILY ADDRESS FLAGS     ok HOST SERVICE
 *   interfaces                        ok INDEX NAME...
 *   cmsg SIZE                         ok CMSG_LEN CMSG_SPACE
 *
 * Errors are "error ERRNO", of the resolver "error NUMBER WORDS".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sockd.h"
#include "proto/macro.h"

#define WORDS_MAX 8

static void say(bool good, const char *text)
{
	if (good)
		printf("ok\t%s\n", text);
	else
		printf("error\t%s\n", strerrorname_np(errno));
}

static void say_number(bool good, long long number)
{
	char text[sizeof "-9223372036854775808"];

	(void)snprintf(text, sizeof text, "%lld", number);
	say(good, text);
}

/* The bytes are as long as the text says; NULL: not hexadecimal. Freed by the caller. */
static unsigned char *from_hex(const char *hex, size_t *ret_size)
{
	size_t n = strlen(hex) / 2;
	unsigned char *bytes = calloc(1, n + 1);

	for (size_t i = 0; bytes && i < n; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &bytes[i]) != 1) {
			free(bytes);
			return NULL;
		}
	*ret_size = n;
	return bytes;
}

static void parse(char **words)
{
	struct sockaddr_storage address;
	const unsigned char *bytes = (const unsigned char *)&address;
	socklen_t size;
	size_t n;
	_cleanup_free_ unsigned char *text = from_hex(words[2], &n);

	if (sockd_address_parse(atoi(words[1]), (const char *)text, &address, &size) < 0) {
		say(false, NULL);
		return;
	}
	printf("ok\t");
	for (socklen_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
	printf("\n");
}

static void format(char **words)
{
	char text[SOCKD_ADDRESS_TEXT_MAX];
	size_t n = 0;
	_cleanup_free_ unsigned char *bytes = from_hex(words[1], &n);

	say(sockd_address_format((const struct sockaddr *)bytes, (socklen_t)n, text, sizeof text) ==
			0,
		text);
}

static void say_resolver_error(int error)
{
	printf("error\t%d\t%s\n", error, sockd_resolve_error(error));
}

static void say_host(int error, struct sockd_host *host)
{
	char text[INET6_ADDRSTRLEN];

	if (error != 0) {
		say_resolver_error(error);
		return;
	}
	printf("ok\t%s\t", host->name);
	for (size_t i = 0; host->aliases[i]; i++)
		printf("%s%s", i > 0 ? "," : "", host->aliases[i]);
	printf("\t");
	for (size_t i = 0; host->addresses[i]; i++)
		printf("%s%s", i > 0 ? "," : "",
			inet_ntop(host->family, host->addresses[i], text, sizeof text));
	printf("\n");
	sockd_host_free(host);
}

static void name_of(char **words)
{
	const char *name = sockd_constant_name(
		(enum sockd_kind)atoi(words[1]), atoi(words[2]), atoi(words[3]), atoll(words[4]));

	errno = ENOENT;
	say(name, name);
}

static void addrinfo(char **words)
{
	struct addrinfo hints = {
		.ai_family = atoi(words[3]),
		.ai_socktype = atoi(words[4]),
		.ai_protocol = atoi(words[5]),
		.ai_flags = atoi(words[6]),
	};
	struct addrinfo *list;
	char text[SOCKD_ADDRESS_TEXT_MAX];
	int r = getaddrinfo(
		*words[1] ? words[1] : NULL, *words[2] ? words[2] : NULL, &hints, &list);

	if (r != 0) {
		say_resolver_error(r);
		return;
	}
	printf("ok");
	for (const struct addrinfo *one = list; one; one = one->ai_next) {
		if (sockd_address_format(one->ai_addr, one->ai_addrlen, text, sizeof text) < 0)
			strcpy(text, "?");
		printf("\t%d %d %d %s %s", one->ai_family, one->ai_socktype, one->ai_protocol,
			one->ai_canonname ? one->ai_canonname : "-", text);
	}
	printf("\n");
	freeaddrinfo(list);
}

static void nameinfo(char **words)
{
	struct sockaddr_storage address;
	char host[NI_MAXHOST], service[NI_MAXSERV];
	socklen_t size;

	if (sockd_address_parse(atoi(words[1]), words[2], &address, &size) < 0) {
		say(false, NULL);
		return;
	}
	int r = getnameinfo((const struct sockaddr *)&address, size, host, sizeof host, service,
		sizeof service, atoi(words[3]));
	if (r != 0)
		say_resolver_error(r);
	else
		printf("ok\t%s\t%s\n", host, service);
}

static void interfaces(void)
{
	struct if_nameindex *list = if_nameindex();

	printf("ok");
	for (const struct if_nameindex *one = list; one && one->if_index; one++)
		printf("\t%u %s", one->if_index, one->if_name);
	printf("\n");
	if_freenameindex(list);
}

static void answer(char **words, size_t n)
{
	struct sockd_host *host = NULL;
	char text[NI_MAXHOST];
	const char *verb = words[0], *first = n > 1 ? words[1] : "";
	const char *protocol = n > 2 ? words[2] : NULL;
	int64_t number = 0;
	int r;

	if (strcmp(verb, "constant") == 0) {
		r = sockd_constant(first, &number);
		say_number(r == 0, number);
	} else if (strcmp(verb, "name") == 0 && n == 5) {
		name_of(words);
	} else if (strcmp(verb, "parse") == 0 && n == 3) {
		parse(words);
	} else if (strcmp(verb, "format") == 0) {
		format(words);
	} else if (strcmp(verb, "host") == 0) {
		r = sockd_gethostbyname_ex(first, &host);
		say_host(r, host);
	} else if (strcmp(verb, "address") == 0) {
		r = sockd_gethostbyaddr(first, &host);
		say_host(r, host);
	} else if (strcmp(verb, "fqdn") == 0) {
		say(sockd_getfqdn(first, text, sizeof text) == 0, text);
	} else if (strcmp(verb, "service") == 0) {
		r = sockd_getservbyname(first, protocol);
		say_number(r >= 0, r);
	} else if (strcmp(verb, "port") == 0) {
		say(sockd_getservbyport(atoi(first), protocol, text, sizeof text) == 0, text);
	} else if (strcmp(verb, "protocol") == 0) {
		r = sockd_getprotobyname(first);
		say_number(r >= 0, r);
	} else if (strcmp(verb, "words") == 0 && n == 3) {
		errno = atoi(words[2]);
		const char *known = sockd_resolve_error(atoi(first));
		say(true, known);
	} else if (strcmp(verb, "addrinfo") == 0 && n == 7) {
		addrinfo(words);
	} else if (strcmp(verb, "nameinfo") == 0 && n == 4) {
		nameinfo(words);
	} else if (strcmp(verb, "interfaces") == 0) {
		interfaces();
	} else if (strcmp(verb, "cmsg") == 0) {
		printf("ok\t%zu\t%zu\n", CMSG_LEN((size_t)atol(first)),
			CMSG_SPACE((size_t)atol(first)));
	} else {
		printf("error\tunknown command\n");
	}
}

int main(void)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) >= 0) {
		char *words[WORDS_MAX] = {NULL}, *rest = line;
		size_t n = 0;

		line[strcspn(line, "\n")] = '\0';
		while (n < WORDS_MAX && rest)
			words[n++] = strsep(&rest, "\t");
		answer(words, n);
		fflush(stdout);
	}
	free(line);
	return 0;
}
