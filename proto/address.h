/*
 * Socket addresses as text and back. Reversible: parse(format(a)) means to the kernel what a does.
 * What the kernel does not read is not written: padding, bytes behind the address, an sll_hatype.
 *
 * - inet: `127.0.0.1:80`, `*:80` (any address), `10.0.0.1` (port 0).
 * - inet6: `[::1]:80`, `[fe80::1%2]:80`, `[fe80::1%eth0]:80`, `[*]:80`, `::1` (port 0),
 *   `[::1]:80/flow=N`.
 * - unix: `/run/some/path`, `@abstract`, `""` (the two quotes: unnamed). `\xHH` is a byte: so are
 *   written those outside printable ASCII, blanks, quotes, backslashes, and a path's leading `@`.
 * - netlink: `PID:GROUPS`, as `0:0x1`.
 * - packet: `INTERFACE[/PROTOCOL[/HARDWARE-ADDRESS]]`, as `eth0/arp/ff:ff:ff:ff:ff:ff`, `2/0x1234`,
 *   `2/none/02:00:00:00:00:01`; 0 is any interface.
 * - vsock: `CID:PORT`, as `any:1024`, `2:80`; CIDs any, hypervisor, local and host; port any.
 * - tipc: `service:TYPE:INSTANCE[@LOOKUP]`, `range:TYPE:LOWER-UPPER`, `socket:NODE:REF`; each may
 * end in `/node`, `/zone`, or `/SCOPE` as a number; `/cluster` is meant without.
 * - rds, smc: as inet and inet6.
 * - alg: `TYPE/NAME[/FEAT[/MASK]]`, as `hash/sha256`, `skcipher/cbc(aes)`.
 * - qipcrtr: `NODE:PORT`, as `1:16384`; node any is all nodes, port control the name server's.
 * - xdp: `INTERFACE/QUEUE[/FLAGS]`, as `eth0/0`, `2/1/copy,wakeup`; flags copy, zerocopy, wakeup,
 * sg, or a number.
 * - can: `INTERFACE` (raw, BCM); `INTERFACE/rx=ID/tx=ID` (ISO-TP), as
 * `vcan0/rx=0x123/tx=0x18da10f1` (address-can.h says how identifiers are written);
 * `INTERFACE[/name=N][/pgn=N][/addr=N]` (J1939), where what is left out is none; 0 is any
 * interface. The same bytes may be an ISO-TP address and a J1939 name: then they are written as the
 * former, which parses to the same bytes.
 * - bluetooth: an address does not say its protocol, so the text does, and the size tells it from
 *   the bytes. `hci:DEVICE/CHANNEL`, as `hci:hci0/raw`, `hci:none/monitor` (no channel: raw);
 *   `l2cap:ADDRESS[/psm=N][/cid=N][/TYPE]`, as `l2cap:any/psm=0x1001`,
 *   `l2cap:00:11:22:33:44:55/cid=0x0004/le` (TYPE bredr, le, le-random; bredr goes without saying);
 *   `rfcomm:ADDRESS/CHANNEL`; `sco:ADDRESS`; `iso:ADDRESS/TYPE`, which is written as RFCOMM's,
 *   because the bytes are the same. ADDRESS any is all zeros.
 *
 * Any other family, and what none of these can say: hex bytes of the whole sockaddr after `raw:`.
 * Interface names are resolved in the calling thread's network namespace; that is the only thing
 * here that asks the kernel.
 */
#ifndef SOCKD_PROTO_ADDRESS_H
#define SOCKD_PROTO_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_MAX 512u

/* Numbers are decimal, or hexadecimal after 0x. Returns 0; -EINVAL text is not an address of this
 * family; -ENODEV no such interface. */
int address_parse(int domain, const char *text, struct sockaddr_storage *ret, socklen_t *ret_size);

/*
 * Writes the text of an address, NUL-terminated, into buffer (ADDRESS_TEXT_MAX is always enough).
 * An address that is too short or too long for its family, or malformed, is written in the raw
 * form; the bytes are untrusted, need not be aligned, and may be NULL with size 0. More than a
 * sockaddr_storage is cut off and marked with "...". Interfaces are written as numbers. Returns 0
 * or -ENOSPC (nothing is written).
 */
int address_format(const void *address, size_t size, char *buffer, size_t buffer_size);

/* The least a sockaddr of this family may measure to the kernel, and the most (0, 0: not one of the
 * above). */
void address_limits(int domain, size_t *ret_min, size_t *ret_max);

struct ifreq;
/*
 * SIOCGIFINDEX for the name in the request. For one that is not there the kernel loads the module
 * "netdev-NAME", and waits for it, where the asker has CAP_NET_ADMIN: not for a client, who could
 * not, so that this is laid down meanwhile. Returns 0 or a negative errno.
 */
int address_find_interface(int fd, struct ifreq *request);

/*
 * An interface's number in an address: of the families that have one there, can and packet. A name
 * beside an address whose number is 0 is that of the namespace where the socket lives, which the
 * socket itself is asked for; ret then gets the address with the number in it.
 *
 * Returns 0; -EINVAL the address has no place for a number, or has one already, or the name is
 * none; what ioctl(2) said of the name (-ENODEV).
 */
bool address_has_interface(int domain);
int address_interface(const void *address, size_t size, int *ret);
int address_set_interface(int fd, const void *address, size_t size, const void *name,
	size_t name_size, struct sockaddr_storage *ret);
/* The address of a bind or connect step, as it is to be used on the socket: the step's own, or
 * where it names an interface, one with the number in *storage. */
struct wire_step;
int address_of_step(int fd, const struct wire_step *step, struct sockaddr_storage *storage,
	const struct sockaddr **ret);

/*
 * A network prefix of inet or inet6: "10.0.0.0/8", "::1", "*" (every address of both families:
 * family 0). Bits behind the prefix are ignored. An IPv4-mapped address (::ffff:10.0.0.1) is an
 * IPv4 address, here as to the kernel: it is in 10.0.0.0/8 and not in ::/0; so is a mapped prefix
 * an IPv4 prefix.
 */
struct address_prefix {
	int domain;
	unsigned char bytes[16];
	unsigned bits;
};
int address_prefix_parse(const char *text, struct address_prefix *ret);
_Bool address_prefix_contains(
	const struct address_prefix *prefix, const void *address, size_t size);

#endif
