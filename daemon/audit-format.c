#include "daemon/audit-format.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>

#include "daemon/netns.h"
#include "proto/constants.h"
#include "proto/macro.h"

#define RECORD_TEXT_MAX \
	(AUDIT_VERB_MAX + AUDIT_LISTENER_MAX + AUDIT_UNIT_MAX + AUDIT_RULE_MAX + AUDIT_STEPS_MAX + \
		AUDIT_TEXT_MAX)
#define FIXED_PART_MAX 1024u /* keys, numbers and the names of constants */
static_assert(6 * RECORD_TEXT_MAX + FIXED_PART_MAX <= AUDIT_LINE_MAX, "a line may not fit");

enum event_part {
	PART_PEER = 1,	 /* gid, pid */
	PART_SOCKET = 2, /* family, type, protocol, grant, count, steps, rule */
	PART_COUNT = 4,
	PART_USER = 8, /* uid */
};

static const struct {
	const char *name;
	unsigned parts;
} events[] = {
	[AUDIT_START] = {"start", 0},
	[AUDIT_GRANT] = {"grant", PART_USER | PART_PEER | PART_SOCKET | PART_COUNT},
	[AUDIT_REFUSAL] = {"refusal", PART_USER | PART_PEER | PART_SOCKET | PART_COUNT},
	[AUDIT_QUESTION] = {"question", PART_USER | PART_PEER | PART_SOCKET | PART_COUNT},
	[AUDIT_RELEASE] = {"release", PART_USER | PART_PEER | PART_SOCKET | PART_COUNT},
	[AUDIT_RELOAD] = {"reload", 0},
	[AUDIT_PEER] = {"peer", PART_USER | PART_PEER},
	[AUDIT_STOP] = {"stop", 0},
	[AUDIT_KEPT] = {"kept", 0},
	[AUDIT_UNRECORDED] = {"unrecorded", PART_USER | PART_COUNT},
	[AUDIT_LOST] = {"lost", PART_COUNT},
};

/* Bytes that stand for themselves inside a JSON string. */
static const bool plain[256] = {
	[' ' ... '!'] = true,
	['#' ... '['] = true,
	[']' ... '~'] = true,
};

static char *put(char *p, const char *text, size_t size)
{
	memcpy(p, text, size);
	return p + size;
}

static char *put_text(char *p, const char *text)
{
	return put(p, text, strlen(text));
}

static char *put_number(char *p, uint64_t number)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return put(p, digits + i, sizeof(digits) - i);
}

static char *put_signed(char *p, int64_t number)
{
	if (number >= 0)
		return put_number(p, (uint64_t)number);
	*p++ = '-';
	return put_number(p, -(uint64_t)number);
}

static char *put_padded(char *p, uint64_t number, unsigned width)
{
	for (unsigned i = width; i > 0; i--) {
		p[i - 1] = (char)('0' + number % 10);
		number /= 10;
	}
	return p + width;
}

static char *put_hex(char *p, const char *prefix, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	p = put_text(p, prefix);
	*p++ = digits[byte >> 4];
	*p++ = digits[byte & 15];
	return p;
}

/* How many bytes the UTF-8 character at s takes; 0: it is none. Only for bytes of 0x80 and above.
 */
static size_t utf8_length(const unsigned char *s, size_t size)
{
	size_t length;
	uint32_t code;

	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		length = 2;
		code = s[0] & 0x1f;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		length = 3;
		code = s[0] & 0x0f;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		length = 4;
		code = s[0] & 0x07;
	} else
		return 0;
	if (size < length)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (length == 3 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff)))
		return 0;
	if (length == 4 && (code < 0x10000 || code > 0x10ffff))
		return 0;
	return length;
}

static bool is_empty(const char *text)
{
	return !text || text[0] == '\0';
}

static char *put_escaped(char *p, const char *text, size_t max, bool json)
{
	const unsigned char *s = (const unsigned char *)text;
	const unsigned char *end = s + strnlen(text, max);

	while (s < end) {
		const unsigned char *from = s;
		size_t length;

		while (s < end && plain[*s])
			s++;
		p = put(p, (const char *)from, (size_t)(s - from));
		if (s == end)
			break;

		if (*s == '"' || *s == '\\') {
			if (json)
				*p++ = '\\';
			*p++ = (char)*s++;
		} else if (*s < 0x80)
			p = put_hex(p, json ? "\\u00" : "\\x", *s++);
		else if ((length = utf8_length(s, (size_t)(end - s))) == 0)
			p = put_hex(p, json ? "\\\\x" : "\\x", *s++);
		else if (length == 2 && s[0] == 0xc2 && s[1] < 0xa0) {
			/* U+0080 to U+009F: control characters, to some terminals */
			p = put_hex(p, json ? "\\u00" : "\\xc2\\x", s[1]);
			s += 2;
		} else {
			p = put(p, (const char *)s, length);
			s += length;
		}
	}
	return p;
}

/* 2026-01-31T12:00:00.000000Z */
static char *put_time(char *p, uint64_t time_usec)
{
	static _Thread_local struct {
		time_t second;
		size_t size;
		char text[32];
	} last = {.second = -1};
	time_t second = (time_t)(time_usec / 1000000);

	if (second != last.second) {
		struct tm tm;

		if (!gmtime_r(&second, &tm))
			memset(&tm, 0, sizeof(tm));
		last.size = strftime(last.text, sizeof(last.text), "%Y-%m-%dT%H:%M:%S.", &tm);
		last.second = second;
	}
	p = put(p, last.text, last.size);
	p = put_padded(p, time_usec % 1000000, 6);
	*p++ = 'Z';
	return p;
}

static char *put_name(char *p, const char *name, int number)
{
	return name ? put_text(p, name) : put_signed(p, number);
}

static char *put_family(char *p, const struct audit_record *record)
{
	return put_name(p, constant_family_name(record->domain), record->domain);
}

static char *put_type(char *p, const struct audit_record *record)
{
	int type = record->type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

	return put_name(p, constant_type_name(type), type);
}

static char *put_protocol(char *p, const struct audit_record *record)
{
	return put_name(
		p, constant_protocol_name(record->domain, record->protocol), record->protocol);
}

static char *put_errno(char *p, int error)
{
	return put_name(p, strerrorname_np(error), error);
}

#define PUT(p, literal) put((p), (literal), sizeof(literal) - 1)

static char *put_netns(char *p, const struct audit_record *record)
{
	return record->netns == NETNS_UNKNOWN ? PUT(p, "unknown") : put_number(p, record->netns);
}

static char *put_json_string(char *p, const char *key, const char *text, size_t max)
{
	if (is_empty(text))
		return p;
	*p++ = ',';
	*p++ = '"';
	p = put_text(p, key);
	p = PUT(p, "\":\"");
	p = put_escaped(p, text, max, true);
	*p++ = '"';
	return p;
}

static char *put_json_socket(char *p, const struct audit_record *record)
{
	p = put_json_string(p, "verb", record->verb, AUDIT_VERB_MAX);
	if (record->domain >= 0) {
		p = PUT(p, ",\"family\":\"");
		p = put_family(p, record);
		p = PUT(p, "\",\"type\":\"");
		p = put_type(p, record);
		p = PUT(p, "\",\"protocol\":\"");
		p = put_protocol(p, record);
		*p++ = '"';
	}
	if (record->netns != 0) {
		p = PUT(p, ",\"netns\":");
		p = record->netns == NETNS_UNKNOWN ? PUT(p, "null") : put_number(p, record->netns);
	}
	p = put_json_string(p, "steps", record->steps, AUDIT_STEPS_MAX);
	if (record->grant > 0) {
		p = PUT(p, ",\"grant\":");
		p = put_number(p, record->grant);
	}
	return p;
}

size_t audit_format_json(const struct audit_record *record, char *buffer)
{
	unsigned parts = events[record->event].parts;
	char *p = buffer;

	p = PUT(p, "{\"time\":\"");
	p = put_time(p, record->time_usec);
	p = PUT(p, "\",\"time_usec\":");
	p = put_number(p, record->time_usec);
	p = PUT(p, ",\"event\":\"");
	p = put_text(p, events[record->event].name);
	*p++ = '"';
	if (parts & PART_USER) {
		p = PUT(p, ",\"uid\":");
		p = put_number(p, record->uid);
	}
	if (parts & PART_PEER) {
		p = PUT(p, ",\"gid\":");
		p = put_number(p, record->gid);
		p = PUT(p, ",\"pid\":");
		p = put_signed(p, record->pid);
	}
	p = put_json_string(p, "listener", record->listener, AUDIT_LISTENER_MAX);
	p = put_json_string(p, "unit", record->unit, AUDIT_UNIT_MAX);
	if (parts & PART_SOCKET)
		p = put_json_socket(p, record);
	p = put_json_string(p, "rule", record->rule, AUDIT_RULE_MAX);
	if (parts & PART_COUNT) {
		p = PUT(p, ",\"count\":");
		p = put_number(p, record->count);
	}
	if (record->error != 0) {
		p = PUT(p, ",\"errno\":");
		p = put_signed(p, record->error);
		p = PUT(p, ",\"error\":\"");
		p = put_errno(p, record->error);
		*p++ = '"';
	}
	p = put_json_string(p, "reason", record->text, AUDIT_TEXT_MAX);
	p = PUT(p, "}\n");
	return (size_t)(p - buffer);
}

static char *put_peer_words(char *p, const struct audit_record *record)
{
	p = PUT(p, " uid ");
	p = put_number(p, record->uid);
	p = PUT(p, " (pid ");
	p = put_signed(p, record->pid);
	return PUT(p, ")");
}

/* A socket that was there already, and is handed on. */
static bool is_about_kept(const struct audit_record *record)
{
	return !is_empty(record->verb) && strcmp(record->verb, "open") != 0 &&
	       strcmp(record->verb, "apply") != 0;
}

static char *put_socket_words(char *p, const struct audit_record *record)
{
	if (is_about_kept(record)) {
		*p++ = ' ';
		p = put_escaped(p, record->verb, AUDIT_VERB_MAX, false);
	}
	if (record->domain >= 0) {
		*p++ = ' ';
		p = put_family(p, record);
		*p++ = ' ';
		p = put_type(p, record);
		*p++ = ' ';
		p = put_protocol(p, record);
	}
	if (record->count > 1) {
		p = PUT(p, ", ");
		p = put_number(p, record->count);
		p = PUT(p, " sockets");
	}
	if (record->netns != 0) {
		p = PUT(p, ", network namespace ");
		p = put_netns(p, record);
	}
	if (!is_empty(record->steps)) {
		p = PUT(p, ", ");
		p = put_escaped(p, record->steps, AUDIT_STEPS_MAX, false);
	}
	if (!is_empty(record->rule)) {
		p = PUT(p, ", rule ");
		p = put_escaped(p, record->rule, AUDIT_RULE_MAX, false);
	}
	return p;
}

/* The line that a reader of the journal sees. */
static char *put_message(char *p, const struct audit_record *record)
{
	switch (record->event) {
	case AUDIT_START:
		p = PUT(p, "Started");
		break;
	case AUDIT_STOP:
		p = PUT(p, "Stopped");
		break;
	case AUDIT_KEPT:
		p = PUT(p, "Kept sockets");
		break;
	case AUDIT_RELOAD:
		p = record->error == 0 ? PUT(p, "Policy loaded")
				       : PUT(p, "Policy not loaded, the old one stays");
		break;
	case AUDIT_GRANT:
		p = PUT(p, "Granted to");
		p = put_peer_words(p, record);
		*p++ = ':';
		p = put_socket_words(p, record);
		break;
	case AUDIT_REFUSAL:
		p = PUT(p, "Refused to");
		p = put_peer_words(p, record);
		*p++ = ':';
		p = put_socket_words(p, record);
		break;
	case AUDIT_QUESTION:
		p = record->error == 0 ? PUT(p, "Only asked, and allowed, by")
				       : PUT(p, "Only asked, and not allowed, by");
		p = put_peer_words(p, record);
		*p++ = ':';
		p = put_socket_words(p, record);
		break;
	case AUDIT_RELEASE:
		p = PUT(p, "Released by");
		p = put_peer_words(p, record);
		*p++ = ':';
		p = put_socket_words(p, record);
		break;
	case AUDIT_PEER:
		p = PUT(p, "Connection of");
		p = put_peer_words(p, record);
		p = PUT(p, " closed");
		break;
	case AUDIT_UNRECORDED:
		p = PUT(p, "Left out ");
		p = put_number(p, record->count);
		p = PUT(p, " records of uid ");
		p = put_number(p, record->uid);
		break;
	case AUDIT_LOST:
		p = PUT(p, "Lost ");
		p = put_number(p, record->count);
		p = PUT(p, " audit records");
		break;
	}
	if (record->error != 0) {
		p = PUT(p, ": ");
		p = put_errno(p, record->error);
	}
	if (!is_empty(record->text)) {
		p = PUT(p, ": ");
		p = put_escaped(p, record->text, AUDIT_TEXT_MAX, false);
	}
	return p;
}

static int priority(const struct audit_record *record)
{
	switch (record->event) {
	case AUDIT_REFUSAL:
	case AUDIT_START:
	case AUDIT_STOP:
		return LOG_NOTICE;
	case AUDIT_KEPT:
		return record->error == 0 ? LOG_NOTICE : LOG_WARNING;
	case AUDIT_RELOAD:
		return record->error == 0 ? LOG_NOTICE : LOG_ERR;
	case AUDIT_PEER:
	case AUDIT_UNRECORDED:
	case AUDIT_LOST:
		return LOG_WARNING;
	case AUDIT_GRANT:
	case AUDIT_QUESTION:
	case AUDIT_RELEASE:
		return LOG_INFO;
	}
	return LOG_INFO;
}

/* Each field is begun with its name, filled, and ended. */
static char *begin_field(struct audit_fields *fields, char *p, const char *name)
{
	fields->fields[fields->n].iov_base = p;
	p = put_text(p, name);
	*p++ = '=';
	return p;
}

static char *end_field(struct audit_fields *fields, char *p)
{
	struct iovec *field = &fields->fields[fields->n++];

	field->iov_len = (size_t)(p - (char *)field->iov_base);
	return p;
}

static char *add_number(struct audit_fields *fields, char *p, const char *name, int64_t number)
{
	p = begin_field(fields, p, name);
	p = put_signed(p, number);
	return end_field(fields, p);
}

static char *add_string(
	struct audit_fields *fields, char *p, const char *name, const char *text, size_t max)
{
	if (is_empty(text))
		return p;
	p = begin_field(fields, p, name);
	p = put_escaped(p, text, max, false);
	return end_field(fields, p);
}

static char *add_socket(struct audit_fields *fields, char *p, const struct audit_record *record)
{
	if (record->domain >= 0) {
		p = begin_field(fields, p, "SOCKD_FAMILY");
		p = end_field(fields, put_family(p, record));
		p = begin_field(fields, p, "SOCKD_TYPE");
		p = end_field(fields, put_type(p, record));
		p = begin_field(fields, p, "SOCKD_PROTOCOL");
		p = end_field(fields, put_protocol(p, record));
	}
	p = add_string(fields, p, "SOCKD_VERB", record->verb, AUDIT_VERB_MAX);
	if (record->netns != 0) {
		p = begin_field(fields, p, "SOCKD_NETNS");
		p = end_field(fields, put_netns(p, record));
	}
	p = add_string(fields, p, "SOCKD_STEPS", record->steps, AUDIT_STEPS_MAX);
	if (record->grant > 0) {
		p = begin_field(fields, p, "SOCKD_GRANT");
		p = end_field(fields, put_number(p, record->grant));
	}
	return p;
}

void audit_format_journal(const struct audit_record *record, struct audit_fields *ret)
{
	unsigned parts = events[record->event].parts;
	char *p = ret->text;

	ret->n = 0;
	p = begin_field(ret, p, "MESSAGE");
	p = end_field(ret, put_message(p, record));
	p = add_number(ret, p, "PRIORITY", priority(record));
	p = begin_field(ret, p, "SOCKD_EVENT");
	p = end_field(ret, put_text(p, events[record->event].name));
	p = begin_field(ret, p, "SOCKD_TIME");
	p = end_field(ret, put_time(p, record->time_usec));
	p = begin_field(ret, p, "SYSLOG_IDENTIFIER");
	p = end_field(ret, put_text(p, "sockd"));
	if (parts & PART_USER)
		p = add_number(ret, p, "SOCKD_UID", record->uid);
	if (parts & PART_PEER) {
		p = add_number(ret, p, "SOCKD_GID", record->gid);
		p = add_number(ret, p, "SOCKD_PID", record->pid);
	}
	p = add_string(ret, p, "SOCKD_LISTENER", record->listener, AUDIT_LISTENER_MAX);
	p = add_string(ret, p, "SOCKD_UNIT", record->unit, AUDIT_UNIT_MAX);
	if (parts & PART_SOCKET)
		p = add_socket(ret, p, record);
	p = add_string(ret, p, "SOCKD_RULE", record->rule, AUDIT_RULE_MAX);
	if (parts & PART_COUNT)
		p = add_number(ret, p, "SOCKD_COUNT", record->count);
	if (record->error != 0)
		p = add_number(ret, p, "SOCKD_ERRNO", record->error);
	(void)add_string(ret, p, "SOCKD_REASON", record->text, AUDIT_TEXT_MAX);
	assert(ret->n <= AUDIT_FIELDS_MAX);
}
