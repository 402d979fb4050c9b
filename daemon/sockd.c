/* sockd: opens sockets that others may not, and hands them over by policy. See sockd(8). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/manager.h"
#include "daemon/options.h"
#include "daemon/policy/policy.h"
#include "daemon/privilege.h"

static int end_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_SUCCESS;
	fprintf(stderr, "sockd: the output could not be written\n");
	return EXIT_FAILURE;
}

static int check_policy(const struct options *options)
{
	struct policy *policy;
	struct account account = {0};
	bool root = geteuid() == 0;

	/* As at a start: where root checks, for who it is that sockd would become. */
	if (root && privilege_parse_account(options->user, &account) < 0 && options->user_given) {
		fprintf(stderr, "sockd: --user=%s: not a user that sockd could become\n",
			options->user);
		return EXIT_FAILURE;
	}
	int r = policy_load(options->policy, options->n_policy, root ? account.uid : geteuid(),
		stderr, &policy);

	if (r < 0)
		return EXIT_FAILURE;
	printf("%zu rules from %zu files: no errors\n", policy_rule_count(policy),
		policy_file_count(policy));
	policy_unref(policy);
	return end_output();
}

int main(int argc, char **argv)
{
	static struct options options; /* a reload that hangs may look at it to the last */
	struct broker *broker;

	log_guard_streams();
	int r = options_parse(argc, argv, &options);

	if (r != 0)
		return r < 0 ? 2 : end_output();
	if (options.check_policy)
		return check_policy(&options);
	r = manager_start(&options, &broker);
	if (r < 0)
		return EXIT_FAILURE;
	r = manager_run(broker);
	if (r < 0)
		log_say("the event loop failed: %s", strerror(-r));
	manager_free(broker);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
