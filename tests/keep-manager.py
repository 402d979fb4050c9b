"""keep-manager.py WORK: a manager that keeps descriptors for sockd (FDSTORE=1) and starts it anew when it dies."""
import array, ctypes, errno, os, signal, socket, sys, time

work = sys.argv[1]
path = work + "/run/kept"
os.environ["SOCKD_SOCKET"] = path
os.environ["SOCKD_LIBRARY"] = work + "/lib/libsockd.so.0"
sys.path.insert(0, work)
store = []  # (name, descriptor), as systemd has it: each open file once


def check(name, condition):
    print("ok" if condition else "FAIL", name, flush=True)


listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(path)
os.chmod(path, 0o666)
listener.listen(128)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(work + "/run/notify")
os.chmod(work + "/run/notify", 0o666)
ready = False


def same(a, b):
    """As systemd asks: kcmp(2), of the open file; else by what it is of."""
    number = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name(b"kcmp")
    if number >= 0:
        return ctypes.CDLL(None).syscall(number, os.getpid(), os.getpid(), 0, a, b) == 0
    a, b = os.fstat(a), os.fstat(b)
    return (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)


def read_notifications():
    """Everything that sockd has said, as the manager would take it."""
    global ready
    while True:
        try:
            text, control, flags, _ = notify.recvmsg(4096, socket.CMSG_SPACE(4 * 8), socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        fds = array.array("i")
        for level, kind, data in control:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(data)
        words = dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)
        ready |= words.get("READY") == "1"
        if words.get("FDSTORE") == "1":
            assert words["FDPOLL"] == "0"
            for fd in fds:
                if any(same(fd, kept) for _, kept in store):
                    os.close(fd)
                else:
                    store.append((words["FDNAME"], fd))
        elif words.get("BARRIER") == "1":
            for fd in fds:
                os.close(fd)
        elif words.get("FDSTOREREMOVE") == "1":
            for name, fd in [entry for entry in store if entry[0] == words["FDNAME"]]:
                store.remove((name, fd))
                os.close(fd)


def start(extra=()):
    global ready
    ready = False
    handed = [("tenant", listener.fileno())] + store + list(extra)
    pid = os.fork()
    if pid == 0:
        try:
            copies = [os.dup2(fd, 500 + i) for i, (_, fd) in enumerate(handed)]
            for i, fd in enumerate(copies):
                os.dup2(fd, 3 + i)
                os.set_inheritable(3 + i, True)
            os.closerange(3 + len(handed), 1000)
            os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(handed)), FDSTORE="300",
                              LISTEN_FDNAMES=":".join(name for name, _ in handed), NOTIFY_SOCKET=work + "/run/notify")
            os.execv(work + "/bin/sockd", ["sockd", "--policy", work + "/policy.d", "--user", "64500:64500",
                                           "--audit", work + "/audit/audit.json"])
        finally:
            os._exit(127)
    while not ready:
        read_notifications()
        time.sleep(0.005)
    return pid


def end(pid, number=signal.SIGKILL):
    os.kill(pid, number)
    status = os.waitpid(pid, 0)[1]
    read_notifications()
    return status


def client(function, *arguments):
    """The function's result, in a process of the client's user; the manager reads meanwhile."""
    one, two = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            import keep
            answer = function(keep, *arguments)
        except OSError as error:
            answer = "error %s" % errno.errorcode[error.errno]
        os.write(two, str(answer).encode())
        os._exit(0)
    os.close(two)
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        read_notifications()
        time.sleep(0.002)
    read_notifications()
    with os.fdopen(one) as file:
        return file.read()


def give(keep):
    listening = socket.create_server(("127.0.0.1", 7001))
    keep.store(listening, "web")
    keep.store(listening, "again")  # the same socket under two names
    return keep.share(listening, seconds=60)


def look(keep, ticket):
    with keep.fromshare(ticket) as one, keep.fetch("web") as two, keep.fetch("again") as three:
        names = {one.getsockname(), two.getsockname(), three.getsockname()}
    return "%s %s" % (keep.stored(), names == {("127.0.0.1", 7001)})


def settles(condition):
    """What is taken away is told after the client has its answer."""
    for i in range(200):
        read_notifications()
        if condition():
            return True
        time.sleep(0.02)
    return False


def names():
    return sorted(name for name, _ in store)


pid = start()
ticket = client(give)
check("a ticket is given (%s...)" % ticket[:6], ticket.startswith("sockd-"))
check("the manager has one socket, and terms three times", [n[:13] for n in names()] == ["sockd.kept.s."] + ["sockd.kept.t."] * 3)
end(pid)
pid = start()
check("all of it is there after kill -9", client(look, ticket) == "['again', 'web'] True")
check("a ticket used after that is not good again", client(lambda k: k.fromshare(ticket)) == "error ENOENT")
check("and the manager's part of it is gone", settles(lambda: len(store) == 3))
client(lambda k: k.forget("web"))
check("a socket stays for as long as one name has it",
      settles(lambda: [n[:13] for n in names()] == ["sockd.kept.s.", "sockd.kept.t."]))
check("SIGTERM is a good end", end(pid, signal.SIGTERM) == 0)
check("which takes nothing away from the manager", len(store) == 2)

trail = open(work + "/audit/audit.json").read()
check("the trail tells what came back", '"event":"kept","reason":"3 kept sockets came back' in trail)

def give_twice(keep, taker):
    pidfd = os.pidfd_open(taker)
    return "%s %s" % tuple(keep.share(socket.create_server(("127.0.0.1", port)), keep.PIDFD, pidfd, 60) for port in (7002, 7003))


pid = start()
one, two = os.pipe()
taker = os.fork()
if taker == 0:
    os.close(two)
    os.setgid(65534)
    os.setuid(65534)
    import keep
    try:
        ports = [keep.fromshare(text).getsockname()[1] for text in os.read(one, 4096).decode().split()]
        os._exit(0 if ports == [7002, 7003] else 1)
    except OSError:
        os._exit(2)
tickets = client(give_twice, taker)
end(pid)
pid = start()
os.write(two, tickets.encode())
check("two tickets for one process, given by one descriptor, are there after kill -9", os.waitpid(taker, 0)[1] == 0)
check("and nothing stays of them", settles(lambda: len(store) == 2))
end(pid, signal.SIGTERM)

# What a manager could hand over and was never sockd's own.
junk = []
for name in "sockd.kept.s.1", "sockd.kept.t.77", "sockd.kept.nonsense":
    a, b = socket.socketpair()
    b.detach()
    junk.append((name, a.detach()))
memory = os.memfd_create("t", os.MFD_ALLOW_SEALING)
os.write(memory, b"x" * 456)
junk.append(("sockd.kept.t.78", memory))
store += junk
pid = start()
check("junk does not keep it from starting", client(lambda k: k.stored()) == "['again']")
check("and is taken away", settles(lambda: len(store) == 2))
client(lambda k: k.forget("again"))
check("at the end the manager has nothing", settles(lambda: not store))

# More than the manager takes is refused, and not lost silently: FDSTORE says 300, of each there may be three.
def many(keep):
    sockets = [socket.socket() for i in range(101)]
    for i, s in enumerate(sockets):
        keep.store(s, "n-%d" % i)
    return "all"
check("more than the manager takes is refused", client(many) == "error ENFILE")
print("#", len(store), "descriptors")
check("the last one ends well", end(pid, signal.SIGTERM) == 0)


def store_on():
    """Without end, in a process of the client's user."""
    child = os.fork()
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        import keep
        kept = socket.socket()
        while True:
            keep.store(kept, "on-%d" % os.getpid())
    return child


def end_while_busy():
    while store:
        os.close(store.pop()[1])
    pid = start()
    children = [store_on() for i in range(3)]
    deadline = time.monotonic() + 0.1
    while time.monotonic() < deadline:
        read_notifications()
    os.kill(pid, signal.SIGTERM)
    ended = 0
    while not ended:
        read_notifications()
        ended, status = os.waitpid(pid, os.WNOHANG)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return status


# Of what was on its way, some is finished at the very end.
check("one that is busy ends well too", [end_while_busy() for i in range(5)] == [0] * 5)
