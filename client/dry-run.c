#include "client/dry-run.h"

#include <stdlib.h>
#include <string.h>

#include "client/output.h"
#include "lib/ask.h"
#include "lib/request.h"
#include "proto/macro.h"

static int print_json(const struct ask_verdict *verdict, bool allowed, enum output_json mode)
{
	json_t *value = allowed ? json_pack("{s:b, s:s}", "allowed", 1, "rule", verdict->rule)
				: json_pack("{s:b, s:s?, s:i, s:s}", "allowed", 0, "error",
					  strerrorname_np(verdict->error), "step", verdict->step,
					  "reason", sockd_reason());
	int r = value ? output_json(value, mode) : -ENOMEM;

	json_decref(value);
	return r;
}

int dry_run(const struct arguments *arguments, const struct sockd_request *request)
{
	struct wire_request question = request->wire;
	struct ask_verdict verdict;

	if (request->error != 0) {
		output_error("the request cannot be made: %s", strerror(request->error));
		return EXIT_REFUSED;
	}
	question.count = arguments->count;
	enum ask_outcome outcome = ask_whether(&question, -1, &verdict);
	if (outcome == ASK_ABSENT) {
		output_error("the broker could not be asked: %s", sockd_reason());
		return EXIT_REFUSED;
	}
	bool allowed = outcome == ASK_DONE;
	if (arguments->json != OUTPUT_JSON_OFF) {
		if (print_json(&verdict, allowed, arguments->json) < 0)
			return EXIT_REFUSED;
	} else {
		fputs(allowed ? "Would be allowed by rule " : "Would be refused: ", stdout);
		output_safe(stdout, allowed ? verdict.rule : sockd_reason(), false);
		putchar('\n');
	}
	return allowed ? EXIT_SUCCESS : EXIT_REFUSED;
}
