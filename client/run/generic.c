#include "client/run/generic.h"

#include <pthread.h>

#include "proto/netlink-generic.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct generic_families families;

int generic_number(const struct nlmsghdr *message)
{
	(void)pthread_mutex_lock(&lock);
	int number = generic_message_number(&families, message);
	if (number == GENERIC_NO_NUMBER && generic_families_read(&families) >= 0)
		number = generic_message_number(&families, message);
	(void)pthread_mutex_unlock(&lock);
	return number;
}
