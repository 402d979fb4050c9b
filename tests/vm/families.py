"""What a client does with a socket of each family. families.py NAME [ARGUMENT] does what NAME says and ends with "NAME
works"; families.py has NAME tells whether the kernel has it."""

import ctypes
import errno
import hashlib
import hmac
import mmap
import os
import socket
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)

# domain, type, protocol
KINDS = {
    "tipc": (30, socket.SOCK_RDM, 0),
    "rds": (21, socket.SOCK_SEQPACKET, 0),
    "sctp": (socket.AF_INET, socket.SOCK_STREAM, 132),
    "dccp": (socket.AF_INET, 6, 33),
    "udplite": (socket.AF_INET, socket.SOCK_DGRAM, 136),
    "alg": (38, socket.SOCK_SEQPACKET, 0),
    "qipcrtr": (42, socket.SOCK_DGRAM, 0),
    "xdp": (44, socket.SOCK_RAW, 0),
    "key": (15, socket.SOCK_RAW, 2),
    "smc": (43, socket.SOCK_STREAM, 0),
    "vsock": (40, socket.SOCK_STREAM, 0),
}


def opened(*arguments):
    try:
        return socket.socket(*arguments)
    except OSError as e:
        sys.exit(f"socket{arguments}: {e}")


def kind(name):
    return opened(*KINDS[name])


def fails(error, function, *arguments):
    try:
        function(*arguments)
    except OSError as e:
        assert e.errno == error, f"{e} instead of {errno.errorcode[error]}"
        return
    raise AssertionError(f"no {errno.errorcode[error]}")


def tipc():
    server, client = kind("tipc"), kind("tipc")
    server.bind((1, 18888, 100, 200, 3))  # a range of the node's scope
    client.sendto(b"to an instance", (2, 18888, 150, 0, 3))
    data, sender = server.recvfrom(100)
    assert data == b"to an instance"
    server.sendto(b"back", sender)
    assert client.recv(100) == b"back"
    listener = socket.socket(30, socket.SOCK_SEQPACKET)
    listener.bind((2, 18889, 1, 0, 3))
    listener.listen()
    caller = socket.socket(30, socket.SOCK_SEQPACKET)
    caller.setblocking(False)
    try:
        caller.connect((2, 18889, 1, 0, 3))
    except BlockingIOError:
        pass
    accepted, _ = listener.accept()
    accepted.send(b"connected")
    caller.setblocking(True)
    assert caller.recv(100) == b"connected"
    fails(errno.EACCES, server.bind, (2, 10, 1, 0, 3))  # reserved for everybody


def rds():
    a, b = kind("rds"), kind("rds")
    a.bind(("127.0.0.1", 4100))
    b.bind(("127.0.0.1", 4101))
    a.sendto(b"datagram", ("127.0.0.1", 4101))
    assert b.recvfrom(100) == (b"datagram", ("127.0.0.1", 4100))


def rds_held():
    """Descriptor 3 was bound by the broker and stays so."""
    s = socket.socket(fileno=3)
    assert s.getsockname() == ("127.0.0.1", 4000), s.getsockname()
    fails(errno.EINVAL, s.bind, ("127.0.0.1", 5000))
    s.sendto(b"to myself", ("127.0.0.1", 4000))
    assert s.recv(100) == b"to myself"


def stream(listener, caller, address):
    listener.listen()
    caller.connect(address)
    accepted, _ = listener.accept()
    caller.sendall(b"there")
    assert accepted.recv(100) == b"there"
    accepted.sendall(b"and back")
    assert caller.recv(100) == b"and back"


def sctp():
    listener = kind("sctp")
    listener.bind(("127.0.0.1", 5000))
    fails(errno.EINVAL, bindx, listener, "10.99.0.1", 5010)
    bindx(listener, "10.99.0.1", 5000)  # which is why a rule cannot limit the addresses
    stream(listener, kind("sctp"), ("10.99.0.1", 5000))
    a, b = (socket.socket(socket.AF_INET, socket.SOCK_SEQPACKET, 132) for _ in range(2))
    a.bind(("127.0.0.1", 5001))
    a.listen()
    b.sendto(b"one to many", ("127.0.0.1", 5001))
    data, sender = a.recvfrom(100)
    assert data == b"one to many"
    a.sendto(b"answer", sender)
    assert b.recv(100) == b"answer"


def bindx(s, address, port):
    value = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, socket.inet_aton(address))
    s.setsockopt(132, 100, value)


def sctp_held():
    """Bound to 127.0.0.1:80 by the broker: no other port, and a privileged one on no other address."""
    s = socket.socket(fileno=3)
    assert s.getsockname() == ("127.0.0.1", 80)
    fails(errno.EINVAL, bindx, s, "10.99.0.1", 81)
    fails(errno.EINVAL, bindx, s, "10.99.0.1", 5000)
    fails(errno.EACCES, bindx, s, "10.99.0.1", 80)
    fails(errno.EINVAL, s.bind, ("127.0.0.1", 81))
    stream(s, kind("sctp"), ("127.0.0.1", 80))


def dccp():
    listener, caller = kind("dccp"), kind("dccp")
    for s in listener, caller:
        s.setsockopt(269, 2, struct.pack("!I", 42))  # the service code
    listener.bind(("127.0.0.1", 5002))
    stream(listener, caller, ("127.0.0.1", 5002))


def udplite():
    a, b = kind("udplite"), kind("udplite")
    a.bind(("127.0.0.1", 5003))
    b.setsockopt(136, 10, 8)  # cover the header alone
    b.sendto(b"partly covered", ("127.0.0.1", 5003))
    assert a.recv(100) == b"partly covered"


def alg(path):
    data = open(path, "rb").read()
    s = kind("alg")
    s.bind(("hash", "sha256"))
    operation, _ = s.accept()
    operation.sendall(data)
    digest = operation.recv(32)
    assert digest == hashlib.sha256(data).digest()
    print("sha256", digest.hex())
    s = kind("alg")
    s.bind(("hash", "hmac(sha256)"))
    s.setsockopt(279, 1, b"secret")
    operation, _ = s.accept()
    operation.sendall(data)
    assert operation.recv(32) == hmac.new(b"secret", data, "sha256").digest()


def alg_library(library):
    """By libsockd's call."""
    lib = ctypes.CDLL(library)
    s = socket.socket(*KINDS["alg"], fileno=lib.sockd_socket(*KINDS["alg"]))
    s.bind(("hash", "sha1"))
    operation, _ = s.accept()
    operation.sendall(b"abc")
    assert operation.recv(20) == hashlib.sha1(b"abc").digest()


def qipcrtr():
    a, b = kind("qipcrtr"), kind("qipcrtr")
    node = a.getsockname()[0]
    a.bind((node, 20000))
    b.sendto(b"routed", (node, 20000))
    data, sender = a.recvfrom(100)
    assert data == b"routed" and sender[0] == node
    a.sendto(b"back", sender)
    assert b.recv(100) == b"back"


def qipcrtr_held():
    """Bound by the broker to port 100."""
    s = socket.socket(fileno=3)
    node, port = s.getsockname()
    assert port == 100
    fails(errno.EACCES, s.bind, (node, 101))
    fails(errno.EACCES, s.bind, (node, 0xFFFFFFFE))
    s.bind((node, 20001))


def xdp(interface):
    """Memory of the client's own, bound to a queue; one frame sent."""
    s = kind("xdp")
    n, size = 16, 2048
    umem = mmap.mmap(-1, n * size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    address = ctypes.addressof(ctypes.c_char.from_buffer(umem))
    s.setsockopt(283, 4, struct.pack("=QQIIII", address, n * size, size, 0, 0, 0))
    for ring in 5, 6, 3:  # fill, completion, tx
        s.setsockopt(283, ring, n)
    offsets = struct.unpack("=16Q", s.getsockopt(283, 1, 128))
    producer, consumer, descriptors = offsets[4:7]
    ring = mmap.mmap(s.fileno(), descriptors + n * 16, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE, offset=0x80000000)
    bound = struct.pack("=HHIII", 44, 2, socket.if_nametoindex(interface), 0, 0)  # copy mode
    assert LIBC.bind(s.fileno(), bound, len(bound)) == 0, os.strerror(ctypes.get_errno())
    frame = b"\xff" * 6 + b"\x02\0\0\0\0\1" + b"\x88\xb5" + b"from an xdp socket".ljust(46, b"\0")
    umem[:len(frame)] = frame
    ring[descriptors:descriptors + 16] = struct.pack("=QII", 0, len(frame), 0)
    ring[producer:producer + 4] = struct.pack("=I", 1)
    assert LIBC.sendto(s.fileno(), None, 0, socket.MSG_DONTWAIT, None, 0) == 0, os.strerror(ctypes.get_errno())
    assert struct.unpack("=I", ring[consumer:consumer + 4])[0] == 1
    # For ever.
    assert LIBC.bind(s.fileno(), bound, len(bound)) < 0


def key():
    """Reads the security associations."""
    s = kind("key")
    s.settimeout(5)
    s.send(struct.pack("=BBBBHHII", 2, 10, 0, 0, 2, 0, 1, os.getpid()))
    seen = []
    while True:
        message = s.recv(65536)
        _, _, error, kind_of, _, _, sequence, _ = struct.unpack_from("=BBBBHHII", message)
        assert error == 0, os.strerror(error)
        at, extension = 16, 0
        while at + 8 <= len(message):
            size, extension = struct.unpack_from("=HH", message, at)
            if extension == 1:
                seen.append(struct.unpack_from("!I", message, at + 4)[0])
            at += 8 * max(size, 1)
        if sequence == 0:
            break
    print("associations", *map(hex, seen))


def as_inet(s):
    """Python has no addresses for SMC; they are those of inet."""
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=s.detach())


def smc():
    listener = as_inet(kind("smc"))
    listener.bind(("127.0.0.1", 80))  # by the broker
    fails(errno.EACCES, as_inet(kind("smc")).bind, ("127.0.0.1", 81))
    fails(errno.EINVAL, listener.bind, ("127.0.0.1", 8080))
    stream(listener, as_inet(kind("smc")), ("127.0.0.1", 80))


def vsock():
    listener = kind("vsock")
    listener.bind((1, 5000))
    stream(listener, kind("vsock"), (1, 5000))
    listener = kind("vsock")
    listener.bind((1, 80))  # by the broker
    fails(errno.EACCES, kind("vsock").bind, (1, 81))
    stream(listener, kind("vsock"), (1, 80))


def vsock_held():
    """Bound by the broker to port 80; a connection that comes to nothing does not free it."""
    s = socket.socket(fileno=3)
    assert s.getsockname() == (1, 80)
    fails(errno.EINVAL, s.bind, (1, 5001))
    fails(errno.ECONNRESET, s.connect, (1, 9999))
    fails(errno.EINVAL, s.bind, (1, 5001))
    assert s.getsockname() == (1, 80)


def hold():
    """Keeps what it was given until it is told."""
    print("holding", flush=True)
    sys.stdin.read()


def main():
    name, arguments = sys.argv[1], sys.argv[2:]
    if name == "has":
        kind(arguments[0])
        return
    if name == "open":
        opened(*map(int, arguments))
    else:
        globals()[name.replace("-", "_")](*arguments)
    print(name, "works")


main()
