# What pair.c does in C with libsockd, in Python with its own module: the same lines come out of both.
import errno
import os
import socket
import struct
import tempfile
import threading

HOST = "127.0.0.1"


def section(name):
    print("--", name)


def error_name(error):
    if isinstance(error, socket.timeout):
        return "ETIMEDOUT"
    if isinstance(error, OSError) and error.errno < 0:  # gaierror, or made of one
        names = {getattr(socket, n): n for n in dir(socket) if n.startswith("EAI_")}
        return names[error.errno]
    if isinstance(error, (ValueError, OverflowError)):
        return "EINVAL"
    return errno.errorcode[error.errno]


def attempt(name, function):
    try:
        result = function()
    except (OSError, ValueError, OverflowError) as error:
        print(name, error_name(error))
    else:
        print(name, result if isinstance(result, (int, str)) else "done")
        if isinstance(result, socket.socket):
            result.close()


def span(timeout):
    return "forever" if timeout is None else "%d" % round(timeout * 1e6)


def timeouts():
    section("timeouts")
    with socket.socket() as s:
        print(span(s.gettimeout()), int(s.getblocking()))
        for timeout in (1.5, 0, 0.5, None, 3):
            s.settimeout(timeout)
            print(span(s.gettimeout()), int(s.getblocking()))
        for flag in (False, True):
            s.setblocking(flag)
            print(span(s.gettimeout()), int(s.getblocking()))
        attempt("negative", lambda: s.settimeout(-2))
        attempt("absurd", lambda: s.settimeout(1e300))
        print(span(s.gettimeout()))


def defaults():
    section("defaults")
    print(span(socket.getdefaulttimeout()))
    for timeout in (2.5, 0, None):
        socket.setdefaulttimeout(timeout)
        print("default", span(socket.getdefaulttimeout()))
        with socket.socket() as s:
            print("socket", span(s.gettimeout()))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as s:
            print("non-blocking socket", span(s.gettimeout()))
        a, b = socket.socketpair()
        print("pair", span(a.gettimeout()), span(b.gettimeout()))
        with socket.create_server((HOST, 0)) as server:
            print("server", span(server.gettimeout()))
            server.settimeout(5)
            with socket.create_connection(server.getsockname(), 4) as c:
                print("connection", span(c.gettimeout()))
                accepted, _ = server.accept()
                print("accepted", span(accepted.gettimeout()))
                accepted.close()
            if timeout != 0:
                with socket.create_connection(server.getsockname()) as c:
                    print("connection by default", span(c.gettimeout()))
        a.close()
        b.close()
    attempt("negative", lambda: socket.setdefaulttimeout(-2))


def inheritance():
    section("inheritance")
    server = socket.create_server((HOST, 0))
    client = socket.create_connection(server.getsockname())
    accepted, _ = server.accept()
    copy = socket.fromfd(client.fileno(), socket.AF_INET, socket.SOCK_STREAM)
    a, b = socket.socketpair()
    for s in (server, client, accepted, copy, a, b):
        print(int(s.get_inheritable()))
        s.set_inheritable(True)
        print(int(s.get_inheritable()), int(os.get_inheritable(s.fileno())))
        s.set_inheritable(False)
        print(int(s.get_inheritable()))
    number = copy.detach()
    print("detached", copy.fileno(), number >= 0)
    os.close(number)
    for s in (server, client, accepted, a, b):
        s.close()
    with tempfile.TemporaryFile() as file:
        attempt("no socket", lambda: socket.fromfd(file.fileno(), socket.AF_INET, socket.SOCK_STREAM))
    attempt("closed", lambda: socket.fromfd(9999, socket.AF_INET, socket.SOCK_STREAM))


def transfer():
    section("transfer")
    server = socket.create_server((HOST, 0))
    client = socket.socket()
    print("connect", client.connect_ex(server.getsockname()))
    accepted, address = server.accept()
    print("address", address == client.getsockname())
    print("sent", client.send(b"some words"))
    print("received", accepted.recv(4).decode())
    print("peeked", accepted.recv(100, socket.MSG_PEEK).decode())
    print("received", accepted.recv(100).decode())
    accepted.settimeout(0.1)
    attempt("timed out", lambda: accepted.recv(1))
    accepted.setblocking(False)
    attempt("at once", lambda: accepted.recv(1))
    accepted.setblocking(True)
    total = []

    def read_all():
        n = 0
        while data := accepted.recv(65536):
            n += len(data)
        total.append(n)

    reader = threading.Thread(target=read_all)
    reader.start()
    attempt("all", lambda: client.sendall(bytes(5000000)))
    client.shutdown(socket.SHUT_WR)
    reader.join()
    print("total", total[0])
    print("nothing more", len(accepted.recv(10)))
    attempt("after shutdown", lambda: client.send(b"x"))
    attempt("sendall after shutdown", lambda: client.sendall(b"x"))
    for s in (server, client, accepted):
        s.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two:
            one.bind((HOST, 0))
            two.bind((HOST, 0))
            one.settimeout(1)
            print("sent", two.sendto(b"datagram", one.getsockname()))
            data, address = one.recvfrom(100)
            print("received", data.decode(), address == two.getsockname())
            print("sent", two.sendto(b"", one.getsockname()))
            print("received", len(one.recvfrom(100)[0]))
            print("sent", two.sendto(b"datagram", one.getsockname()))
            data, _, flags, address = one.recvmsg(4)
            print("cut off", data.decode(), bool(flags & socket.MSG_TRUNC), address == two.getsockname())
            one.settimeout(0.05)
            attempt("none", lambda: one.recvfrom(1))
            attempt("no address", lambda: one.send(b"x"))


def connecting():
    section("connecting")
    server = socket.create_server((HOST, 0))
    address = server.getsockname()
    with socket.socket() as s:
        s.setblocking(False)
        print("begun", errno.errorcode[s.connect_ex(address)])
    attempt("connected", lambda: socket.create_connection(address))
    attempt("connected", lambda: socket.create_connection(("localhost", address[1]), 5))
    attempt("from elsewhere", lambda: socket.create_connection(address, 5, ("127.0.0.7", 0)).getsockname()[0])
    attempt("no time", lambda: socket.create_connection(address, 0))
    attempt("no such name", lambda: socket.create_connection(("", address[1])))
    attempt("no such service", lambda: socket.create_connection((HOST, "no-such-service")))
    attempt("from what is not here", lambda: socket.create_connection(address, 5, ("192.0.2.1", 0)))
    attempt("from another family", lambda: socket.create_connection(address, 5, ("::1", 0)))
    server.close()
    attempt("refused", lambda: socket.create_connection(address))
    attempt("refused in time", lambda: socket.create_connection(address, 5))
    with socket.socket() as s:
        print("refused", errno.errorcode[s.connect_ex(address)])
        attempt("refused", lambda: s.connect(address))


def servers():
    section("servers")
    print("dualstack", int(socket.has_dualstack_ipv6()))
    for family, host, options in (
        (socket.AF_INET, "", {}),
        (socket.AF_INET, HOST, {"backlog": 7}),
        (socket.AF_INET, HOST, {"reuse_port": True}),
        (socket.AF_INET6, "", {}),
        (socket.AF_INET6, "::1", {}),
        (socket.AF_INET6, "", {"dualstack_ipv6": True}),
    ):
        with socket.create_server((host, 0), family=family, **options) as s:
            print(s.getsockname()[0], int(s.family), int(s.type),
                  s.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR),
                  s.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT),
                  s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN),
                  # The length of the queue.
                  struct.unpack_from("I", s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 40), 28)[0])
            if family == socket.AF_INET6:
                print("alone", s.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))
            port = s.getsockname()[1]
            attempt("by IPv4", lambda: socket.create_connection((HOST, port), 2))
            attempt("once more", lambda: socket.create_server((host, port), family=family))
    attempt("dualstack of IPv4", lambda: socket.create_server((HOST, 0), dualstack_ipv6=True))
    attempt("no such name", lambda: socket.create_server(("::1", 0)))
    attempt("not here", lambda: socket.create_server(("192.0.2.1", 0)))


def checksum(data):
    value = 0
    for byte in data:
        value = (value * 31 + byte) & 0xffffffff
    return value


def files():
    section("files")
    content = bytes((i * 7 + i // 251) & 255 for i in range(20000))
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(content)
        for offset, count in ((0, None), (0, 1), (100, 5000), (19990, None), (19990, 100),
                              (20000, None), (30000, 5), (0, 0), (0, -5)):
            a, b = socket.socketpair()
            file.seek(3)

            def send():
                sent = a.sendfile(file, offset, count)
                a.shutdown(socket.SHUT_WR)
                with b.makefile("rb") as stream:
                    came = stream.read()
                return "%d %d %d %08x" % (sent, file.tell(), len(came), checksum(came))

            attempt("file %d" % offset, send)
            a.close()
            b.close()
        a, b = socket.socketpair()
        a.setblocking(False)
        attempt("non-blocking", lambda: a.sendfile(file))
        a.close()
        b.close()
    a, b = socket.socketpair()
    reader = a.makefile("r")
    writer = b.makefile("w")
    a.close()
    b.close()
    writer.write("first line\nsecond line\n")
    writer.flush()
    print(reader.readline(), end="")
    writer.write("end")
    writer.close()
    print(reader.read())
    reader.close()
    a, b = socket.socketpair()
    with a.makefile("wb") as stream:
        stream.write(b"by stream, ")
    a.sendall(b"by socket")
    a.close()
    print(b.recv(100, socket.MSG_WAITALL).decode())
    b.close()
    a, b = socket.socketpair()
    a.settimeout(0.05)
    stream = a.makefile("rb")
    attempt("timed out", stream.readline)
    stream.close()
    a.close()
    b.close()


def descriptors():
    section("descriptors")
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    r, w = os.pipe()
    print("sent", socket.send_fds(a, [b"two ", b"ends"], [r, w]))
    data, fds, flags, _ = socket.recv_fds(b, 100, 5)
    print("received", data.decode(), len(fds), flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC))
    os.write(fds[1], b"through the pipe")
    print(os.read(r, 100).decode())
    for fd in (r, w, *fds):
        os.close(fd)
    b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    print("sent", a.sendmsg([b"who", b" am I"], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS,
                                                  struct.pack("iII", os.getpid(), os.getuid(), os.getgid()))]))
    data, control, flags, _ = b.recvmsg(100, socket.CMSG_SPACE(12))
    level, kind, value = control[0]
    print("received", data.decode(), len(control), level == socket.SOL_SOCKET, kind == socket.SCM_CREDENTIALS,
          struct.unpack("iII", value) == (os.getpid(), os.getuid(), os.getgid()))
    first, second = bytearray(3), bytearray(10)
    a.send(b"parts of it")
    n, control, flags, _ = b.recvmsg_into([first, second], socket.CMSG_SPACE(12))
    print("received", n, first.decode(), second[:n - 3].decode())
    buffer = bytearray(20)
    a.send(b"into")
    print("received", b.recv_into(buffer), buffer[:4].decode())
    a.close()
    print("end", b.recv_into(buffer))
    b.close()
    attempt("closed", lambda: b.recv(1))


timeouts()
defaults()
inheritance()
transfer()
connecting()
servers()
files()
descriptors()
