#include "client/run/generic.h"

#include <pthread.h>

#include "proto/netlink-generic.h"

int generic_number(const struct nlmsghdr *message, bool *ret_guarded)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct generic_families families;

	(void)pthread_mutex_lock(&lock);
	int number = generic_message_number(&families, message);
	if (number == GENERIC_NO_NUMBER && generic_families_read(&families) >= 0)
		number = generic_message_number(&families, message);
	*ret_guarded = generic_is_guarded(&families, number);
	(void)pthread_mutex_unlock(&lock);
	return number;
}
