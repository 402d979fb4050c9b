/*
 * The wire format, version 1: what one packet on the broker's AF_UNIX SOCK_SEQPACKET socket holds.
 *
 * Native byte order, fixed-width fields, no pointers, so that a 32-bit client speaks with a 64-bit
 * broker. Encoding and decoding are pure: they touch only the buffers they are given. Descriptors
 * travel beside the packet (transport.h), and not before the answer to HELLO has come: until the
 * connection is accepted the kernel may refuse them (EPERM).
 *
 * A decoded packet borrows: its strings and its data point into the buffer it was decoded from.
 *
 *   packet  = header body
 *   HELLO   = struct wire_hello
 *   OPEN    = struct wire_open   netns-name steps
 *   APPLY   = struct wire_apply  steps              + one descriptor
 *   RELEASE = struct wire_release
 *   SHARE   = struct wire_share             + the socket, and for a process its pidfd
 *   FROMSHARE = struct wire_ticket
 *   STORE   = struct wire_named name        + the socket
 *   FETCH, FORGET, STORED = struct wire_named name
 *   step    = struct wire_step_header address data  (each part padded to 8 bytes with zeros)
 *   reply   = header struct wire_answer [more] text   + descriptors
 *   more    = struct wire_welcome of HELLO, struct wire_ticket of SHARE,
 *             struct wire_list and its struct wire_stored of STORED
 */
#ifndef SOCKD_PROTO_WIRE_H
#define SOCKD_PROTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WIRE_MAGIC UINT32_C(0x646b6373)
#define WIRE_VERSION 1
#define WIRE_REPLY 0x8000u

#define WIRE_PACKET_MAX (128u * 1024u) /* bytes in one packet */
#define WIRE_STEPS_MAX 32u	       /* steps in one request */
#define WIRE_COUNT_MAX 253u	       /* sockets in one reply: the kernel's SCM_MAX_FD */
#define WIRE_TEXT_MAX 512u	       /* bytes of a reply's text */
#define WIRE_ERROR_MAX 4095	       /* of the kernel, MAX_ERRNO */
#define WIRE_ADDRESS_MAX 128u	       /* sizeof(struct sockaddr_storage) */
#define WIRE_OPTION_MAX 4096u	       /* bytes of an option's value */
#define WIRE_FILTER_MAX 4096u	       /* instructions: the kernel's BPF_MAXINSNS */
#define WIRE_NAME_MAX 255u	       /* bytes of a namespace's name */
#define WIRE_TICKET_BYTES 32u	       /* of a ticket */
#define WIRE_STORE_NAME_MAX 127u       /* bytes of a name in the store */
#define WIRE_STORED_MAX 8u	       /* stored names in one reply */

enum wire_verb {
	WIRE_HELLO = 1,
	WIRE_OPEN = 2,
	WIRE_APPLY = 3,
	WIRE_RELEASE = 4,
	WIRE_SHARE = 5,
	WIRE_FROMSHARE = 6,
	WIRE_STORE = 7,
	WIRE_FETCH = 8,
	WIRE_FORGET = 9,
	WIRE_STORED = 10,
};
#define WIRE_VERB_LAST WIRE_STORED

enum wire_step_kind {
	WIRE_STEP_OPTION = 1,  /* data = value; a = level, b = option name */
	WIRE_STEP_FILTER = 2,  /* data = struct sock_filter[]; attached, then locked */
	WIRE_STEP_BIND = 3,    /* address; data = the name of its interface, or empty */
	WIRE_STEP_CONNECT = 4, /* the same */
	WIRE_STEP_LISTEN = 5,  /* a = backlog */
	WIRE_STEP_SEND = 6,    /* data = message, address may be empty; a = flags of sendmsg(2) */
};

/*
 * A name beside the address of a bind or connect step stands for the interface's number, which is
 * then 0 there: a client in another network namespace than the socket cannot know it. The broker
 * asks the socket itself. For families can and packet.
 */
#define WIRE_INTERFACE_MAX 15u /* IFNAMSIZ - 1: without a terminating NUL */

/* Where an OPEN is to take place. */
enum wire_netns {
	WIRE_NETNS_DEFAULT = 0, /* where the rule says */
	WIRE_NETNS_PEER = 1,
	WIRE_NETNS_BROKER = 2,
	WIRE_NETNS_NAMED = 3,
};

/* Whose the error of a reply is; tells the library which errno its caller gets. */
enum wire_origin {
	WIRE_ORIGIN_NONE = 0,	 /* no error */
	WIRE_ORIGIN_POLICY = 1,	 /* refused by policy: the caller keeps the errno it had */
	WIRE_ORIGIN_KERNEL = 2,	 /* the kernel's own answer to the broker: root would see it too */
	WIRE_ORIGIN_REQUEST = 3, /* the request is malformed */
	WIRE_ORIGIN_LIMIT = 4,	 /* one of the peer's limits is reached */
	WIRE_ORIGIN_STALE = 5, /* not the process that connected, or not as it was: connect anew */
};

struct wire_header {
	uint32_t magic;
	uint16_t version;
	uint16_t verb; /* a reply carries WIRE_REPLY with the verb it answers */
	uint64_t serial;
	uint32_t size;	/* the whole packet, header included */
	uint32_t flags; /* WIRE_REQUEST_* of an OPEN or APPLY; of all else 0 */
};

/*
 * Would this be allowed? The broker decides as it would without the flag and does nothing: nothing
 * is opened, changed, granted or counted, and the descriptor of an APPLY is let go of. Where it
 * would be allowed the answer carries WIRE_ANSWER_ONLY_ASKED, no descriptor, and as its text the
 * name of the rule; else it is the refusal. What only the doing shows, the kernel's own answer, is
 * not in it.
 *
 * Both sides must have said WIRE_FEATURE_ASK in their HELLO. To a broker that never heard of it the
 * flag is an unknown one, so that the request is malformed and not carried out either.
 */
#define WIRE_REQUEST_ASK UINT32_C(1)

/* Features that a HELLO asks for, and its answer has; one that the other side does not know is
 * left out of use. */
#define WIRE_FEATURE_ASK UINT64_C(1)
/* SHARE to STORED. */
#define WIRE_FEATURE_KEEP UINT64_C(2)
#define WIRE_FEATURES (WIRE_FEATURE_ASK | WIRE_FEATURE_KEEP)
/* In the answer alone: no rule of the policy, as it is by then, lets this client have anything sent
 * (WIRE_STEP_SEND). An older broker leaves it out whatever its rules are. */
#define WIRE_WELCOME_NO_SENDS (UINT64_C(1) << 32)

struct wire_hello {
	uint16_t version_min;
	uint16_t version_max;
	uint32_t reserved;
	uint64_t features;
};

struct wire_open {
	int32_t domain;
	int32_t type; /* SOCK_NONBLOCK and SOCK_CLOEXEC are allowed; only the first has an effect */
	int32_t protocol;
	uint32_t netns; /* enum wire_netns */
	uint32_t count;
	uint32_t n_steps;
	uint32_t netns_name_size; /* without a terminating NUL; only with WIRE_NETNS_NAMED */
	uint32_t reserved;
};

struct wire_apply {
	uint32_t n_steps;
	uint32_t reserved;
};

struct wire_release {
	uint64_t grant;
};

/* Who may take a shared socket. */
enum wire_taker {
	WIRE_TAKER_ANYONE = 0,
	WIRE_TAKER_PROCESS = 1, /* whose pidfd is the second descriptor */
	WIRE_TAKER_USER = 2,	/* as the sender's user namespace has it */
	WIRE_TAKER_GROUP = 3,	/* likewise */
};

#define WIRE_TICKET_USEC_USUAL UINT64_C(30000000)
#define WIRE_TICKET_USEC_MAX UINT64_C(3600000000)
#define WIRE_STORE_USEC_MAX (UINT64_C(1) << 52) /* 142 years: sums of times cannot overflow */

struct wire_share {
	uint32_t taker; /* enum wire_taker */
	uint32_t id;	/* of USER and GROUP; else 0 */
	uint64_t lifetime_usec;
};

struct wire_ticket {
	uint8_t bytes[WIRE_TICKET_BYTES];
};

#define WIRE_NAMED_NEW UINT32_C(1)    /* STORE: not where the name is taken */
#define WIRE_NAMED_TAKE UINT32_C(2)   /* FETCH: it is no longer kept */
#define WIRE_NAMED_COMMON UINT32_C(4) /* STORE, FETCH, FORGET: a name of several users */

/* A name is 1 to WIRE_STORE_NAME_MAX letters, digits, dots, underscores and hyphens. In STORED it
 * is the last one that is known already, with COMMON where that was a common one; empty: none. */
struct wire_named {
	uint32_t flags;
	uint32_t name_size;	/* without a terminating NUL */
	uint64_t lifetime_usec; /* STORE: 0 for good; else 0 */
};

struct wire_step_header {
	uint32_t kind;
	uint32_t size; /* of the whole step, a multiple of 8 */
	int32_t a;
	int32_t b;
	uint32_t address_size;
	uint32_t data_size;
};

struct wire_answer {
	int32_t error;	    /* 0, or an errno up to WIRE_ERROR_MAX */
	uint32_t origin;    /* enum wire_origin */
	int32_t step;	    /* the step that failed, counted from 0; -1: none */
	uint32_t count;	    /* descriptors that travel with this packet */
	uint64_t grant;	    /* 0: none */
	uint32_t flags;	    /* WIRE_ANSWER_* */
	uint32_t text_size; /* one line of reason, without a terminating NUL */
};

#define WIRE_ANSWER_CONNECTING UINT32_C(1) /* a connect step is under way (EINPROGRESS) */
#define WIRE_ANSWER_ONLY_ASKED UINT32_C(2) /* it would be allowed; nothing was done */

/* Follows the answer to HELLO. */
struct wire_welcome {
	uint16_t version_min;
	uint16_t version_max;
	uint32_t packet_max;
	uint64_t features;
	uint32_t steps_max;
	uint32_t count_max;
};

/* Follows the answer to STORED: the next names in order, a user's own before common ones. */
struct wire_list {
	uint32_t n;
	uint32_t more; /* 1: there are names after these */
};

struct wire_stored {
	char name[WIRE_STORE_NAME_MAX + 1]; /* padded with NUL */
	int32_t domain, type, protocol;
	uint32_t flags; /* WIRE_NAMED_COMMON */
	uint64_t age_usec;
	uint64_t left_usec; /* 0: for good */
};

struct wire_step {
	enum wire_step_kind kind;
	int a; /* option: level; listen: backlog; send: flags */
	int b; /* option: name */
	const void *address;
	size_t address_size;
	const void *data;
	size_t data_size;
};

struct wire_request {
	enum wire_verb verb;
	uint64_t serial;
	uint32_t flags; /* WIRE_REQUEST_* */
	struct wire_hello hello;
	int domain, type, protocol;
	enum wire_netns netns;
	char netns_name[WIRE_NAME_MAX + 1];
	uint32_t count;
	uint64_t grant;
	struct wire_share share;   /* of SHARE */
	struct wire_ticket ticket; /* of FROMSHARE */
	struct wire_named named;   /* of STORE to STORED, with its name: */
	char name[WIRE_STORE_NAME_MAX + 1];
	size_t n_steps;
	struct wire_step steps[WIRE_STEPS_MAX];
};

struct wire_reply {
	enum wire_verb verb;
	uint64_t serial;
	struct wire_answer answer;
	union {
		struct wire_welcome welcome; /* of HELLO */
		struct wire_ticket ticket;   /* of SHARE; zero in a refusal */
		struct wire_list list;	     /* of STORED */
	};
	const void *stored; /* list.n times struct wire_stored, as they lie in the packet */
	const char *text;   /* answer.text_size bytes, no terminating NUL */
};

/*
 * Decodes a request. Returns 0; -EPROTONOSUPPORT for a version that is not known; -EBADMSG for
 * anything malformed. *ret_what then says in words what is wrong (a static string). The header is
 * also stored on failure where it could be read, so that the error can be answered.
 */
bool wire_peek_header(const void *packet, size_t size, struct wire_header *ret);
int wire_decode_request(
	const void *packet, size_t size, struct wire_request *ret, const char **ret_what);

/* Why no request may have these steps in this order, in words (a static string); NULL: one may. */
const char *wire_check_order(const struct wire_step *steps, size_t n);

/* Encodes a request into buffer. Returns the packet's size, -EMSGSIZE where it does not fit,
 * -EINVAL where a limit is exceeded. */
ssize_t wire_encode_request(const struct wire_request *request, void *buffer, size_t size);

/* Is it a name that the store takes? */
bool wire_name_is_storable(const char *name, size_t size);

/* One of the names of a decoded reply. */
void wire_get_stored(const struct wire_reply *reply, uint32_t i, struct wire_stored *ret);

/* The longest reply, and the longest but of STORED. */
#define WIRE_REPLY_USUAL \
	(sizeof(struct wire_header) + sizeof(struct wire_answer) + sizeof(struct wire_ticket) + \
		WIRE_TEXT_MAX)
#define WIRE_REPLY_MAX \
	(sizeof(struct wire_header) + sizeof(struct wire_answer) + sizeof(struct wire_list) + \
		WIRE_STORED_MAX * sizeof(struct wire_stored) + WIRE_TEXT_MAX)

/* The same for replies. */
int wire_decode_reply(const void *packet, size_t size, struct wire_reply *ret);
ssize_t wire_encode_reply(const struct wire_reply *reply, void *buffer, size_t size);

#endif
