#include "daemon/policy/subject.h"

#include <errno.h>
#include <string.h>

#include "daemon/policy/unit.h"

bool subject_is_stranger(const struct policy_subject *subject)
{
	return subject->strangers && subject->uid == subject->strangers->uid;
}

bool subject_came_by(const struct policy_subject *subject, const struct rule *rule)
{
	if (rule->listeners.n == 0)
		return true;
	for (size_t i = 0; subject->listener && i < rule->listeners.n; i++)
		if (strcmp(rule->listeners.items[i], subject->listener) == 0)
			return true;
	return false;
}

struct policy_subject subject_as_found(
	const struct policy_subject *subject, const struct rule *rule, gid_t *ret_group)
{
	struct policy_subject found = *subject;

	found.groups = ret_group;
	found.n_groups = 0;
	if (!rule || rule->any_peer || ranges_contain(&rule->uids, subject->uid) ||
		ranges_contain(&rule->gids, subject->gid))
		return found;
	for (size_t i = 0; i < subject->n_groups && found.n_groups == 0; i++)
		if (ranges_contain(&rule->gids, subject->groups[i])) {
			*ret_group = subject->groups[i];
			found.n_groups = 1;
		}
	return found;
}

bool subject_is_placed(
	const struct policy_subject *subject, const struct rule *rule, struct subject_place *place)
{
	if (!unit_is_named(rule))
		return true;
	if (!place->asked)
		place->error =
			subject->place ? subject->place(subject->data, &place->place) : -ENODATA;
	place->asked = true;
	return place->error < 0 ? rule->deny : unit_matches(rule, &place->place);
}

const struct policy_place *subject_place_known(const struct subject_place *place)
{
	return place->asked && place->error == 0 ? &place->place : NULL;
}
