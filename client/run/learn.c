#include "client/run/learn.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/run/learn-families.h"
#include "client/run/learn-rules.h"
#include "proto/macro.h"

/* What a file begins its description with that is ours. */
#define MARK "Learnt by sockd-run --learn: what programs asked for, and no more."
#define NEVER " No rule can give: "
#define SEPARATOR "; "

#define FILE_SIZE_MAX (16 * 1024 * 1024)
#define FILE_MODE 0644
#define STEM_MAX 20u
#define NOTE_MAX 1024u
#define REASON_TEXT_MAX 200
#define NEVER_MAX 128u

struct learn {
	pthread_mutex_t lock;
	char *path, *directory;
	uid_t uid;
	mode_t mode; /* of the file, as it was or as a new one gets it */
	struct learn_rules rules;
	struct learn_set never; /* notes of what no rule can give */
};

static _Thread_local char reason[512];

const char *learn_reason(void)
{
	return reason;
}

/* Returns the error. */
_printf_(2, 3) static int fail(int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(reason, sizeof reason, format, arguments);
	va_end(arguments);
	return error;
}

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

static void cleanup_learn(struct learn **learn)
{
	learn_free(*learn);
}

void learn_free(struct learn *learn)
{
	if (!learn)
		return;
	learn_rules_done(&learn->rules);
	learn_set_done(&learn->never);
	free(learn->path);
	free(learn->directory);
	pthread_mutex_destroy(&learn->lock);
	free(learn);
}

/* --- reading --- */

static int not_ours(const struct learn *learn, const char *what)
{
	return fail(-EEXIST,
		"%s %s: it is left as it is; give a file that is not there yet, or one "
		"that --learn has written",
		learn->path, what);
}

static int read_never(struct learn *learn, const char *text)
{
	int r = 0;

	while (r == 0 && *text) {
		const char *end = strstr(text, SEPARATOR);
		size_t size = end ? (size_t)(end - text) : strlen(text);
		_cleanup_free_ char *note = strndup(text, size);

		r = note ? learn_set_add(&learn->never, note) : -ENOMEM;
		text += size + (end ? strlen(SEPARATOR) : 0);
	}
	return r;
}

static int read_json(struct learn *learn, const json_t *root)
{
	const char *description = json_string_value(json_object_get(root, "description"));

	if (!description || strncmp(description, MARK, strlen(MARK)) != 0)
		return not_ours(learn, "is no policy that --learn has written");
	if (json_object_size(root) != 2)
		return not_ours(learn, "holds more than learnt rules");
	int r = learn_rules_read(&learn->rules, json_object_get(root, "rules"), learn->uid);
	if (r == -EINVAL)
		return not_ours(learn, "has \"rules\" that are no list of rules with names");
	const char *never = strstr(description, NEVER);
	return r < 0 || !never ? r : read_never(learn, never + strlen(NEVER));
}

static int read_file(struct learn *learn)
{
	_cleanup_close_ int fd = open(learn->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_(cleanup_json) json_t *root = NULL;
	struct stat status;
	json_error_t error;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &status) < 0) {
		int saved = negative_errno();
		return fail(saved, "%s cannot be read: %s", learn->path, strerror(-saved));
	}
	if (!S_ISREG(status.st_mode))
		return not_ours(learn, "is no regular file");
	if (status.st_size > FILE_SIZE_MAX)
		return not_ours(learn, "is larger than 16 MiB");
	learn->mode = status.st_mode & 0777;
	FILE *file = fdopen(fd, "r");
	if (!file)
		return -ENOMEM;
	(void)TAKE_FD(fd);
	root = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	fclose(file);
	if (!root)
		return not_ours(learn, "is no valid JSON");
	return read_json(learn, root);
}

/* A link stays one: the file that it leads to is replaced. */
static int resolve(struct learn *learn, const char *path)
{
	learn->path = realpath(path, NULL);
	if (!learn->path)
		learn->path = strdup(path);
	if (!learn->path)
		return -ENOMEM;
	const char *slash = strrchr(learn->path, '/');
	learn->directory = !slash ? strdup(".")
			   : slash == learn->path
				   ? strdup("/")
				   : strndup(learn->path, (size_t)(slash - learn->path));
	if (!learn->directory)
		return -ENOMEM;
	if (slash ? slash[1] == '\0' : *learn->path == '\0')
		return fail(-EISDIR, "\"%s\" names no file", path);
	if (access(learn->directory, W_OK | X_OK) < 0) {
		int r = negative_errno();
		return fail(
			r, "%s cannot be written: %s: %s", path, learn->directory, strerror(-r));
	}
	return 0;
}

/* Asked while there is but one thread: it is the process's. */
static mode_t usual_mode(void)
{
	mode_t mask = umask(0);

	(void)umask(mask);
	return FILE_MODE & ~mask;
}

int learn_open(const char *path, uid_t uid, struct learn **ret)
{
	_cleanup_(cleanup_learn) struct learn *learn = calloc(1, sizeof *learn);

	reason[0] = '\0';
	if (!learn)
		return fail(-ENOMEM, "no memory");
	pthread_mutex_init(&learn->lock, NULL);
	learn->uid = uid;
	learn->mode = usual_mode();
	int r = resolve(learn, path);
	if (r == 0)
		r = read_file(learn);
	if (r < 0)
		return *reason ? r : fail(r, "%s: %s", path, strerror(-r));
	*ret = TAKE_PTR(learn);
	return 0;
}

/* --- notes --- */

/* What comes from elsewhere, in letters that end no note and need no escape; a program's name has
 * none that ends it either. */
static void add_words(FILE *stream, const char *text, int max, bool colons)
{
	for (; *text && max > 0; text++, max--) {
		unsigned char c = (unsigned char)*text;
		fputc(c < ' ' || c > '~' || (c == ':' && text[1] == ' ' && !colons) ? '?'
			: c == ';'						    ? ','
										    : c,
			stream);
	}
}

/* The broker's words without the command that shows an administrator the same. */
static void add_reason(FILE *stream, const char *text)
{
	const char *end = strstr(text, "; see why");
	size_t size = end ? (size_t)(end - text) : strlen(text);

	add_words(stream, text, (int)MIN_OF(size, (size_t)REASON_TEXT_MAX), true);
}

static char *make_note(const struct learn_call *call, const struct learn_need *need)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	add_words(stream, call->program ? call->program : "a program", 64, false);
	fputs(": ", stream);
	add_words(stream, need->text, (int)LEARN_TEXT_MAX, true);
	if (need->why[0] != '\0') {
		fputs(" (", stream);
		add_words(stream, need->why, (int)sizeof need->why, true);
		fputc(')', stream);
	} else if (call->granted)
		fputs(" (given by the policy in force)", stream);
	else if (call->reason && *call->reason) {
		fputs(" (", stream);
		add_reason(stream, call->reason);
		fputc(')', stream);
	}
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int add(struct learn *learn, const struct learn_call *call, const struct learn_need *need,
	bool never)
{
	_cleanup_free_ char *note = make_note(call, need);

	if (!note)
		return -ENOMEM;
	if (!never)
		return learn_rules_add(&learn->rules, need, note);
	return learn->never.n == NEVER_MAX ? 0 : learn_set_add(&learn->never, note);
}

struct learn_seen {
	struct learn_need need;
	int result; /* of learn_need_of() */
};

struct learn_seen *learn_look(const struct learn_call *call)
{
	struct learn_seen *seen = calloc(1, sizeof *seen);

	if (seen)
		seen->result = learn_need_of(call, &seen->need);
	return seen;
}

struct learn_seen *learn_seen_free(struct learn_seen *seen)
{
	if (seen)
		learn_need_done(&seen->need);
	free(seen);
	return NULL;
}

int learn_add_seen(
	struct learn *learn, const struct learn_call *call, const struct learn_seen *seen)
{
	bool never = seen->result == -EOPNOTSUPP;

	if (seen->result != 0 && !never)
		return seen->result;
	pthread_mutex_lock(&learn->lock);
	int r = add(learn, call, &seen->need, never);
	pthread_mutex_unlock(&learn->lock);
	return r == 0 && never ? -EOPNOTSUPP : r;
}

int learn_add(struct learn *learn, const struct learn_call *call)
{
	struct learn_seen *seen = learn_look(call);
	int r = seen ? learn_add_seen(learn, call, seen) : -ENOMEM;

	learn_seen_free(seen);
	return r;
}

/* --- writing --- */

/* The names of rules tell their file, because they must differ from those of all others. */
static void make_stem(const char *path, char ret[static STEM_MAX + 1])
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t size = strlen(name), n = 0;

	if (size > 5 && strcmp(name + size - 5, ".json") == 0)
		size -= 5;
	for (size_t i = 0; i < size && n < STEM_MAX; i++)
		ret[n++] =
			isalnum((unsigned char)name[i]) || strchr("._-", name[i]) ? name[i] : '-';
	ret[n] = '\0';
}

static char *describe(const struct learn *learn)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	fputs(MARK, stream);
	for (size_t i = 0; i < learn->never.n; i++)
		fprintf(stream, "%s%s", i == 0 ? NEVER : SEPARATOR, learn->never.items[i]);
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static json_t *make_policy(struct learn *learn)
{
	char stem[STEM_MAX + 1];

	make_stem(learn->path, stem);
	pthread_mutex_lock(&learn->lock);
	_cleanup_free_ char *description = describe(learn);
	json_t *rules = description ? learn_rules_write(&learn->rules, stem, learn->uid) : NULL;
	pthread_mutex_unlock(&learn->lock);
	/* Takes rules in any case. */
	return rules ? json_pack("{s:s, s:o}", "description", description, "rules", rules) : NULL;
}

static int write_take(const struct learn *learn, int fd, const json_t *policy)
{
	FILE *file = fdopen(fd, "w");
	int r = 0;

	if (!file) {
		close_quietly(fd);
		return -ENOMEM;
	}
	if (json_dumpf(policy, file, JSON_INDENT(2) | JSON_ENSURE_ASCII) < 0 ||
		fputc('\n', file) == EOF || fflush(file) != 0 ||
		fchmod(fileno(file), learn->mode) < 0 || fsync(fileno(file)) < 0)
		r = negative_errno();
	if (fclose(file) != 0 && r == 0)
		r = negative_errno();
	return r;
}

static void sync_directory(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)fsync(fd);
}

static int replace_file(const struct learn *learn, const json_t *policy)
{
	char temporary[PATH_MAX];

	if (snprintf(temporary, sizeof temporary, "%s/.sockd-learn-XXXXXX", learn->directory) >=
		(int)sizeof temporary)
		return -ENAMETOOLONG;
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return negative_errno();
	int r = write_take(learn, fd, policy);
	if (r == 0 && rename(temporary, learn->path) < 0)
		r = negative_errno();
	if (r < 0)
		(void)unlink(temporary);
	else
		sync_directory(learn->directory);
	return r;
}

int learn_write(struct learn *learn)
{
	reason[0] = '\0';
	_cleanup_(cleanup_json) json_t *policy = make_policy(learn);
	int r = policy ? replace_file(learn, policy) : -ENOMEM;

	return r < 0 ? fail(r, "%s cannot be written: %s", learn->path, strerror(-r)) : 0;
}
