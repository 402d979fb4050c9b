#include "daemon/broker.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "daemon/privilege.h"
#include "proto/macro.h"

#define CONNECTIONS_PER_USER 1024u
#define GRANTS_PER_USER 4096u
#define JOBS_PER_USER 48u

unsigned broker_connections_per_user(const struct broker *broker)
{
	unsigned limit = policy_limits(broker->policy)->connections_per_user;
	unsigned share = (unsigned)(broker->connections_max / 4 * 3);

	return MIN_OF(limit > 0 ? limit : CONNECTIONS_PER_USER, share);
}

unsigned broker_grants_per_user(const struct broker *broker)
{
	unsigned limit = policy_limits(broker->policy)->grants_per_user;
	return limit > 0 ? limit : GRANTS_PER_USER;
}

unsigned broker_jobs_per_user(const struct broker *broker)
{
	unsigned limit = policy_limits(broker->policy)->requests_in_work_per_user;
	return limit > 0 ? limit : JOBS_PER_USER;
}

void broker_audit(struct broker *broker, enum audit_event event, int error, const char *text)
{
	struct audit_record record = {
		.event = event,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.error = error,
		.domain = -1,
	};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	record.time_usec = (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
	snprintf(record.text, sizeof record.text, "%s", text);
	audit_push(broker->audit, &record);
}

void broker_notify_ready(const struct broker *broker)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%zu rules from %zu files",
		policy_rule_count(broker->policy), policy_file_count(broker->policy));
}

int broker_reload(struct broker *broker, FILE *errors)
{
	const struct options *options = broker->options;
	struct policy *policy;
	struct timespec now;
	char text[256];
	uint64_t missing;

	clock_gettime(CLOCK_MONOTONIC, &now);
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Reloading",
		(long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	(void)audit_reopen(broker->audit);
	int r = policy_load(options->policy, options->n_policy, errors, &policy);
	if (r >= 0) {
		r = privilege_reduce(policy_capabilities(policy) & ~broker->missing, &missing);
		if (r == -EPERM) {
			fprintf(errors,
				"the policy needs %s, which sockd gave up when it started; restart "
				"sockd to load it\n",
				privilege_describe(missing, text, sizeof text));
			policy_unref(policy);
		} else if (r >= 0) {
			policy_unref(broker->policy);
			broker->policy = policy;
		} else
			policy_unref(policy);
	}
	if (r >= 0)
		snprintf(text, sizeof text, "%zu rules from %zu files",
			policy_rule_count(broker->policy), policy_file_count(broker->policy));
	else
		snprintf(text, sizeof text,
			"the new policy has errors; the old one stays in force: see the log, or "
			"sockd --check-policy");
	broker_audit(broker, AUDIT_RELOAD, r < 0 ? -r : 0, text);
	broker_notify_ready(broker);
	return r;
}
