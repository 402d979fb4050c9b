#!/usr/bin/env python3
"""An unprivileged program with Bluetooth sockets: by the C library's calls (which the preload stands in
for), or by libsockd's requests. Each command prints what it saw; the exit status is 1 for an errno."""

import ctypes
import errno
import os
import select
import socket
import struct
import sys
import time

BLUETOOTH, L2CAP, HCI, SCO, RFCOMM = 31, 0, 1, 2, 3
RAW, USER, MONITOR, CONTROL, LOGGING = range(5)
NONE = 0xFFFF
WIDE = struct.pack("=IIIHH", 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0)
PLAIN = struct.pack("=IIIHH", 0x10, 0x1000D9FE, 0x0000B00C, 0, 0)
libc = ctypes.CDLL(None, use_errno=True)


def bar():
    """As RestrictAddressFamilies= does: no socket but AF_UNIX."""
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p

    class Compare(ctypes.Structure):
        _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]

    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(0x7FFF0000)))
    number = seccomp.seccomp_syscall_resolve_name(b"socket")
    refuse = ctypes.c_uint32(0x00050000 | errno.EAFNOSUPPORT)
    assert seccomp.seccomp_rule_add_array(context, refuse, number, 1, ctypes.byref(Compare(0, 1, 1, 0))) == 0
    assert seccomp.seccomp_load(context) == 0


def check(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def opened(kind, protocol):
    return socket.socket(BLUETOOTH, kind, protocol, check(libc.socket(BLUETOOTH, kind | socket.SOCK_CLOEXEC, protocol)))


def call(name, sock, address):
    check(getattr(libc, name)(sock.fileno(), address, len(address)))


def device(text):
    return bytes(6) if text == "any" else bytes(reversed(bytes.fromhex(text.replace(":", ""))))


def hci(dev, channel):
    return struct.pack("=HHH", BLUETOOTH, dev, channel)


def l2cap(address, psm, kind=0, cid=0):
    return struct.pack("=H", BLUETOOTH) + struct.pack("<H6sHBx", psm, device(address), cid, kind)


def rfcomm(address, channel):
    return struct.pack("=H6sBx", BLUETOOTH, device(address), channel)


def accept(server):
    fd, _ = server._accept()
    return socket.socket(BLUETOOTH, server.type, server.proto, fd)


def command(opcode, parameters=b""):
    return struct.pack("<BHB", 1, opcode, len(parameters)) + parameters


def packets(sock, seconds):
    """The kinds of packets that arrive, with the event's number where it is one."""
    seen, until = set(), time.monotonic() + seconds
    while select.select([sock], [], [], max(0, until - time.monotonic()))[0]:
        data = sock.recv(4096)
        seen.add("event-%02x" % data[1] if data[0] == 4 else {1: "command", 2: "acl", 3: "sco"}.get(data[0], "?"))
    return seen


def setopt(sock, level, name, value):
    check(libc.setsockopt(sock.fileno(), level, name, value, len(value)))


class Request:
    """libsockd's request."""

    library = ctypes.CDLL(os.environ["LIBSOCKD"], use_errno=True) if "LIBSOCKD" in os.environ else None

    def __init__(self, kind, protocol, netns="broker"):
        self.library.sockd_request_new.restype = ctypes.c_void_p
        self.library.sockd_reason.restype = ctypes.c_char_p
        self.kind, self.protocol = kind, protocol
        self.it = ctypes.c_void_p(self.library.sockd_request_new(BLUETOOTH, kind | socket.SOCK_CLOEXEC, protocol))
        check(self.library.sockd_request_netns(self.it, netns.encode() if netns else None))

    def bind(self, address):
        check(self.library.sockd_request_bind(self.it, address, len(address)))
        return self

    def option(self, level, name, value):
        check(self.library.sockd_request_setsockopt(self.it, level, name, value, len(value)))
        return self

    def send(self, data):
        check(self.library.sockd_request_sendto(self.it, data, len(data), 0, None, 0))
        return self

    def listen(self):
        check(self.library.sockd_request_listen(self.it, 1))
        return self

    def open(self):
        fd = self.library.sockd_request_open(self.it)
        if fd < 0:
            number, reason = ctypes.get_errno(), self.library.sockd_reason()
            print("because:", (reason or b"").decode())
            raise OSError(number, os.strerror(number))
        return socket.socket(BLUETOOTH, self.kind, self.protocol, fd)


def serve(sock, ready):
    """Takes one connection and gives back what comes, in capitals."""
    check(libc.listen(sock.fileno(), 1))
    open(ready, "w").close()
    sock.settimeout(60)
    peer = accept(sock)
    peer.settimeout(60)
    peer.sendall(peer.recv(100).upper())
    peer.recv(100)


def talk(sock, address):
    # Until the other side has been found.
    call("connect", sock, address)
    sock.settimeout(60)
    sock.sendall(b"from one controller to the other")
    print("heard:", sock.recv(100).decode())


def serve_l2cap(address, psm, kind, ready):
    sock = opened(socket.SOCK_SEQPACKET, L2CAP)
    call("bind", sock, l2cap(address, int(psm, 0), int(kind)))
    serve(sock, ready)


def talk_l2cap(own, address, psm, kind):
    sock = opened(socket.SOCK_SEQPACKET, L2CAP)
    call("bind", sock, l2cap(own, 0, int(kind)))
    talk(sock, l2cap(address, int(psm, 0), int(kind)))


def serve_rfcomm(address, channel, ready):
    sock = opened(socket.SOCK_STREAM, RFCOMM)
    call("bind", sock, rfcomm(address, int(channel)))
    serve(sock, ready)


def talk_rfcomm(own, address, channel):
    sock = opened(socket.SOCK_STREAM, RFCOMM)
    call("bind", sock, rfcomm(own, 0))
    talk(sock, rfcomm(address, int(channel)))


def bind_l2cap(psm, kind="0", cid="0"):
    sock = opened(socket.SOCK_SEQPACKET, L2CAP)
    call("bind", sock, l2cap("any", int(psm, 0), int(kind), int(cid)))
    print("bound")


def stays(address, psm, *listens):
    """Where the kernel has it after a connect to another service number that fails at once: to the own address."""
    bound = Request(socket.SOCK_SEQPACKET, L2CAP).bind(l2cap(address, int(psm, 0)))
    sock = (bound.listen() if listens else bound).open()
    elsewhere, name = l2cap(address, 1), ctypes.create_string_buffer(32)
    number = {"x86_64": 42, "aarch64": 203}[os.uname().machine]  # the kernel's connect, without the preload
    error = libc.syscall(number, sock.fileno(), elsewhere, len(elsewhere)) and ctypes.get_errno()
    check(libc.getsockname(sock.fileno(), name, ctypes.byref(ctypes.c_uint(32))))
    print("connect", errno.errorcode.get(error, error), "service number %#x" % struct.unpack("<H", name[2:4])[0])


def bind_hci(dev, channel):
    sock = opened(socket.SOCK_RAW, HCI)
    call("bind", sock, hci(int(dev, 0), int(channel)))
    print("bound")


def sco():
    sock = opened(socket.SOCK_SEQPACKET, SCO)
    call("bind", sock, struct.pack("=H6s", BLUETOOTH, bytes(6)))
    print("bound", check(libc.listen(sock.fileno(), 1)))


def names(*protocols):
    for number in protocols:
        try:
            opened(socket.SOCK_RAW if int(number) in (1, 4, 5, 6) else socket.SOCK_STREAM, int(number)).close()
            print("protocol", number, "opens")
        except OSError as error:
            print("protocol", number, errno.errorcode[error.errno])


def trusted():
    sock = opened(socket.SOCK_RAW, HCI)
    call("bind", sock, hci(NONE, CONTROL))
    print_trust(sock)


def print_trust(sock):
    """Setting a name needs a trusted control channel; status 0x14 is Permission Denied."""
    sock.settimeout(20)
    sock.send(struct.pack("<HHH", 0x000F, 0, 260) + b"sockd".ljust(260, b"\0"))
    while True:
        event, _, _ = struct.unpack("<HHH", (data := sock.recv(4096))[:6])
        if event in (1, 2) and struct.unpack("<H", data[6:8])[0] == 0x000F:
            print("status", data[8])
            return


def hear(dev, wide, ready):
    """Two sockets on one controller, one with a filter that only the broker can set."""
    plain = Request(socket.SOCK_RAW, HCI).option(0, 2, PLAIN).bind(hci(int(dev), RAW)).open()
    other = Request(socket.SOCK_RAW, HCI).option(0, 2, bytes.fromhex(wide)).bind(hci(int(dev), RAW)).open()
    print("filter:", other.getsockopt(0, 2, 16).hex())
    open(ready, "w").close()
    time.sleep(6)
    print("plain:", *sorted(packets(plain, 0.5)))
    print("wide:", *sorted(packets(other, 0.5)))
    # The holder can make it narrower, never wider again.
    number = {"x86_64": 54, "aarch64": 208}[os.uname().machine]  # the kernel's setsockopt, without the preload
    check(libc.syscall(number, other.fileno(), 0, 2, WIDE, len(WIDE)))
    print("own:", other.getsockopt(0, 2, 16)[:12].hex())


def send(dev, *hexadecimal):
    """A command as part of the request; the answer comes to the socket."""
    data = bytes.fromhex("".join(hexadecimal))
    sock = Request(socket.SOCK_RAW, HCI).option(0, 2, PLAIN).bind(hci(int(dev), RAW)).send(data).open()
    sock.settimeout(20)
    print("event:", sock.recv(300).hex())


def own_send(dev, *hexadecimal):
    """The same on a socket of one's own, by send(2)."""
    data = bytes.fromhex("".join(hexadecimal))
    sock = opened(socket.SOCK_RAW, HCI)
    call("bind", sock, hci(int(dev), RAW))
    setopt(sock, 0, 2, PLAIN)
    check(libc.send(sock.fileno(), data, len(data), 0))
    sock.settimeout(20)
    print("event:", sock.recv(300).hex())


def own_filter(dev, wide=WIDE.hex()):
    sock = opened(socket.SOCK_RAW, HCI)
    call("bind", sock, hci(int(dev), RAW))
    setopt(sock, 0, 2, bytes.fromhex(wide))
    print("filter:", sock.getsockopt(0, 2, 16)[:12].hex())


def user(dev):
    sock = opened(socket.SOCK_RAW, HCI)
    call("bind", sock, hci(int(dev), USER))
    sock.send(command(0x0C03))
    sock.settimeout(20)
    print("event:", sock.recv(300).hex())


def request(kind, protocol, text, netns="broker"):
    """Bytes as they are, for an address of the wrong kind."""
    Request(int(kind), int(protocol), netns).bind(bytes.fromhex(text)).open()
    print("opened")


def unplugged(dev, ready, gone, other):
    sock = Request(socket.SOCK_RAW, HCI).option(0, 2, WIDE).bind(hci(int(dev), RAW)).open()
    open(ready, "w").close()
    while not os.path.exists(gone):
        time.sleep(0.1)
    for attempt in range(2):
        try:
            sock.send(command(0x1009))
            print("sent")
        except OSError as error:
            print("send:", errno.errorcode[error.errno])
    try:
        call("bind", sock, hci(int(other), RAW))
        print("bound again:", sock.getsockopt(0, 2, 16)[:12].hex())
    except OSError as error:
        print("bind:", errno.errorcode[error.errno])


def moved_on(dev, channel, ready, gone, again):
    """What is bound to a controller is bound to the control channel when that is unplugged."""
    sock = Request(socket.SOCK_RAW, HCI).bind(hci(int(dev), int(channel))).open()
    open(ready, "w").close()
    while not os.path.exists(gone):
        time.sleep(0.1)
    sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # of the unplugging
    number = {"x86_64": 49, "aarch64": 200}[os.uname().machine]  # the kernel's bind, without the preload
    check(libc.syscall(number, sock.fileno(), hci(NONE, CONTROL), 6))
    while not os.path.exists(again):
        time.sleep(0.1)
    print_trust(sock)


def prepare(*indexes):
    """As root: powers controllers by the management interface, connectable and with LE; the last advertises.
    A new controller is an invalid index until the kernel has set it up."""
    sock = opened(socket.SOCK_RAW, HCI)
    call("bind", sock, hci(NONE, CONTROL))

    def manage(index, opcode, parameters):
        sock.send(struct.pack("<HHH", opcode, index, len(parameters)) + parameters)
        while True:
            data = sock.recv(4096)
            event, where, _ = struct.unpack("<HHH", data[:6])
            if event in (1, 2) and where == index and struct.unpack("<H", data[6:8])[0] == opcode:
                return data[8]

    for index in map(int, indexes):
        until = time.monotonic() + 20
        while manage(index, 0x0005, b"\1") != 0:
            if time.monotonic() > until:
                raise OSError(errno.ETIMEDOUT, "the controller was not set up")
            time.sleep(0.2)
        for opcode in (0x0007, 0x000D) + ((0x0029,) if index == int(indexes[-1]) else ()):
            print("controller", index, "command %#x" % opcode, "status", manage(index, opcode, b"\1"))


def run(name, *arguments):
    try:
        globals()[name.replace("-", "_")](*arguments)
    except OSError as error:
        print("failed:", errno.errorcode.get(error.errno, error))
        return 1
    return 0


def main():
    """Several commands stand between "+"; what each prints then has its number before it."""
    commands = [[]]
    for word in sys.argv[1:]:
        if word == "+":
            commands.append([])
        else:
            commands[-1].append(word)
    if os.environ.get("BARRED"):
        bar()
    if len(commands) == 1:
        return run(*commands[0])
    plainly = __builtins__.print
    for number, words in enumerate(commands, 1):
        globals()["print"] = lambda *values: plainly(f"{number}:", *values)
        run(*words)
    return 0


if __name__ == "__main__":
    sys.exit(main())
