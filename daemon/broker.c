#include "daemon/broker.h"

#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/clock.h"
#include "daemon/keep/keep.h"
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

unsigned broker_kept_per_user(const struct broker *broker)
{
	unsigned limit = policy_limits(broker->policy)->kept_per_user;
	return limit > 0 ? limit : KEPT_PER_USER;
}

void broker_audit(struct broker *broker, enum audit_event event, int error, const char *text)
{
	struct audit_record record = {
		.event = event,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.error = error,
		.domain = -1,
		.time_usec = clock_usec(CLOCK_REALTIME),
		.text = text,
	};

	audit_push(broker->audit, &record);
}

void broker_notify_ready(const struct broker *broker)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%zu rules from %zu files",
		policy_rule_count(broker->policy), policy_file_count(broker->policy));
}
