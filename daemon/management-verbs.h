/*
 * What administrators can ask: from a JSON object to a JSON object.
 */
#ifndef SOCKD_DAEMON_MANAGEMENT_VERBS_H
#define SOCKD_DAEMON_MANAGEMENT_VERBS_H

#include <jansson.h>

struct broker;

/* A new reference; NULL: no memory. */
json_t *management_verb(struct broker *broker, const json_t *request);

#endif
