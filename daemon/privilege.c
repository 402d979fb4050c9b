#include "daemon/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/macro.h"

/* What a job thread may hold at most: the last privilege_reduce(). */
static atomic_uint_fast64_t allowed = UINT64_MAX;
static _Thread_local uint64_t thread_limit =
	UINT64_MAX; /* the last limit that this thread applied */

/* libcap-ng reads /proc for these two; here they are called by threads that have no need of it. */
static int get_permitted(uint64_t *ret)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	if (syscall(SYS_capget, &header, data) < 0)
		return negative_errno();
	*ret = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	return 0;
}

/* Exactly these permitted and effective, none inheritable (and so none ambient). */
static int set_permitted(uint64_t capabilities)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = (uint32_t)capabilities, .permitted = (uint32_t)capabilities},
		{.effective = (uint32_t)(capabilities >> 32),
			.permitted = (uint32_t)(capabilities >> 32)},
	};

	return syscall(SYS_capset, &header, data) < 0 ? negative_errno() : 0;
}

static int set_effective(unsigned capability, bool effective)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return negative_errno();
	uint32_t *word = &data[CAP_TO_INDEX(capability)].effective;
	bool was_effective = *word & CAP_TO_MASK(capability);
	if (was_effective == effective)
		return was_effective;
	*word ^= CAP_TO_MASK(capability);
	return syscall(SYS_capset, &header, data) < 0 ? negative_errno() : was_effective;
}

int privilege_lower(unsigned capability)
{
	return set_effective(capability, false);
}

void privilege_restore(unsigned capability, int was_effective)
{
	if (was_effective > 0 && set_effective(capability, true) < 0)
		abort();
}

/* A number of user or group: digits only, and not the one that means "none". */
static int parse_id(const char *text, size_t size, uint32_t *ret)
{
	uint64_t number = 0;

	if (size == 0 || size > 10)
		return -EINVAL;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		number = number * 10 + (uint64_t)(text[i] - '0');
	}
	if (number >= UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)number;
	return 0;
}

int privilege_parse_account(const char *text, struct account *ret)
{
	size_t digits = strspn(text, "0123456789");
	struct account account;
	const struct passwd *entry;

	if (digits > 0 && text[digits] == ':') {
		const char *gid = text + digits + 1;

		if (parse_id(text, digits, &account.uid) < 0 ||
			parse_id(gid, strlen(gid), &account.gid) < 0)
			return -EINVAL;
	} else if (digits > 0 && text[digits] == '\0') {
		if (parse_id(text, digits, &account.uid) < 0)
			return -EINVAL;
		entry = getpwuid(account.uid);
		account.gid = entry ? entry->pw_gid : account.uid;
	} else {
		if (text[0] == '\0' || strchr(text, ':'))
			return -EINVAL;
		errno = 0;
		entry = getpwnam(text);
		if (!entry)
			/* An entry that is missing is told as 0 or as one of several errors. */
			return errno == ENOMEM || errno == EMFILE || errno == ENFILE
				       ? negative_errno()
				       : -ENOENT;
		account.uid = entry->pw_uid;
		account.gid = entry->pw_gid;
	}
	if (account.uid == 0 || account.gid == 0)
		return -EINVAL;
	*ret = account;
	return 0;
}

static void clear_bounding_set(void)
{
	for (unsigned long capability = 0; capability < 64; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
			break;
}

static int become(const struct account *account, uint64_t capabilities)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	capng_clear(CAPNG_SELECT_ALL);
	for (unsigned capability = 0; capability < 64; capability++)
		if (capabilities & UINT64_C(1) << capability)
			(void)capng_update(
				CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, capability);
	errno = 0;
	if (capng_change_id((int)account->uid, (int)account->gid,
		    CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING | CAPNG_CLEAR_AMBIENT) != 0)
		return errno > 0 ? negative_errno() : -EPERM;

	/* Believed only when seen. */
	if (getresuid(&ruid, &euid, &suid) < 0 || getresgid(&rgid, &egid, &sgid) < 0)
		return negative_errno();
	if (ruid != account->uid || euid != account->uid || suid != account->uid ||
		rgid != account->gid || egid != account->gid || sgid != account->gid ||
		getgroups(0, NULL) != 0)
		return -EPERM;
	return 0;
}

int privilege_drop(const struct account *account, uint64_t capabilities, uint64_t *ret_missing)
{
	uint64_t held = 0, missing;
	int r;

	r = get_permitted(&held);
	if (r < 0)
		return r;
	missing = capabilities & ~held;
	capabilities &= held;

	if (geteuid() == 0) {
		if (!account || account->uid == 0)
			return -EINVAL;
		r = become(account, capabilities);
		if (r < 0)
			return r;
	} else {
		/* Without CAP_SETPCAP it stays; no_new_privs and the fence against execve make it
		 * idle. */
		clear_bounding_set();
		(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	}
	r = set_permitted(capabilities);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return negative_errno();
#ifdef __SANITIZE_ADDRESS__
	/* The check for leaks at the end traces the process. */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return negative_errno();
#else
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return negative_errno();
#endif
	atomic_store(&allowed, capabilities);
	thread_limit = capabilities;
	*ret_missing = missing;
	return 0;
}

int privilege_reduce(uint64_t capabilities, uint64_t *ret_missing)
{
	uint64_t held = 0;
	int r;

	r = get_permitted(&held);
	if (r < 0)
		return r;
	if (capabilities & ~held) {
		*ret_missing = capabilities & ~held;
		return -EPERM;
	}
	r = set_permitted(capabilities);
	if (r < 0)
		return r;
	atomic_store(&allowed, capabilities);
	thread_limit = capabilities;
	*ret_missing = 0;
	return 0;
}

/* Lowers the calling thread to these, of what it holds. */
static void limit_thread(uint64_t limit)
{
	uint64_t held = 0;

	if (get_permitted(&held) < 0)
		abort();
	if ((held & ~limit) && set_permitted(held & limit) < 0)
		abort();
	thread_limit = limit;
}

void privilege_apply_to_thread(void)
{
	uint64_t limit = atomic_load_explicit(&allowed, memory_order_acquire);

	if (limit != thread_limit)
		limit_thread(limit);
}

void privilege_drop_all_in_thread(void)
{
	limit_thread(0);
}

uint64_t privilege_held(void)
{
	uint64_t held = 0;

	return get_permitted(&held) < 0 ? 0 : held;
}

const char *privilege_describe(uint64_t capabilities, char *buffer, size_t size)
{
	size_t used = 0;

	if (size == 0)
		return buffer;
	(void)snprintf(buffer, size, "%s", capabilities == 0 ? "none" : "");
	for (unsigned capability = 0; capability < 64 && used < size; capability++) {
		const char *name;
		int n;

		if (!(capabilities & UINT64_C(1) << capability))
			continue;
		name = capng_capability_to_name(capability);
		if (name)
			n = snprintf(
				buffer + used, size - used, "%scap_%s", used > 0 ? "," : "", name);
		else
			n = snprintf(buffer + used, size - used, "%s%u", used > 0 ? "," : "",
				capability);
		if (n < 0)
			break;
		used += (size_t)n;
	}
	return buffer;
}
