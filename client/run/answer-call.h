/* The answer to a notified call: what it is to do, decided and done on copies of its arguments. */
#ifndef SOCKD_CLIENT_RUN_ANSWER_CALL_H
#define SOCKD_CLIENT_RUN_ANSWER_CALL_H

#include "client/run/answer.h"

struct answer answer_call(const struct surroundings *surroundings, const struct call *call);

#endif
