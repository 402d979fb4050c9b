/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON objects over a stream socket: libsockd-json, a library of its own, so that a program which
 * does without need not have jansson. Link with $(pkg-config --cflags --libs libsockd-json). See
 * sockd_send_json(3).
 *
 * A message is four bytes, the size of what follows as a big-endian number, and then as many bytes:
 * one JSON object (RFC 8259) in UTF-8. Any connected stream socket will do, close-on-exec or not,
 * the caller's own or from the broker.
 *
 * Limits hold at both ends, and before memory is taken: the size by argument, the nesting of
 * arrays and objects by jansson's own limit (JSON_PARSER_MAX_DEPTH, 2048). An object with the same
 * key twice is refused, and so is text after the object.
 *
 * The socket's timeout (sockd_settimeout(3), or SO_RCVTIMEO and SO_SNDTIMEO) is for the whole
 * message. A call that is interrupted by a signal goes on. SIGPIPE is not raised.
 *
 * Both calls are thread-safe, but a message is more than one send(2) or recv(2): threads that send
 * on one socket need a lock of their own, or their bytes are mixed; so do those that receive.
 *
 * They return -1 and set errno on failure, and leave it as it was on success. ret_error may be
 * NULL. It is filled on failure: text in words; source "<send_json>" or "<recv_json>"; line, column
 * and position of the mistake within the JSON text where it is there, else line and column are -1
 * and position is the number of bytes of this message, its first four included, that had been sent
 * or read. Where that is 0 the stream is as it was and the call may be made again. Otherwise the
 * place in the stream is lost: the connection is good for nothing but close(2). Only a message that
 * was read to its end (EBADMSG with a line) leaves the stream usable.
 *
 *  - EAGAIN: the socket is non-blocking and not ready.
 *  - EBADMSG: received: not JSON, not UTF-8, not an object, nested too deeply.
 *  - EINVAL: NULL, or size_max is too large; sending: not an object, a cycle, nested too deeply, a
 *    string with a NUL.
 *  - EMSGSIZE: the message is larger than size_max.
 *  - ENOMEM: no memory.
 *  - EPROTO: received: the stream ended within a message.
 *  - EPROTOTYPE: not a stream socket.
 *  - ETIMEDOUT: the socket's timeout has passed.
 *  - Others: those of send(2) and recv(2): EBADF, ENOTSOCK, ECONNRESET, EPIPE, ...
 */
#ifndef SOCKD_JSON_H
#define SOCKD_JSON_H

#include <jansson.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Sends a JSON object; the caller keeps its reference. size_max is the most bytes that its text may
 * have, at most UINT32_MAX; 0 is 1 MiB. Nothing is sent where the object is refused. Returns 0.
 */
int sockd_send_json(int fd, const json_t *object, size_t size_max, json_error_t *ret_error);

/*
 * Receives a JSON object. Returns 1 and in ret_object a new reference that the caller owns; or 0
 * where the peer has closed its end between two messages, with ret_object untouched; or -1.
 * size_max as above; a larger message is refused before its text is read.
 */
int sockd_recv_json(int fd, size_t size_max, json_t **ret_object, json_error_t *ret_error);

#ifdef __cplusplus
}
#endif

#endif
