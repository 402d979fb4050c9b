/*
 * How many refusals, questions and ends of connections of one user (uid) are recorded one by one:
 * 1000 a second. Those beyond are counted, and when the second is over one record says how many
 * they were: who is refused without end lets a file grow no faster, and hides nothing by it.
 *
 * Of grants each is recorded: a user who has half of the queue waits until the writer has taken it,
 * but a second at most, as nobody is to wait for a writer that hangs.
 *
 * A user of whom anything was recorded in this second is referred to until it is over, so that to
 * end all connections and to come again begins no new one. All functions are for the loop's thread.
 */
#ifndef SOCKD_DAEMON_AUDIT_LIMIT_H
#define SOCKD_DAEMON_AUDIT_LIMIT_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "daemon/audit.h"
#include "daemon/user.h"

#define AUDIT_OF_USER_MAX 1000u /* in a second */
#define AUDIT_GRANTS_OF_USER_MAX (AUDIT_QUEUE_MAX / 2)

struct audit_limit;

/* on_room is called on the loop when those who had to wait may have to no longer. */
int audit_limit_new(sd_event *event, struct audit *audit, struct users *users,
	void (*on_room)(void *data), void *data, struct audit_limit **ret);
/* Records what is still only counted; before users_free(). Returns NULL. */
struct audit_limit *audit_limit_free(struct audit_limit *limit);
/* audit_push() for a record of the user record->uid. */
void audit_limit_push(struct audit_limit *limit, const struct audit_record *record);
/* The same for a grant of this user. */
void audit_limit_push_grant(
	struct audit_limit *limit, struct user *user, const struct audit_record *record);
/* Has the user too many that wait to be recorded, for another grant? */
bool audit_limit_must_wait(struct audit_limit *limit, const struct user *user);

#endif
