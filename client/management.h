/*
 * The broker's socket for administrators: one JSON object a line each way.
 */
#ifndef SOCKD_CLIENT_MANAGEMENT_H
#define SOCKD_CLIENT_MANAGEMENT_H

#include <jansson.h>

/*
 * Sends a request (borrowed) and stores the reply, an object that the caller owns and that says
 * "ok". Returns 0; a negative errno after saying what is wrong, also where the broker answered with
 * an error.
 */
int management_call(const char *path, const json_t *request, json_t **ret);

/* A member of an object from the broker; "" or 0 where it is missing or of another type. */
const char *management_string(const json_t *object, const char *name);
json_int_t management_integer(const json_t *object, const char *name);

#endif
