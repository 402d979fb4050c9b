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

bool subject_is_itself_in(
	const struct policy_subject *subject, const struct ranges *uids, const struct ranges *gids)
{
	return ranges_contain(uids, subject->uid) || ranges_contain(gids, subject->gid);
}

const gid_t *subject_group_in(const struct policy_subject *subject, const struct ranges *gids)
{
	for (size_t i = 0; i < subject->n_groups; i++)
		if (ranges_contain(gids, subject->groups[i]))
			return &subject->groups[i];
	return NULL;
}

struct policy_subject subject_as_found(
	const struct policy_subject *subject, const struct rule *rule)
{
	struct policy_subject found = *subject;
	bool by_group =
		rule && !rule->any_peer && !subject_is_itself_in(subject, &rule->uids, &rule->gids);

	found.groups = by_group ? subject_group_in(subject, &rule->gids) : NULL;
	found.n_groups = found.groups ? 1 : 0;
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
