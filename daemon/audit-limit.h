/*
 * How many refusals, questions and ends of connections of one user (uid) are recorded one by one:
 * 1000 a second. Those beyond are counted, and when the second is over one record says how many
 * they were: who is refused without end lets a file grow no faster, and hides nothing by it.
 *
 * A user of whom anything was recorded in this second is referred to until it is over, so that to
 * end all connections and to come again begins no new one. All functions are for the loop's thread.
 */
#ifndef SOCKD_DAEMON_AUDIT_LIMIT_H
#define SOCKD_DAEMON_AUDIT_LIMIT_H

#include <systemd/sd-event.h>

#include "daemon/audit.h"
#include "daemon/user.h"

#define AUDIT_OF_USER_MAX 1000u /* in a second */

struct audit_limit;

int audit_limit_new(
	sd_event *event, struct audit *audit, struct users *users, struct audit_limit **ret);
/* Records what is still only counted; before users_free(). Returns NULL. */
struct audit_limit *audit_limit_free(struct audit_limit *limit);
/* audit_push() for a record of the user record->uid. */
void audit_limit_push(struct audit_limit *limit, const struct audit_record *record);

#endif
