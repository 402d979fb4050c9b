/*
 * What is measured against what: ways to get a socket, each one a function that gets it and closes
 * it.
 */
#ifndef SOCKD_BENCH_CONTENDER_H
#define SOCKD_BENCH_CONTENDER_H

#include <stddef.h>

enum contender {
	PLAIN,	       /* socket() and close(), no broker */
	FLOOR,	       /* the floor, one socket */
	SOCKD,	       /* sockd, one OPEN on a standing connection */
	FLOOR_BATCH,   /* the floor, BATCH sockets in one message */
	SOCKD_BATCH,   /* sockd, OPEN with a count of BATCH */
	FLOOR_RAW,     /* the floor, a raw ICMP socket */
	SOCKD_RAW,     /* sockd the same, at the wire */
	LIBRARY_CALL,  /* sockd_socket(), a raw ICMP socket that the kernel refuses */
	LIBRARY_BUILD, /* sockd_request_open(), the same */
	N_CONTENDERS,
};

#define BATCH 64

extern const char *const contender_names[N_CONTENDERS];
/* How many sockets one run of it opens. */
unsigned contender_sockets(enum contender contender);

/* Where the servers are; each connection is made at the first use. */
struct servers {
	const char *floor, *sockd;
};
/* Gets and closes once. On failure it says why and ends the process. */
void contender_run(const struct servers *servers, enum contender contender);

/* The parts, for clients that send now and receive later. */
int connect_to_floor(const char *path);
int connect_to_sockd(const char *path);
void send_to_floor(int fd, int type, int protocol, unsigned count);
void send_to_sockd(int fd, int type, int protocol, unsigned count);
/* Receives the answer and closes its sockets; ends the process where it is not count sockets. */
void finish_floor(int fd, unsigned count);
void finish_sockd(int fd, unsigned count);

#endif
