#!/usr/bin/env python3
"""Addresses by libsockd and by Python, on real sockets.

A socket that Python has bound is asked for its address as bytes, and libsockd's text of these must be what Python's
tuple says; a socket bound with what libsockd makes of a text must have the address that Python gives it.

  addresses.py [FAMILY...]     inet inet6 unix netlink packet vsock alg can bluetooth tipc rds qipcrtr"""

import ctypes
import errno
import hashlib
import os
import socket
import sys
import tempfile

from names_common import CLONE_NEWNET, Tool, finish, libc, run, skip, unshare, verdict

AF_BLUETOOTH, AF_QIPCRTR = 31, 42
VSOCK_ANY = 0xffffffff
CAN_ISOTP, CAN_J1939, CAN_EFF_FLAG = 6, 7, 0x80000000
J1939_NO_NAME, J1939_NO_PGN, J1939_NO_ADDR = 0, 0x40000, 0xff
PACKET_TYPES = ["host", "broadcast", "multicast", "otherhost", "outgoing"]


def raw_address(call, sock):
    """getsockname(2) and getpeername(2), as bytes."""
    buffer, size = ctypes.create_string_buffer(256), ctypes.c_uint32(256)
    if call(sock.fileno(), buffer, ctypes.byref(size)) < 0:
        raise OSError(ctypes.get_errno(), "getsockname")
    return buffer.raw[:size.value]


def raw_bind(sock, address):
    """bind(2) with these bytes; errno."""
    return 0 if libc.bind(sock.fileno(), address, len(address)) == 0 else ctypes.get_errno()


# What Python's tuples mean as text, written by the manual and not by the library.

def inet_text(address, _):
    return ("*" if address[0] == "0.0.0.0" else address[0]) + (f":{address[1]}" if address[1] else "")


def inet6_text(address, _):
    host, port, flow, scope = address
    host = host.split("%")[0]
    host = "*" if host == "::" and not scope else host
    inside = host + (f"%{scope}" if scope else "")
    text = f"[{inside}]" if host == "*" or port or flow else inside
    return text + (f":{port}" if port else "") + (f"/flow={flow}" if flow else "")


def unix_text(address, _):
    address = os.fsencode(address)
    if not address:
        return '""'
    abstract = address.startswith(b"\0")
    text = "@" if abstract else ""
    for i, byte in enumerate(address[1:] if abstract else address):
        odd = not 0x20 < byte < 0x7f or byte in b'"\\'
        misleads = not abstract and i == 0 and (byte == 0x40 or address.startswith(b"raw:"))
        text += f"\\x{byte:02x}" if odd or misleads else chr(byte)
    return text


def netlink_text(address, _):
    return f"{address[0]}:{address[1]:#x}"


def packet_text(address, _):
    name, protocol, kind, hardware_type, hardware = address
    text = str(socket.if_nametoindex(name) if name else 0)
    if protocol or hardware:
        names = {0: "none", 3: "all", 0x0800: "ip", 0x0806: "arp", 0x86dd: "ipv6", 0x88cc: "lldp"}
        text += "/" + names.get(protocol, f"0x{protocol:04x}")
    if hardware:
        text += "/" + ":".join(f"{b:02x}" for b in hardware)
    text += f"/hatype={hardware_type}" if hardware_type else ""
    if kind:
        text += "/pkttype=" + (PACKET_TYPES[kind] if kind < len(PACKET_TYPES) else str(kind))
    return text


def vsock_text(address, _):
    cid, port = ("any" if n == VSOCK_ANY else str(n) for n in address)
    return f"{cid}:{port}"


def identifier(number):
    return f"0x{number & 0x1fffffff:08x}" if number & CAN_EFF_FLAG else f"0x{number:03x}"


def can_text(address, protocol):
    text = str(socket.if_nametoindex(address[0]) if address[0] else 0)
    if protocol == CAN_ISOTP:
        return text + f"/rx={identifier(address[1])}/tx={identifier(address[2])}"
    if protocol == CAN_J1939:
        _, name, pgn, addr = address
        text += f"/name={name:#x}" if name else ""
        text += f"/pgn=0x{pgn:05x}" if pgn != J1939_NO_PGN else ""
        text += f"/addr=0x{addr:02x}" if addr != J1939_NO_ADDR else ""
    return text


def bluetooth_text(address, protocol):
    def device(text):
        return "any" if text == "00:00:00:00:00:00" else text.lower()

    if protocol == socket.BTPROTO_HCI:
        number = address[0] if isinstance(address, tuple) else address
        return "hci:" + (f"hci{number}" if number != 0xffff else "none") + "/raw"
    if protocol == socket.BTPROTO_L2CAP:
        # Since 3.14 the channel's identifier and the address's type may follow.
        cid, kind = (*address[2:], 0, 0)[:2]
        text = f"l2cap:{device(address[0])}" + (f"/psm=0x{address[1]:04x}" if address[1] else "")
        return text + (f"/cid=0x{cid:04x}" if cid else "") + ("", "/le", "/le-random")[kind]
    if protocol == socket.BTPROTO_RFCOMM:
        return f"rfcomm:{device(address[0])}/{address[1]}"
    return f"sco:{device(address.decode() if isinstance(address, bytes) else address)}"


def tipc_text(address, _):
    kind, first, second, third, scope = address
    scopes = {socket.TIPC_ZONE_SCOPE: "/zone", socket.TIPC_CLUSTER_SCOPE: "", socket.TIPC_NODE_SCOPE: "/node"}
    suffix = scopes.get(scope, f"/{scope}")
    if kind == socket.TIPC_ADDR_NAMESEQ:
        return f"range:{first}:{second}-{third}{suffix}"
    if kind == socket.TIPC_ADDR_NAME:
        return f"service:{first}:{second}{suffix}"
    return f"socket:{first}:{second}{suffix}"


def qipcrtr_text(address, _):
    node, port = ("any" if address[0] == 0xffffffff else str(address[0]),
                  "control" if address[1] == 0xfffffffe else str(address[1]))
    return f"{node}:{port}"


class Family:
    def __init__(self, name, family, kind, protocol, text, tool, as_said=False):
        self.name, self.family, self.kind, self.protocol = name, family, kind, protocol
        self.text, self.tool, self.as_said = text, tool, as_said
        self.wrong, self.compared = [], 0

    def socket(self):
        return socket.socket(self.family, self.kind, self.protocol)

    def same(self, what, ours, theirs):
        self.compared += 1
        if ours != theirs:
            self.wrong.append(f"{what}: {ours!r} by libsockd, {theirs!r} by Python")

    def bound(self, sock, what):
        """The bytes of this socket's address as libsockd's text, against Python's tuple."""
        raw = raw_address(libc.getsockname, sock)
        text = self.tool.format(raw)
        self.same(what, text, self.text(sock.getsockname(), self.protocol))
        again = self.tool.parse(self.family, text)
        self.same(f"{what}, there and back", self.tool.format(again) if isinstance(again, bytes) else again, text)

    def bind(self, address, *texts, fresh=lambda: None):
        """Python binds to address, libsockd to each of the texts: all get the same."""
        with self.socket() as sock:
            try:
                sock.bind(address)
                error, expected = 0, sock.getsockname()
                self.bound(sock, address)
            except OSError as e:
                error, expected = e.errno, None
        for text in texts:
            fresh()
            raw = self.tool.parse(self.family, text)
            if not isinstance(raw, bytes):
                self.same(f"bind {text!r}", raw, errno.errorcode.get(error, error))
                continue
            with self.socket() as sock:
                self.same(f"bind {text!r}", raw_bind(sock, raw), error)
                if error == 0:
                    self.same(f"bind {text!r}, then", sock.getsockname(), expected)
        fresh()

    def refused(self, address, text, number):
        """Neither takes it. Python's may be an exception that it raises by itself."""
        with self.socket() as sock:
            try:
                sock.bind(address)
                theirs = "taken"
            except OSError as e:
                theirs = errno.errorcode.get(e.errno, "EINVAL")
            except (OverflowError, TypeError, ValueError):
                theirs = "EINVAL"
        self.same(f"refused {text!r} with {number}", number, theirs)
        self.same(f"refused {text!r} with {number}", self.tool.parse(self.family, text), number)

    def end(self):
        verdict(f"{self.name} ({self.compared} comparisons)", self.wrong)


def inet(tool):
    f = Family("inet", socket.AF_INET, socket.SOCK_DGRAM, 0, inet_text, tool)
    f.bind(("127.0.0.1", 4711), "127.0.0.1:4711", "127.0.0.1:0x1267")
    f.bind(("", 4712), ":4712", "*:4712", "0.0.0.0:4712")
    f.bind(("<broadcast>", 4713), "<broadcast>:4713", "255.255.255.255:4713")
    f.bind(("127.255.0.9", 65535), "127.255.0.9:65535")
    f.bind(("192.0.2.1", 80), "192.0.2.1:80")
    f.refused(("127.0.0.1", 65536), "127.0.0.1:65536", "EINVAL")
    f.refused(("127.0.0.1", -1), "127.0.0.1:-1", "EINVAL")
    with f.socket() as one:
        f.bound(one, "unbound")
        one.bind(("", 0))
        f.bound(one, "any port")
    f.end()


def inet6(tool):
    f = Family("inet6", socket.AF_INET6, socket.SOCK_DGRAM, 0, inet6_text, tool)
    run("ip", "link", "add", "names0", "type", "veth", "peer", "name", "names1")
    run("ip", "address", "add", "fe80::5/64", "dev", "names0", "nodad")
    run("ip", "link", "set", "names1", "up")
    run("ip", "link", "set", "names0", "up")
    index = socket.if_nametoindex("names0")
    f.bind(("::1", 4711), "[::1]:4711", "[0:0::1]:4711")
    f.bind(("", 4712), "[]:4712", "[*]:4712", "[::]:4712")
    f.bind(("fe80::5", 4713, 0, index), f"[fe80::5%{index}]:4713", "[fe80::5%names0]:4713")
    f.bind(("fe80::5", 4715), "[fe80::5]:4715")
    f.bind(("::ffff:127.0.0.1", 4716), "[::ffff:127.0.0.1]:4716")
    f.refused(("::1", 65536), "[::1]:65536", "EINVAL")
    with f.socket() as one:
        f.bound(one, "unbound")
    f.end()


def unix(tool):
    f = Family("unix", socket.AF_UNIX, socket.SOCK_STREAM, 0, unix_text, tool)
    with tempfile.TemporaryDirectory(prefix="sockd-names-") as directory:
        os.chdir(directory)

        def clean():
            for name in os.listdir(b"."):
                os.unlink(name)

        for name, *texts in ((b"plain", "plain", "\\x70lain"), (b"raw:0100", "\\x72aw:0100"), (b"@at", "\\x40at"),
                             (b'"', "\\x22"), (b"with blank", "with blank", "with\\x20blank"),
                             (b"\\x41", "\\x5cx41"), ("ü".encode() + b"\xff", "\\xc3\\xbc\\xff"),
                             (b"x" * 107, "x" * 107)):
            clean()
            f.bind(name, *texts, fresh=clean)
        # Python takes no path of 108 bytes, the kernel does, and Python reads it back.
        longest = b"y" * 108
        with f.socket() as sock:
            f.same("108 bytes", raw_bind(sock, tool.parse(f.family, longest)), 0)
            f.same("108 bytes", os.fsencode(sock.getsockname())[:108], longest)
            f.same("108 bytes", tool.format(raw_address(libc.getsockname, sock)), longest.decode())
        os.chdir("/")
    for name, *texts in ((b"\0plain", "@plain"), (b"\0a\0b\0", "@a\\x00b\\x00"), (b"\0\xff raw:", "@\\xff\\x20raw:"),
                         (b"\0" + b"z" * 107, "@" + "z" * 107)):
        f.bind(name, *texts)
    f.refused(b"x" * 109, "x" * 109, "EINVAL")
    f.refused(b"\0" + b"x" * 108, "@" + "x" * 108, "EINVAL")
    with f.socket() as one:
        f.bound(one, "unbound")
        f.same("autobind", raw_bind(one, tool.parse(f.family, "")), 0)
        f.bound(one, "autobind")
    f.end()


def netlink(tool):
    f = Family("netlink", socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE, netlink_text, tool)
    f.bind((4711, 1), "4711:0x1", "0x1267:1")
    f.bind((0xfffffff0, 0x40000000), "4294967280:0x40000000")
    with f.socket() as one:
        f.bound(one, "unbound")
        one.bind((0, 0))
        f.bound(one, "autobind")
    f.end()


def packet(tool):
    f = Family("packet", socket.AF_PACKET, socket.SOCK_RAW, 0, packet_text, tool)
    lo = socket.if_nametoindex("lo")
    f.bind(("lo", 0), "lo", f"{lo}", "lo/none")
    f.bind(("lo", 0x0800), "lo/ip", f"{lo}/0x800")
    f.bind(("lo", 0x1234), "lo/0x1234")
    f.bind(("lo", 3), "lo/all")
    f.refused(("absent0", 0), "absent0", "ENODEV")
    f.refused(("lo", 65536), "lo/65536", "EINVAL")
    with f.socket() as one:
        f.bound(one, "unbound")
    # What is received has more to say: on lo each frame is seen twice, going out and coming in.
    with socket.socket(f.family, f.kind, socket.htons(3)) as sock, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        sock.bind(("lo", 3))
        sock.settimeout(10)
        udp.sendto(b"x", ("127.0.0.1", 9))
        seen = set()
        for _ in range(2):
            sock.recvfrom(100, socket.MSG_PEEK)
            buffer, address, size = (ctypes.create_string_buffer(100), ctypes.create_string_buffer(128),
                                     ctypes.c_uint32(128))
            libc.recvfrom(sock.fileno(), buffer, 100, socket.MSG_PEEK, address, ctypes.byref(size))
            theirs = sock.recvfrom(100)[1]
            f.same("received", tool.format(address.raw[:size.value]), packet_text(theirs, 0))
            f.same("received, there and back", tool.parse(f.family, tool.format(address.raw[:size.value])),
                   address.raw[:size.value])
            seen.add(theirs[2])
        f.same("both ways", seen, {socket.PACKET_HOST, socket.PACKET_OUTGOING})
    f.end()


def vsock(tool):
    f = Family("vsock", socket.AF_VSOCK, socket.SOCK_STREAM, 0, vsock_text, tool)
    f.bind((VSOCK_ANY, 4711), "any:4711", "4294967295:4711")
    f.bind((1, 4712), "local:4712", "1:4712")
    f.bind((2, 4713), "host:4713", "2:4713")
    with f.socket() as one:
        f.bound(one, "unbound")
        f.same("any port", raw_bind(one, tool.parse(f.family, "any:any")), 0)
        f.bound(one, "any port")
    f.end()


def alg(tool):
    f = Family("alg", socket.AF_ALG, socket.SOCK_SEQPACKET, 0, None, tool)
    for address, text in ((("hash", "sha256"), "hash/sha256"), (("hash", "no-such-hash"), "hash/no-such-hash"),
                          (("no-such", "sha256"), "no-such/sha256"), (("hash", "sha256", 0, 0), "hash/sha256/0/0"),
                          (("skcipher", "cbc(aes)", 0, 0x40), "skcipher/cbc(aes)/0/0x40")):
        with f.socket() as sock:
            try:
                sock.bind(address)
                error = 0
            except OSError as e:
                error = e.errno
        with f.socket() as sock:
            f.same(text, raw_bind(sock, tool.parse(f.family, text)), error)
            if text == "hash/sha256" and error == 0:
                operation = sock.accept()[0]
                operation.sendall(b"abc")
                f.same("its hash", operation.recv(32), hashlib.sha256(b"abc").digest())
                operation.close()
    f.end()


def can(tool):
    run("ip", "link", "add", "vcan0", "type", "vcan")
    run("ip", "link", "set", "vcan0", "up")
    index = socket.if_nametoindex("vcan0")
    f = Family("can raw", socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW, can_text, tool)
    f.bind(("vcan0",), "vcan0", str(index))
    f.bind(("",), "", "0")
    f.refused(("absent0",), "absent0", "ENODEV")
    with f.socket() as one:
        f.bound(one, "unbound")
    f.end()
    f = Family("can isotp", socket.AF_CAN, socket.SOCK_DGRAM, CAN_ISOTP, can_text, tool)
    f.bind(("vcan0", 0x123, 0x456), "vcan0/rx=0x123/tx=0x456", f"{index}/tx=0x456/rx=0x123")
    f.bind(("vcan0", CAN_EFF_FLAG | 0x18da10f1, CAN_EFF_FLAG | 0x18daf110), "vcan0/rx=0x18da10f1/tx=0x18daf110")
    f.bind(("vcan0", 1, 1), "vcan0/rx=1/tx=1")
    f.end()
    f = Family("can j1939", socket.AF_CAN, socket.SOCK_DGRAM, CAN_J1939, can_text, tool)
    f.bind(("vcan0", J1939_NO_NAME, J1939_NO_PGN, 0x20), "vcan0/addr=0x20", f"{index}/addr=32")
    f.bind(("vcan0", 0x1122334455667788, 0x12300, J1939_NO_ADDR), "vcan0/name=0x1122334455667788/pgn=0x12300")
    f.bind(("vcan0", J1939_NO_NAME, 0x12300, 0x30), "vcan0/pgn=0x12300/addr=0x30")
    f.bind(("", J1939_NO_NAME, J1939_NO_PGN, 0x20), "/addr=0x20")
    f.end()


def bluetooth(tool):
    controller = None
    try:
        # A virtual controller: the first packet says what kind it is to be.
        controller = os.open("/dev/vhci", os.O_RDWR)
        os.write(controller, b"\xff\x00")
        number = os.read(controller, 16)[2]
        f = Family("bluetooth hci", AF_BLUETOOTH, socket.SOCK_RAW, socket.BTPROTO_HCI, bluetooth_text, tool)
        f.bind((number,), f"hci:hci{number}/raw", f"hci:hci{number}")
        f.bind((number + 7,), f"hci:hci{number + 7}")
        f.end()
    except OSError as e:
        skip("bluetooth hci", f"the kernel has no virtual controller ({e})")
    f = Family("bluetooth l2cap", AF_BLUETOOTH, socket.SOCK_SEQPACKET, socket.BTPROTO_L2CAP, bluetooth_text, tool)
    f.bind((socket.BDADDR_ANY, 0x1001), "l2cap:any/psm=0x1001", f"l2cap:{socket.BDADDR_ANY}/psm=4097")
    f.bind((socket.BDADDR_ANY, 0), "l2cap:any")
    f.bind((socket.BDADDR_ANY, 0x1002), "l2cap:any/psm=0x1002")
    f.bind((socket.BDADDR_LOCAL, 0x1003), "l2cap:00:00:00:FF:FF:FF/psm=0x1003")
    f.refused(("00:11:22:33:44", 0x1001), "l2cap:00:11:22:33:44/psm=0x1001", "EINVAL")
    f.refused(("zz:11:22:33:44:55", 0x1001), "l2cap:zz:11:22:33:44:55/psm=0x1001", "EINVAL")
    with f.socket() as one:
        # The identifier of a channel and the type of an address, which Python has since 3.14.
        raw = tool.parse(f.family, "l2cap:any/cid=0x0004/le")
        f.same("cid and type", raw_bind(one, raw), 0)
        f.same("cid and type", tool.format(raw_address(libc.getsockname, one)), "l2cap:any/cid=0x0004/le")
    f.end()
    try:
        f = Family("bluetooth rfcomm", AF_BLUETOOTH, socket.SOCK_STREAM, socket.BTPROTO_RFCOMM, bluetooth_text, tool)
        f.socket().close()
        f.bind((socket.BDADDR_ANY, 5), "rfcomm:any/5", "rfcomm:00:00:00:00:00:00/5")
        f.end()
    except OSError as e:
        skip("bluetooth rfcomm", f"the kernel has no RFCOMM ({e})")
    f = Family("bluetooth sco", AF_BLUETOOTH, socket.SOCK_SEQPACKET, socket.BTPROTO_SCO, bluetooth_text, tool)
    f.bind(socket.BDADDR_ANY.encode(), "sco:any", "sco:00:00:00:00:00:00")
    f.end()
    if controller is not None:
        os.close(controller)


def tipc(tool):
    f = Family("tipc", socket.AF_TIPC, socket.SOCK_RDM, 0, tipc_text, tool)
    f.bind((socket.TIPC_ADDR_ID, 0, 0, 0), "socket:0:0")
    # A bind to a range leaves the name of the socket, so what is bound is what can be reached.
    for address, text, target in (
            ((socket.TIPC_ADDR_NAMESEQ, 4711, 10, 20), "range:4711:10-20", "service:4711:15"),
            ((socket.TIPC_ADDR_NAMESEQ, 4712, 1, 1, socket.TIPC_NODE_SCOPE), "range:4712:1-1/node", "service:4712:1/node")):
        for sender in ("Python", "libsockd"):
            with f.socket() as server, f.socket() as client:
                if sender == "Python":
                    f.same(text, raw_bind(server, tool.parse(f.family, text)), 0)
                    client.sendto(b"hello", (socket.TIPC_ADDR_NAME, address[1], address[2], 0))
                else:
                    server.bind(address)
                    raw = tool.parse(f.family, target)
                    f.same(target, libc.sendto(client.fileno(), b"hello", 5, 0, raw, len(raw)), 5)
                server.settimeout(10)
                data, came_from = server.recvfrom(10)
                f.same("the message", data, b"hello")
                f.same("its sender", tool.format(raw_address(libc.getsockname, client)).rsplit("/", 1)[0],
                       tipc_text(came_from, 0).rsplit("/", 1)[0])
                f.bound(server, text)
                f.bound(client, "a client")
    f.end()


def rds(tool):
    f = Family("rds", socket.AF_RDS, socket.SOCK_SEQPACKET, 0, inet_text, tool)
    f.bind(("127.0.0.1", 4000), "127.0.0.1:4000")
    f.end()


def qipcrtr(tool):
    f = Family("qipcrtr", AF_QIPCRTR, socket.SOCK_DGRAM, 0, qipcrtr_text, tool)
    with f.socket() as one:
        f.bound(one, "unbound")
        node = one.getsockname()[0]
    f.bind((node, 20000), f"{node}:20000", f"{node:#x}:0x4e20")
    f.bind((node + 1, 20000), f"{node + 1}:20000")
    f.end()


FAMILIES = {
    "inet": (inet, socket.AF_INET, socket.SOCK_DGRAM, 0),
    "inet6": (inet6, socket.AF_INET6, socket.SOCK_DGRAM, 0),
    "unix": (unix, socket.AF_UNIX, socket.SOCK_STREAM, 0),
    "netlink": (netlink, socket.AF_NETLINK, socket.SOCK_RAW, 0),
    "packet": (packet, socket.AF_PACKET, socket.SOCK_RAW, 0),
    "vsock": (vsock, socket.AF_VSOCK, socket.SOCK_STREAM, 0),
    "alg": (alg, socket.AF_ALG, socket.SOCK_SEQPACKET, 0),
    "can": (can, socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW),
    "bluetooth": (bluetooth, AF_BLUETOOTH, socket.SOCK_SEQPACKET, 0),
    "tipc": (tipc, socket.AF_TIPC, socket.SOCK_RDM, 0),
    "rds": (rds, socket.AF_RDS, socket.SOCK_SEQPACKET, 0),
    "qipcrtr": (qipcrtr, AF_QIPCRTR, socket.SOCK_DGRAM, 0),
}
# Not in every network namespace.
OF_THE_FIRST = ("bluetooth", "qipcrtr")


def main():
    if os.geteuid() != 0:
        print("SKIP: needs root")
        sys.exit(77)
    names = sys.argv[1:] or ["inet", "inet6", "unix", "netlink", "packet", "vsock"]
    tool = Tool()
    apart = False
    for name in sorted(names, key=lambda name: name not in OF_THE_FIRST):
        function, family, kind, protocol = FAMILIES[name]
        if name not in OF_THE_FIRST and not apart:
            unshare(CLONE_NEWNET)
            run("ip", "link", "set", "lo", "up")
            tool.end()
            tool, apart = Tool(), True
        try:
            socket.socket(family, kind, protocol).close()
        except OSError as e:
            skip(name, f"the kernel has no such family ({e})")
            continue
        function(tool)
    tool.end()
    finish()


main()
