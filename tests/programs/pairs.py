"""Ordinary programs on Python's socket module, and the same in C on libsockd's calls, line for line (tests/pairs): each
is run against the same other end, and must print the same, end the same, and look the same from there.
"""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading

source = os.environ.get("SOCKD_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
build = os.environ.get("SOCKD_BUILD", ".")
HOST = "127.0.0.1"
SECONDS = 20


class Program:
    """One of a pair, at work. What it printed is all there after end()."""

    def __init__(self, command, *arguments):
        self.process = subprocess.Popen([*command, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.printed = []
        self.watch = threading.Timer(SECONDS, self.process.kill)
        self.watch.start()

    def line(self):
        """The next line that it prints."""
        self.printed.append(self.process.stdout.readline())
        return self.printed[-1]

    def port(self):
        return int(self.line().split()[1])

    def end(self):
        self.printed += self.process.stdout.readlines()
        status = self.process.wait()
        self.watch.cancel()
        return "".join(self.printed), status


def connect(port, host=HOST):
    s = socket.create_connection((host, port), SECONDS)
    return s


def receive(s, size=None):
    """So many bytes, or all there are."""
    data = b""
    while size is None or len(data) < size:
        piece = s.recv(65536 if size is None else size - len(data))
        if not piece:
            break
        data += piece
    return data


def listener():
    s = socket.create_server((HOST, 0))
    s.settimeout(SECONDS)
    return s, s.getsockname()[1]


def echo_threads(command):
    program = Program(command, 4)
    port = program.port()
    clients, seen = [], []
    for _ in range(4):
        clients.append(connect(port))
        program.line()
    # All of them at work at the same time, the last one first.
    for i, s in reversed(list(enumerate(clients))):
        s.sendall(b"%d" % i * 3000)
    for s in clients:
        seen.append(receive(s, 3000))
    for s in clients:
        s.shutdown(socket.SHUT_WR)
        seen.append(receive(s))
        s.close()
    return program, seen


def udp_timeout(command):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((HOST, 0))
    s.settimeout(SECONDS)
    program = Program(command, s.getsockname()[1])
    seen = []
    for _ in range(3):
        data, address = s.recvfrom(100)
        seen.append(data)
    s.sendto(b"at last", address)
    return program, seen


def lines(command):
    server, port = listener()
    program = Program(command, port)
    s, _ = server.accept()
    s.settimeout(SECONDS)
    file, seen = s.makefile("rw"), []
    file.write("welcome\n")
    file.flush()
    for _ in range(3):
        seen.append(file.readline())
        # In two pieces, so that a line is put together.
        s.sendall(b"I s")
        s.sendall(b"ay " + seen[-1].split()[1].encode() + b"\n")
    seen.append(file.readline())
    s.sendall(b"bye\nand good night\n")
    s.shutdown(socket.SHUT_WR)
    seen.append(receive(s))
    file.close()
    s.close()
    return program, seen


def sendfile_server(command):
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(range(250)) * 1200)
        file.flush()
        program = Program(command, file.name)
        port, seen = program.port(), []
        for _ in range(5):
            s = connect(port)
            data = receive(s)
            seen.append((len(data), hash(data)))
            s.close()
        return program, seen


def poll_server(command):
    program = Program(command)
    port, seen, clients = program.port(), [], []
    for _ in range(3):
        clients.append(connect(port))
        program.line()
    for i, s in enumerate(clients):
        s.sendall(b"from %d" % i)
        seen += [receive(other, 6) for other in clients]
    clients.pop(1).close()
    program.line()
    clients[0].sendall(b"stop")
    seen += [receive(other, 4) for other in clients]
    for s in clients:
        s.close()
        program.line()
    return program, seen


def descriptors(command):
    with tempfile.TemporaryDirectory() as directory:
        names = []
        for i in range(3):
            names.append(os.path.join(directory, "file%d" % i))
            with open(names[-1], "w") as file:
                file.write("this is file %d" % i)
        server = socket.create_server(os.path.join(directory, "socket"), family=socket.AF_UNIX)
        server.settimeout(SECONDS)
        program = Program(command, server.getsockname(), *names)
        s, _ = server.accept()
        s.settimeout(SECONDS)
        data, fds, flags, _ = socket.recv_fds(s, 100, 8)
        seen = [data, len(fds), flags & socket.MSG_CTRUNC, [os.read(fd, 100) for fd in fds]]
        for fd in fds:
            os.lseek(fd, 8, os.SEEK_SET)
        socket.send_fds(s, [b"and back"], fds[:2])
        seen.append(receive(s))
        for fd in fds:
            os.close(fd)
        server.close()
        s.close()
    return program, seen


def connecting(command):
    server, port = listener()
    # Bound, so that nobody else has it, and not listening.
    refusing = socket.socket()
    refusing.bind((HOST, 0))
    program = Program(command, port, refusing.getsockname()[1])
    s, _ = server.accept()
    s.sendall(b"hello")
    seen = [receive(s)]
    s.close()
    program.keep = refusing
    return program, seen


def dualstack(command):
    program = Program(command)
    program.line()
    port, seen = program.port(), []
    for host in (HOST, "::1"):
        s = connect(port, host)
        seen.append(receive(s))
        s.close()
    return program, seen


def ancillary(command):
    program = Program(command)
    port, seen = program.port(), []
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(SECONDS)
    s.setsockopt(socket.IPPROTO_IP, 12, 1)  # IP_RECVTTL
    for ttl, text in ((33, b"short"), (44, b"rather long")):
        s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        s.sendto(text, (HOST, port))
        data, control, _, _ = s.recvmsg(100, socket.CMSG_SPACE(4))
        seen.append((data, [value for _, _, value in control]))
    return program, seen


def frames(command):
    server, port = listener()
    program = Program(command, port)
    s, address = server.accept()
    s.settimeout(SECONDS)
    seen = [address[0]]
    for _ in range(3):
        header = receive(s, 8)
        payload = receive(s, int.from_bytes(header[4:], "big"))
        seen += [header, hash(payload)]
        # In pieces, so that MSG_WAITALL matters.
        s.sendall(header[:3])
        s.sendall(header[3:] + payload)
    seen.append(receive(s))
    s.close()
    return program, seen


def json_messages(command):
    server, port = listener()
    program = Program(command, port)
    s, _ = server.accept()
    s.settimeout(SECONDS)

    def message():
        return json.loads(receive(s, int.from_bytes(receive(s, 4), "big")))

    seen = [message()]
    for value in ({"z": 1, "a": {"nested": [[], {}]}}, {"text": "\u20ac \"quoted\" \n"}):
        text = json.dumps(value, indent=3, ensure_ascii=False).encode()
        data = len(text).to_bytes(4, "big") + text
        s.sendall(data[:2])
        s.sendall(data[2:9])
        s.sendall(data[9:])
        seen.append(message())
    s.shutdown(socket.SHUT_WR)
    seen.append(receive(s))
    s.close()
    return program, seen


def plain(command):
    """What has no other end."""
    return Program(command), ["nothing"]


def afalg(command):
    """The other end is the kernel."""
    return Program(command), ["the kernel"]


pairs = (echo_threads, udp_timeout, lines, sendfile_server, poll_server, descriptors, connecting, dualstack, ancillary, frames,
         json_messages, plain, afalg)
failures = 0
for pair in pairs:
    name = pair.__name__.replace("_", "-")
    outcomes = []
    if pair is afalg:
        try:
            socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET).close()
        except OSError:
            print("SKIP afalg: the kernel has no AF_ALG")
            continue
    for command in ([sys.executable, "-B", os.path.join(source, "tests/pairs", name + ".py")],
                    [os.path.join(build, "tests/pairs", name)]):
        try:
            program, seen = pair(command)
        except (OSError, IndexError, ValueError) as error:
            outcomes.append(("nothing", -1, "%s: %s" % (command, error)))
            continue
        printed, status = program.end()
        # Ports differ each time.
        printed = re.sub(r"(port |127\.0\.0\.1:)[0-9]+", r"\1PORT", printed)
        outcomes.append((printed, status, seen))
    (printed, status, seen), ours = outcomes
    same = (printed, status, seen) == ours and status == 0 and len(printed) > 20 and seen
    print("ok" if same else "FAIL", "%s: %d lines and what the other end sees are the same" % (name, printed.count("\n")))
    if not same:
        failures += 1
        print("Python:", status, seen, printed, "C:", ours[1], ours[2], ours[0], sep="\n")
sys.exit(failures != 0)
