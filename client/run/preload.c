#include "client/run/preload.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/run/absolute.h"
#include "client/run/program.h"
#include "client/run/say.h"
#include "lib/broker.h"
#include "lib/sockd.h"
#include "proto/macro.h"

#define INTERPRETERS_MAX 4
#define HEADERS_MAX 128

#if UINTPTR_MAX == UINT64_MAX
typedef Elf64_Ehdr elf_header;
typedef Elf64_Phdr elf_segment;
#define OWN_CLASS ELFCLASS64
#else
typedef Elf32_Ehdr elf_header;
typedef Elf32_Phdr elf_segment;
#define OWN_CLASS ELFCLASS32
#endif

static const char *library_path(void)
{
	const char *path = secure_getenv("SOCKD_PRELOAD");

	return path && *path ? path : SOCKD_PRELOAD_PATH;
}

static bool is_installed(void)
{
	return access(library_path(), R_OK) == 0;
}

/* In LD_PRELOAD, which has no way to quote. */
static bool can_be_listed(const char *path)
{
	return !strpbrk(path, ": ");
}

static bool is_directory(const char *name)
{
	struct stat status;

	return stat(name, &status) == 0 && S_ISDIR(status.st_mode);
}

static int open_file(const char *name)
{
	if (is_directory(name)) {
		errno = EISDIR;
		return -1;
	}
	return open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* As execvp(3) finds it. */
static int open_program(const char *name)
{
	const char *path = getenv("PATH");
	char file[4096];

	if (*name == '\0') {
		errno = ENOENT;
		return -1;
	}
	if (strchr(name, '/'))
		return open_file(name);
	for (path = path ? path : "/bin:/usr/bin"; *path;) {
		size_t size = strcspn(path, ":");
		int n = snprintf(file, sizeof file, "%.*s%s%s", (int)size, path,
			size > 0 ? "/" : "./", name);
		if (n > 0 && (size_t)n < sizeof file && access(file, X_OK) == 0 &&
			!is_directory(file))
			return open_file(file);
		path += size + (path[size] == ':');
	}
	errno = ENOENT;
	return -1;
}

/* A script's interpreter; NULL: the file is none, or is wrong. What the kernel knows no way to run
 * execvp(3) gives to the shell. */
static char *interpreter_of(const char *head, char *buffer, size_t size)
{
	head = strncmp(head, "#!", 2) == 0 ? head + 2 : _PATH_BSHELL;
	head += strspn(head, " \t");
	size_t length = strcspn(head, " \t\n");
	if (length == 0 || length >= size)
		return NULL;
	memcpy(buffer, head, length);
	buffer[length] = '\0';
	return buffer;
}

static bool is_dynamic(int fd, const elf_header *header, const char **ret_why)
{
	elf_segment segment;

	*ret_why = "it is not linked dynamically";
	for (unsigned i = 0; i < MIN_OF(header->e_phnum, HEADERS_MAX); i++) {
		off_t at = (off_t)(header->e_phoff + (uint64_t)i * sizeof segment);
		if (at < 0 || pread(fd, &segment, sizeof segment, at) != sizeof segment)
			return false;
		if (segment.p_type == PT_INTERP)
			return true;
	}
	return false;
}

static bool is_loadable(int fd, char *interpreter, size_t size, const char **ret_why)
{
	union {
		char text[4096];
		elf_header elf;
	} head = {0};
	struct stat status;
	ssize_t n = pread(fd, &head, sizeof head - 1, 0);

	*interpreter = '\0';
	*ret_why = "it cannot be read";
	if (n < 0 || fstat(fd, &status) < 0)
		return false;
	*ret_why = "it changes its user or group";
	if (status.st_mode & (S_ISUID | S_ISGID))
		return false;
	*ret_why = "it names no interpreter";
	if (memcmp(head.text, ELFMAG, SELFMAG) != 0)
		return interpreter_of(head.text, interpreter, size);
	*ret_why = "it is built for another architecture";
	if ((size_t)n < sizeof head.elf || head.elf.e_ident[EI_CLASS] != OWN_CLASS ||
		head.elf.e_phentsize != sizeof(elf_segment))
		return false;
	return is_dynamic(fd, &head.elf, ret_why);
}

bool preload_can(const char *name, const char **ret_why)
{
	char interpreter[512];

	if (!is_installed()) {
		*ret_why = "libsockd-preload.so is not installed";
		return false;
	}
	if (!can_be_listed(library_path())) {
		*ret_why = "the name of libsockd-preload.so has a space or a colon";
		return false;
	}
	for (int i = 0; i < INTERPRETERS_MAX; i++) {
		_cleanup_close_ int fd = open_program(name);
		if (fd < 0) {
			*ret_why = errno == ENOENT   ? "it is not found"
				   : errno == EISDIR ? "it is a directory"
						     : "it cannot be read";
			return false;
		}
		if (!is_loadable(fd, interpreter, sizeof interpreter, ret_why))
			return false;
		if (*interpreter == '\0')
			return true;
		name = interpreter;
	}
	*ret_why = "its interpreters are scripts, and theirs too";
	return false;
}

/* Behind what the user loads: a sanitizer's run-time insists on being the first. */
static int add_to_environment(void)
{
	const char *present = getenv("LD_PRELOAD");
	const char *library = library_path();
	_cleanup_free_ char *absolute = NULL, *value = NULL;

	/* The program's children may be in another directory. */
	if (absolute_path(library, &absolute) == 0 && can_be_listed(absolute))
		library = absolute;
	if (asprintf(&value, "%s%s%s", present ? present : "", present && *present ? ":" : "",
		    library) < 0)
		return -ENOMEM;
	return setenv("LD_PRELOAD", value, 1) < 0 ? negative_errno() : 0;
}

int preload_run(const struct options *options)
{
	_cleanup_close_ int fd = open_program(options->command[0]);
	const char *why;

	if (fd < 0 && (errno == ENOENT || errno == EISDIR))
		return program_exec(options->command); /* to say so */
	if (!preload_can(options->command[0], &why)) {
		if (options->mode == RUN_PRELOAD && options->require) {
			say_error("the library cannot be loaded into %s: %s", options->command[0],
				why);
			return EXIT_SOCKD_RUN;
		}
		say("the library cannot be loaded into %s: %s; it runs without",
			options->command[0], why);
	}
	if (broker_reach(NULL) < 0) {
		if (options->require) {
			say_error("%s", sockd_reason());
			return EXIT_SOCKD_RUN;
		}
		say("%s; the program runs without it", sockd_reason());
	}
	/* Where it cannot be loaded into the program it may be into what that starts. */
	int r = is_installed() && can_be_listed(library_path()) ? add_to_environment() : 0;
	if (r < 0) {
		say_error("the environment cannot be set: %s", strerror(-r));
		return EXIT_SOCKD_RUN;
	}
	return program_exec(options->command);
}
