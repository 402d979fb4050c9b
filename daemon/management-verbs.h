/*
 * What administrators can ask: from a JSON object to a JSON object.
 */
#ifndef SOCKD_DAEMON_MANAGEMENT_VERBS_H
#define SOCKD_DAEMON_MANAGEMENT_VERBS_H

#include <jansson.h>

struct broker;

/* All return a new reference; NULL: no memory. */
json_t *management_verb(struct broker *broker, const json_t *request);
/* The end of a reload, which is asked for by management.c, because it takes its time. */
json_t *management_reload_answer(const struct broker *broker, int result, const char *errors);
json_t *management_failure(int error, const char *text);

/* The verb families: how many rules speak of each; in management-families.c. */
json_t *management_families(struct broker *broker, const json_t *request);

#endif
