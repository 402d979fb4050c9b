#include "daemon/policy/policy.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "daemon/family/family.h"
#include "daemon/policy/policy-private.h"
#include "daemon/policy/subject.h"
#include "proto/macro.h"

#define FILE_SIZE_MAX ((size_t)16 << 20)
#define CAPABILITY(c) (UINT64_C(1) << (c))

/* A drop-in: its name alone sorts it and lets a later one replace it. */
struct drop_in {
	char *name;
	const char *directory; /* the caller's */
};

struct drop_ins {
	struct drop_in *items;
	size_t n;
};

static void cleanup_drop_ins(struct drop_ins *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->items[i].name);
	free(all->items);
}

static void cleanup_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int add_drop_in(struct drop_ins *all, const char *directory, const char *name)
{
	struct drop_in *larger = reallocarray(all->items, all->n + 1, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	all->items = larger;
	struct drop_in *drop_in = &all->items[all->n];
	*drop_in = (struct drop_in){strdup(name), directory};
	if (!drop_in->name)
		return -ENOMEM;
	all->n++;
	return 0;
}

/* Only root and sockd's own user may say what sockd gives away. */
static bool is_owners_alone(const char *path, const struct stat *status, uid_t owner,
	const char *what, const char *power, struct report *report)
{
	if (status->st_uid != 0 && status->st_uid != owner) {
		report_error(report, path, NULL, NULL,
			"the %s belongs to user %u, who could %s; chown root it", what,
			status->st_uid, power);
		return false;
	}
	if (status->st_mode & (S_IWGRP | S_IWOTH) &&
		!(S_ISDIR(status->st_mode) && status->st_mode & S_ISVTX)) {
		report_error(report, path, NULL, NULL,
			"the %s is writable by others than its owner (mode %04o); chmod go-w it",
			what, status->st_mode & 07777);
		return false;
	}
	return true;
}

static bool directory_is_safe(DIR *dir, const char *directory, uid_t owner, struct report *report)
{
	struct stat status;

	if (fstat(dirfd(dir), &status) < 0) {
		report_error(report, directory, NULL, NULL, "the directory cannot be read: %s",
			strerror(errno));
		return false;
	}
	/* Deny rules, for one. */
	return is_owners_alone(
		directory, &status, owner, "directory", "take files out of it", report);
}

static int list_directory(
	const char *directory, uid_t owner, struct drop_ins *all, struct report *report)
{
	_cleanup_(cleanup_dir) DIR *dir = opendir(directory);

	if (!dir) {
		if (errno == ENOMEM)
			return -ENOMEM;
		if (errno != ENOENT)
			report_error(report, directory, NULL, NULL,
				"the directory cannot be read: %s; let sockd read it, or remove it",
				strerror(errno));
		return 0;
	}
	if (!directory_is_safe(dir, directory, owner, report))
		return 0;
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (!entry)
			break;
		size_t size = strlen(entry->d_name);
		if (entry->d_name[0] == '.' || size < 6 ||
			strcmp(entry->d_name + size - 5, ".json") != 0)
			continue;
		if (!text_is_printable(entry->d_name)) {
			char quoted[REPORT_QUOTE_MAX];
			report_error(report, directory, NULL, NULL,
				"the name of the file %s is no UTF-8, or holds control characters: "
				"neither a log nor sockctl could name it; rename it",
				report_quote(entry->d_name, quoted));
			continue;
		}
		int r = add_drop_in(all, directory, entry->d_name);
		if (r < 0)
			return r;
	}
	if (errno != 0)
		report_error(report, directory, NULL, NULL, "the directory cannot be read: %s",
			strerror(errno));
	return 0;
}

/* Names in order; of the same name, the one of the later directory (listed later) comes last. */
static int compare_drop_ins(const void *a, const void *b)
{
	return strcmp(((const struct drop_in *)a)->name, ((const struct drop_in *)b)->name);
}

/* Stable, where qsort(3) need not be: the order of the directories decides. */
static int sort_drop_ins(struct drop_ins *all)
{
	if (all->n < 2)
		return 0;
	_cleanup_free_ struct drop_in *other = reallocarray(NULL, all->n, sizeof(*other));
	if (!other)
		return -ENOMEM;
	struct drop_in *from = all->items, *to = other;
	for (size_t width = 1; width < all->n; width *= 2) {
		for (size_t start = 0; start < all->n; start += 2 * width) {
			size_t i = start, middle = MIN_OF(start + width, all->n), j = middle;
			size_t end = MIN_OF(start + 2 * width, all->n);
			for (size_t k = start; k < end; k++)
				to[k] = i < middle && (j == end || compare_drop_ins(
									   &from[i], &from[j]) <= 0)
						? from[i++]
						: from[j++];
		}
		struct drop_in *swap = from;
		from = to;
		to = swap;
	}
	if (from != all->items)
		memcpy(all->items, from, all->n * sizeof(*from));
	return 0;
}

static bool file_is_safe(
	const char *path, const struct stat *status, uid_t owner, struct report *report)
{
	if (!S_ISREG(status->st_mode)) {
		report_error(report, path, NULL, NULL,
			"this is no regular file; only files and links to files can hold a policy");
		return false;
	}
	if (!is_owners_alone(path, status, owner, "file", "change what sockd gives away", report))
		return false;
	if ((uint64_t)status->st_size > FILE_SIZE_MAX) {
		report_error(report, path, NULL, NULL, "the file is larger than %zu MiB; split it",
			FILE_SIZE_MAX >> 20);
		return false;
	}
	return true;
}

/* Reads the whole file. *ret is NULL where there is nothing to read: masked, or an error that was
 * reported. */
static int read_file(
	const char *path, uid_t owner, struct report *report, char **ret, size_t *ret_size)
{
	struct stat status;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	*ret = NULL;
	if (fd < 0 || fstat(fd, &status) < 0) {
		if (errno == ENOMEM)
			return -ENOMEM;
		report_error(report, path, NULL, NULL,
			"the file cannot be read: %s; let sockd read it, or remove it",
			strerror(errno));
		return 0;
	}
	if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3)) /* /dev/null: masked */
		return 0;
	if (!file_is_safe(path, &status, owner, report) || status.st_size == 0)
		return 0;

	size_t size = (size_t)status.st_size, n = 0;
	_cleanup_free_ char *text = malloc(size);
	if (!text)
		return -ENOMEM;
	while (n < size) {
		ssize_t got = read(fd, text + n, size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			report_error(report, path, NULL, NULL, "the file cannot be read: %s",
				strerror(errno));
			return 0;
		}
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*ret = TAKE_PTR(text);
	*ret_size = n;
	return 0;
}

static int load_file(struct policy *policy, const struct drop_in *drop_in, struct report *report)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	size_t size = 0;

	if (asprintf(&path, "%s/%s", drop_in->directory, drop_in->name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	int r = read_file(path, policy->owner, report, &text, &size);
	if (r < 0 || !text)
		return r;
	r = names_add(&policy->files, path);
	if (r < 0)
		return r;
	return parse_text(
		policy->files.items[policy->files.n - 1], text, size, report, &policy->parsed);
}

static int add_all(struct ranges *ranges, const struct ranges *more)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < more->n; i++)
		r = ranges_add(ranges, more->items[i].first, more->items[i].last);
	return r;
}

static int add_senders(struct policy *policy)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < policy->parsed.n_rules; i++) {
		const struct rule *rule = &policy->parsed.rules[i];

		if (rule->deny || (!rule->has_messages && !rule->bluetooth.has_opcodes))
			continue;
		policy->senders.anybody |= rule->any_peer;
		r = add_all(&policy->senders.uids, &rule->uids);
		if (r == 0)
			r = add_all(&policy->senders.gids, &rule->gids);
	}
	ranges_normalize(&policy->senders.uids);
	ranges_normalize(&policy->senders.gids);
	return r;
}

static void add_up(struct policy *policy)
{
	for (size_t i = 0; i < policy->parsed.n_rules; i++) {
		const struct rule *rule = &policy->parsed.rules[i];

		policy->names_netns |= rule->netns == RULE_NETNS_NAMED;
		/* A socket is asked for its namespace, which is CAP_NET_ADMIN's to tell. */
		if (rule->actions && rule->netns == RULE_NETNS_NAMED)
			policy->capabilities |= CAPABILITY(CAP_NET_ADMIN);
		if (rule->deny || rule->actions)
			continue;
		for (size_t j = 0; j < rule->n_families; j++) {
			const struct family *family = family_get(rule->families[j]);
			if (family->capabilities)
				policy->capabilities |= family->capabilities(rule);
		}
		if (rule->netns == RULE_NETNS_PEER || rule->netns == RULE_NETNS_NAMED) {
			policy->capabilities |=
				CAPABILITY(CAP_SYS_ADMIN) | CAPABILITY(CAP_NET_ADMIN);
			policy->uses_netns = true;
		}
		if (rule->has_mark)
			policy->capabilities |= CAPABILITY(CAP_NET_RAW);
		if (rule->owner_peer) {
			policy->capabilities |= CAPABILITY(CAP_SETUID);
			policy->uses_owner = true;
		}
	}
}

static int load_all(struct policy *policy, const char *const *directories, size_t n_directories,
	struct report *report)
{
	_cleanup_(cleanup_drop_ins) struct drop_ins all = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_directories; i++)
		r = list_directory(directories[i], policy->owner, &all, report);
	if (r == 0)
		r = sort_drop_ins(&all);
	for (size_t i = 0; r == 0 && i < all.n; i++)
		if (i + 1 == all.n || strcmp(all.items[i].name, all.items[i + 1].name) != 0)
			r = load_file(policy, &all.items[i], report);
	if (r < 0)
		return r;
	if (report->n_errors > 0)
		return -EINVAL;

	r = rule_index_new(policy->parsed.rules, policy->parsed.n_rules, false, &policy->allow);
	if (r == 0)
		r = rule_index_new(
			policy->parsed.rules, policy->parsed.n_rules, true, &policy->deny);
	if (r == 0)
		r = rule_index_new_keep(
			policy->parsed.rules, policy->parsed.n_rules, false, &policy->keep_allow);
	if (r == 0)
		r = rule_index_new_keep(
			policy->parsed.rules, policy->parsed.n_rules, true, &policy->keep_deny);
	if (r == -E2BIG) {
		report_error(report, n_directories > 0 ? directories[n_directories - 1] : "policy",
			NULL, NULL,
			"the rules name too many combinations of peers, families, types and "
			"protocols; use ranges, or leave out \"type\" or \"protocol\"");
		return -EINVAL;
	}
	if (r < 0)
		return r;
	add_up(policy);
	return add_senders(policy);
}

int policy_load(const char *const *directories, size_t n_directories, uid_t owner, FILE *errors,
	struct policy **ret)
{
	struct report report = {.out = errors};
	struct policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return -ENOMEM;
	atomic_init(&policy->references, 1);
	policy->owner = owner;
	int r = load_all(policy, directories, n_directories, &report);
	if (r < 0) {
		policy_unref(policy);
		return r;
	}
	*ret = policy;
	return 0;
}

struct policy *policy_ref(struct policy *policy)
{
	if (policy)
		atomic_fetch_add(&policy->references, 1);
	return policy;
}

struct policy *policy_unref(struct policy *policy)
{
	if (!policy || atomic_fetch_sub(&policy->references, 1) > 1)
		return NULL;
	rule_index_free(policy->allow);
	rule_index_free(policy->deny);
	rule_index_free(policy->keep_allow);
	rule_index_free(policy->keep_deny);
	ranges_done(&policy->senders.uids);
	ranges_done(&policy->senders.gids);
	parsed_done(&policy->parsed);
	names_done(&policy->files);
	free(policy);
	return NULL;
}

size_t policy_rule_count(const struct policy *policy)
{
	return policy->parsed.n_rules;
}

size_t policy_file_count(const struct policy *policy)
{
	return policy->files.n;
}

const struct policy_limits *policy_limits(const struct policy *policy)
{
	return &policy->parsed.limits;
}

uint64_t policy_capabilities(const struct policy *policy)
{
	return policy->capabilities;
}

bool policy_uses_netns(const struct policy *policy)
{
	return policy->uses_netns;
}

bool policy_names_netns(const struct policy *policy)
{
	return policy->names_netns;
}

bool policy_uses_owner(const struct policy *policy)
{
	return policy->uses_owner;
}

bool policy_may_send(const struct policy *policy, const struct policy_subject *subject)
{
	return policy->senders.anybody ||
	       subject_is_itself_in(subject, &policy->senders.uids, &policy->senders.gids) ||
	       subject_group_in(subject, &policy->senders.gids);
}

void policy_each_netns_name(
	const struct policy *policy, void (*callback)(const char *name, void *data), void *data)
{
	for (size_t i = 0; i < policy->parsed.n_rules; i++) {
		const struct rule *rule = &policy->parsed.rules[i];
		if (!rule->deny && !rule->actions && rule->netns == RULE_NETNS_NAMED)
			callback(rule->netns_name, data);
	}
}
