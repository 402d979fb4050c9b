/* sockctl: the administrator's and the shell's way to sockd. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/arguments.h"
#include "client/output.h"
#include "client/verbs.h"

static int run(const struct arguments *arguments)
{
	switch (arguments->verb) {
	case VERB_OPEN:
		return verb_open(arguments);
	case VERB_CHECK:
		return verb_check(arguments);
	case VERB_LIST:
		return verb_list(arguments);
	case VERB_STATUS:
		return verb_status(arguments);
	case VERB_RELOAD:
		return verb_reload(arguments);
	case VERB_FAMILIES:
		return verb_families(arguments);
	case VERB_SHARE:
		return verb_share(arguments);
	case VERB_FROMSHARE:
		return verb_fromshare(arguments);
	case VERB_STORE:
		return verb_store(arguments);
	case VERB_FETCH:
		return verb_fetch(arguments);
	case VERB_STORED:
		return verb_stored(arguments);
	case VERB_FORGET:
		return verb_forget(arguments);
	}
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct arguments arguments;

	setlocale(LC_ALL, "");
	int r = arguments_parse(argc, argv, &arguments);
	int status = r > 0 ? r - 1 : run(&arguments);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		output_error("the output could not be written");
		return EXIT_REFUSED;
	}
	return status;
}
