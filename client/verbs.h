/* What sockctl can do: each verb a function that returns the exit status. */
#ifndef SOCKD_CLIENT_VERBS_H
#define SOCKD_CLIENT_VERBS_H

#include "client/arguments.h"

int verb_open(const struct arguments *arguments);
int verb_check(const struct arguments *arguments);
int verb_list(const struct arguments *arguments);
int verb_status(const struct arguments *arguments);
int verb_reload(const struct arguments *arguments);
int verb_share(const struct arguments *arguments);
int verb_fromshare(const struct arguments *arguments);
int verb_store(const struct arguments *arguments);
int verb_fetch(const struct arguments *arguments);
int verb_stored(const struct arguments *arguments);
int verb_forget(const struct arguments *arguments);
int verb_families(const struct arguments *arguments);

#endif
