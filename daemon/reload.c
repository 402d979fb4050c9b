#include "daemon/reload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/broker.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/netns.h"
#include "daemon/privilege.h"
#include "proto/macro.h"

struct reload {
	struct job job;
	struct broker *broker;	       /* the loop's */
	const struct options *options; /* outlive it */
	struct policy *policy;	       /* what was read; NULL: errors */
	char *errors;		       /* in words, a line each; owned */
	int result;
};

static void run_reload(struct job *job)
{
	struct reload *reload = (struct reload *)job;
	const struct options *options = reload->options;
	size_t size;
	FILE *errors = open_memstream(&reload->errors, &size);

	if (!errors) {
		reload->result = -ENOMEM;
		return;
	}
	reload->result =
		policy_load(options->policy, options->n_policy, geteuid(), errors, &reload->policy);
	fclose(errors);
}

/* The capabilities follow the policy, downwards only. */
static int take_effect(struct reload *reload, char *text, size_t size)
{
	struct broker *broker = reload->broker;
	uint64_t wanted = policy_capabilities(reload->policy) & ~broker->missing, missing = 0;
	char names[256];

	/* It would take every name for one that it may not know, and deny all that such a rule
	 * speaks of. */
	if (policy_names_netns(reload->policy) && !netns_names_are_visible() &&
		!(wanted & ~privilege_held())) {
		snprintf(text, size,
			"the policy names a network namespace, which sockd may not look for; "
			"restart sockd to load it\n");
		return -EPERM;
	}
	int r = privilege_reduce(wanted, &missing);

	if (r == -EPERM && missing)
		snprintf(text, size,
			"the policy needs %s, which sockd does not hold; restart sockd to load "
			"it\n",
			privilege_describe(missing, names, sizeof names));
	if (r < 0)
		return r;
	policy_unref(broker->policy);
	broker->policy = TAKE_PTR(reload->policy);
	return 0;
}

static void tell(struct reload *reload, const char *errors)
{
	struct broker *broker = reload->broker;
	char text[256];

	if (reload->result >= 0) {
		snprintf(text, sizeof text, "%zu rules from %zu files",
			policy_rule_count(broker->policy), policy_file_count(broker->policy));
		log_say("reloaded: %s", text);
	} else if (reload->result == -EPERM) {
		snprintf(text, sizeof text, "%.*s", (int)strcspn(errors, "\n"), errors);
		log_say("%s; the old one stays in force", text);
	} else {
		snprintf(text, sizeof text,
			"the new policy has errors; the old one stays in force: see the log, or "
			"sockd --check-policy");
		size_t length = strlen(errors);
		bool ends = length > 0 && errors[length - 1] == '\n';
		log_say("the policy was not reloaded; the old one stays in force:\n%.*s",
			(int)(length - ends), errors);
	}
	broker_audit(broker, AUDIT_RELOAD, reload->result < 0 ? -reload->result : 0, text);
	broker_notify_ready(broker);
	if (broker->reload_data)
		broker->reload_done(TAKE_PTR(broker->reload_data), reload->result, errors);
}

static void done_reload(struct job *job)
{
	struct reload *reload = (struct reload *)job;
	struct broker *broker = reload->broker;
	char needs[400] = "";
	bool again = broker->reload_again && !job->cancelled;

	broker->reloading = broker->reload_again = false;
	if (!job->cancelled) {
		if (reload->result >= 0)
			reload->result = take_effect(reload, needs, sizeof needs);
		tell(reload, *needs ? needs : reload->errors ? reload->errors : "");
	}
	policy_unref(reload->policy);
	free(reload->errors);
	free(reload);
	if (again)
		(void)reload_start(broker, NULL, NULL);
}

int reload_start(
	struct broker *broker, void (*done)(void *data, int result, const char *errors), void *data)
{
	if (broker->reloading) {
		broker->reload_again = broker->reload_again || !done;
		return -EALREADY;
	}
	struct reload *reload = calloc(1, sizeof *reload);
	if (!reload)
		return -ENOMEM;
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reloading",
		clock_usec(CLOCK_MONOTONIC));
	int opened = audit_reopen(broker->audit);
	if (opened < 0)
		log_say("the audit trail %s cannot be opened anew: %s; what was open until now is "
			"written on",
			audit_target(broker->audit), strerror(-opened));
	reload->broker = broker;
	reload->options = broker->options;
	reload->job = (struct job){.run = run_reload, .done = done_reload, .uncut = true};
	int r = worker_submit_take(broker->reloader, &reload->job);
	if (r < 0) {
		broker_notify_ready(broker);
		free(reload);
		return r;
	}
	broker->reloading = true;
	broker->reload_done = done;
	broker->reload_data = data;
	return 0;
}
