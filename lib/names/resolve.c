#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/names/netdb-buffer.h"
#include "lib/sockd-names.h"
#include "proto/macro.h"

#define BLANKS " \t\n\v\f\r"

/* An address in the form of hostent(3). */
struct host_address {
	int family;
	union {
		struct in_addr inet;
		struct in6_addr inet6;
	};
};

static socklen_t size_of(const struct host_address *address)
{
	return address->family == AF_INET ? sizeof address->inet : sizeof address->inet6;
}

void sockd_host_free(struct sockd_host *host)
{
	int saved = errno;

	free(host);
	errno = saved;
}

static size_t count(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

/* NULL: no memory. */
static struct sockd_host *copy_host(const struct hostent *entry)
{
	size_t n_aliases = count(entry->h_aliases), n_addresses = count(entry->h_addr_list);
	size_t address_size = (size_t)entry->h_length;
	size_t size = sizeof(struct sockd_host) + (n_aliases + 1) * sizeof(char *) +
		      (n_addresses + 1) * sizeof(void *) + n_addresses * address_size +
		      strlen(entry->h_name) + 1;

	for (size_t i = 0; i < n_aliases; i++)
		size += strlen(entry->h_aliases[i]) + 1;

	struct sockd_host *host = calloc(1, size);
	if (!host)
		return NULL;
	host->family = entry->h_addrtype;
	host->address_size = address_size;
	host->aliases = (char **)(host + 1);
	host->n_aliases = n_aliases;
	host->addresses = (void **)(host->aliases + n_aliases + 1);
	host->n_addresses = n_addresses;

	char *at = (char *)(host->addresses + n_addresses + 1);
	for (size_t i = 0; i < n_addresses; i++, at += address_size)
		host->addresses[i] = memcpy(at, entry->h_addr_list[i], address_size);
	host->name = at;
	at = stpcpy(at, entry->h_name) + 1;
	for (size_t i = 0; i < n_aliases; i++) {
		host->aliases[i] = at;
		at = stpcpy(at, entry->h_aliases[i]) + 1;
	}
	return host;
}

/* The first address of a host, or the one that the text is: 0 or EAI_*. */
static int find_address(const char *name, int family, struct host_address *ret)
{
	struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_DGRAM}, *list;
	struct host_address address = {.family = AF_INET};

	if (strcmp(name, "<broadcast>") == 0) {
		address.inet.s_addr = htonl(INADDR_BROADCAST);
		*ret = address;
		return 0;
	}
	int r = getaddrinfo(name, NULL, &hints, &list);
	if (r != 0)
		return r;
	address.family = list->ai_family;
	if (address.family == AF_INET)
		address.inet = ((const struct sockaddr_in *)list->ai_addr)->sin_addr;
	else if (address.family == AF_INET6)
		address.inet6 = ((const struct sockaddr_in6 *)list->ai_addr)->sin6_addr;
	else
		r = EAI_FAMILY;
	freeaddrinfo(list);
	if (r == 0)
		*ret = address;
	return r;
}

/* gethostbyname(3) of name, or gethostbyaddr(3) where there is an address. */
static int look_up(const char *name, const struct host_address *address, struct sockd_host **ret)
{
	_cleanup_netdb_ struct netdb_buffer buffer = {0};
	struct hostent entry, *found;
	int r, h_error;

	do {
		if (netdb_buffer_grow(&buffer) < 0)
			return EAI_MEMORY;
		found = NULL;
		h_error = NETDB_SUCCESS;
		if (address)
			r = gethostbyaddr_r(&address->inet, size_of(address), address->family,
				&entry, buffer.bytes, buffer.size, &found, &h_error);
		else
			r = gethostbyname_r(
				name, &entry, buffer.bytes, buffer.size, &found, &h_error);
	} while (r == ERANGE);
	if (!found) {
		if (h_error > 0)
			return h_error;
		errno = r > 0 ? r : EINVAL;
		return EAI_SYSTEM;
	}
	/* Anything else would be a module of the name service gone astray. */
	if (!entry.h_name ||
		(entry.h_addrtype == AF_INET ? entry.h_length != sizeof(struct in_addr)
					     : entry.h_addrtype != AF_INET6 ||
						       entry.h_length != sizeof(struct in6_addr)))
		return NO_RECOVERY;

	struct sockd_host *host = copy_host(&entry);
	if (!host)
		return EAI_MEMORY;
	*ret = host;
	return 0;
}

static int by_name(const char *name, struct sockd_host **ret)
{
	struct host_address address;
	int r;

	/* The empty name is no host's. */
	r = *name ? find_address(name, AF_INET, &address) : 0;
	return r == 0 ? look_up(name, NULL, ret) : r;
}

static int by_address(const char *text, struct sockd_host **ret)
{
	struct host_address address;
	int r = *text ? find_address(text, AF_UNSPEC, &address) : EAI_NONAME;

	return r == 0 ? look_up(NULL, &address, ret) : r;
}

/* errno is as it was, but where it is the reason. */
static int resolve(int (*find)(const char *name, struct sockd_host **ret), const char *name,
	struct sockd_host **ret)
{
	int saved = errno;

	if (!name || !ret) {
		errno = EINVAL;
		return EAI_SYSTEM;
	}
	int r = find(name, ret);
	if (r != EAI_SYSTEM)
		errno = saved;
	return r;
}

int sockd_gethostbyname_ex(const char *name, struct sockd_host **ret)
{
	return resolve(by_name, name, ret);
}

int sockd_gethostbyaddr(const char *address, struct sockd_host **ret)
{
	return resolve(by_address, address, ret);
}

const char *sockd_resolve_error(int error)
{
	const char *words = NULL;

	if (error == EAI_SYSTEM)
		words = strerrordesc_np(errno);
	else if (error > 0)
		words = hstrerror(error);
	return words ? words : gai_strerror(error);
}

static const char *full_name(const struct sockd_host *host)
{
	if (strchr(host->name, '.'))
		return host->name;
	for (size_t i = 0; i < host->n_aliases; i++)
		if (strchr(host->aliases[i], '.'))
			return host->aliases[i];
	return host->name;
}

static int copy_text(const char *text, size_t n, char *buffer, size_t size)
{
	if (n >= size)
		return -ENOSPC;
	memcpy(buffer, text, n);
	buffer[n] = '\0';
	return 0;
}

static int getfqdn(const char *name, char *buffer, size_t size)
{
	char own[HOST_NAME_MAX + 1] = "";
	_cleanup_free_ char *copy = NULL;
	struct sockd_host *host = NULL;
	size_t n = 0;

	if (!buffer)
		return -EINVAL;
	if (name) {
		name += strspn(name, BLANKS);
		n = strlen(name);
		while (n > 0 && strchr(BLANKS, name[n - 1]))
			n--;
		copy = strndup(name, n);
		if (!copy)
			return -ENOMEM;
	}
	name = copy;
	if (n == 0 || strcmp(copy, "0.0.0.0") == 0 || strcmp(copy, "::") == 0) {
		if (gethostname(own, sizeof own) < 0)
			return negative_errno();
		own[sizeof own - 1] = '\0';
		name = own;
	}
	int r = sockd_gethostbyaddr(name, &host);
	if (r == EAI_MEMORY)
		return -ENOMEM;
	if (r != 0)
		return copy_text(name, strlen(name), buffer, size);
	r = copy_text(full_name(host), strlen(full_name(host)), buffer, size);
	sockd_host_free(host);
	return r;
}

int sockd_getfqdn(const char *name, char *buffer, size_t size)
{
	int saved = errno;
	int r = getfqdn(name, buffer, size);

	errno = r < 0 ? -r : saved;
	return r < 0 ? -1 : 0;
}
