#include "daemon/user.h"

#include <errno.h>

#include "proto/macro.h"

#define USER_BUCKETS 256u

struct users {
	struct user *buckets[USER_BUCKETS];
};

static struct user **bucket_of(struct users *users, uid_t uid)
{
	return &users->buckets[(uid * 2654435761u) >> 24];
}

int users_new(struct users **ret)
{
	struct users *users = calloc(1, sizeof *users);
	if (!users)
		return -ENOMEM;
	*ret = users;
	return 0;
}

struct users *users_free(struct users *users)
{
	free(users);
	return NULL;
}

struct user *users_get(struct users *users, uid_t uid)
{
	struct user **bucket = bucket_of(users, uid);

	for (struct user *user = *bucket; user; user = user->next)
		if (user->uid == uid)
			return user_ref(user);

	struct user *user = calloc(1, sizeof *user);
	if (!user)
		return NULL;
	*user = (struct user){.uid = uid, .references = 1, .users = users, .next = *bucket};
	TAILQ_INIT(&user->sets_with_room);
	TAILQ_INIT(&user->full_sets);
	*bucket = user;
	return user;
}

struct user *user_ref(struct user *user)
{
	user->references++;
	return user;
}

struct user *user_unref(struct user *user)
{
	if (!user || --user->references > 0)
		return NULL;
	struct user **link = bucket_of(user->users, user->uid);
	while (*link != user)
		link = &(*link)->next;
	*link = user->next;
	free(user);
	return NULL;
}
