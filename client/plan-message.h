/*
 * What --message=TYPE[/INTERFACE] asks about.
 */
#ifndef SOCKD_CLIENT_PLAN_MESSAGE_H
#define SOCKD_CLIENT_PLAN_MESSAGE_H

#include "client/plan.h"

/* Fills in step i of the plan, which owns what that points to. Returns 0, or a negative errno after
 * saying what is wrong. */
int plan_message(struct plan *plan, size_t i, const char *text);

#endif
