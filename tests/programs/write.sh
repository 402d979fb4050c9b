#!/bin/bash
# Programs that write(2) and writev(2) to netlink sockets instead of sending.
. "$(dirname "$0")/../lib.sh"
begin /usr/bin/python3

policy <<'JSON'
{ "rules": [ { "name": "links", "peers": { "uid": 65534 }, "family": "netlink", "protocol": "route",
	       "messages": ["RTM_NEWLINK"], "interfaces": ["lo"] } ] }
JSON
start_sockd

cat >"$work/write.py" <<'PYTHON'
import errno, os, signal, socket, struct, sys, threading

RTM_NEWLINK, RTM_DELLINK, NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR = 16, 17, 1, 4, 2
brokered = sys.argv[1] == "through"
supervised = brokered and sys.argv[2] == "seccomp"

def check(name, condition):
    print("ok" if condition else "FAIL", name, flush=True)

def message(kind, sequence, up=True):
    body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, socket.if_nametoindex("lo"), int(up), 1)
    return struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | NLM_F_ACK, sequence, 0), body

def answer(s):
    s.settimeout(5)
    _, kind, _, sequence, _, error = struct.unpack_from("=IHHIIi", s.recv(4096))
    return sequence, -error if kind == NLMSG_ERROR else None

# Python's handlers interrupt, its os.write() begins anew, its sockets do not: a supervised call may be interrupted.
def opened():
    while True:
        try:
            return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        except InterruptedError:
            if not supervised: raise

allowed = 0 if brokered else errno.EPERM
s = opened()
head, body = message(RTM_NEWLINK, 1)
check("write: all of it is written", os.write(s.fileno(), head + body) == len(head + body))
check("write: the kernel's answer", answer(s) == (1, allowed))
head, body = message(RTM_NEWLINK, 2)
check("writev: all of it is written", os.writev(s.fileno(), [head, body, b""]) == len(head + body))
check("writev: the kernel's answer", answer(s) == (2, allowed))
head, body = message(RTM_DELLINK, 3)
check("what no rule allows is written", os.write(s.fileno(), head + body) == len(head + body))
check("and refused by the kernel in its own way", answer(s) == (3, errno.EPERM))

# The flags of a call go where its message goes: here the kernel takes none of this one.
urgent = b"".join(message(RTM_NEWLINK, 5))
for name, attempt in (("send", lambda: s.send(urgent, socket.MSG_OOB)),
                      ("sendmsg", lambda: s.sendmsg([urgent], [], socket.MSG_OOB))):
    try:
        attempt()
        check(name + " of urgent data", False)
    except OSError as e:
        check(name + " of urgent data is refused as ever", e.errno == errno.EOPNOTSUPP)

# In a handler, again and again, while other threads open sockets by the broker and write.
taken = 0
def handler(*_):
    global taken
    taken += 1
    with opened() as own:
        os.write(own.fileno(), b"".join(message(RTM_NEWLINK, 9)))
        if answer(own) != (9, allowed):
            print("FAIL a write in a handler", flush=True)
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
def work():
    with opened() as own:
        for i in range(100):
            os.writev(own.fileno(), message(RTM_NEWLINK, i))
            if answer(own) != (i, allowed):
                print("FAIL a write in a thread", flush=True)
threads = [threading.Thread(target=work) for _ in range(4)]
for t in threads: t.start()
for t in threads: t.join()
signal.setitimer(signal.ITIMER_REAL, 0)
check("threads and handlers write beside one another", taken > 0)

# A child of a fork asks for itself.
pid = os.fork()
if pid == 0:
    with opened() as own:
        os.write(own.fileno(), b"".join(message(RTM_NEWLINK, 4)))
        os._exit(0 if answer(own) == (4, allowed) else 1)
check("a child writes", os.waitpid(pid, 0)[1] == 0)

# The number of a netlink socket that was closed unseen is another file's.
number = s.detach()
reader, writer = os.pipe()
os.dup2(writer, number)
check("a pipe with a netlink socket's number", os.write(number, b"x") == 1 and os.read(reader, 2) == b"x")
check("and again", os.writev(number, [b"y", b"z"]) == 2 and os.read(reader, 3) == b"yz")
os.close(number)
for attempt in (lambda: os.write(number, b"x"), lambda: os.writev(number, [b"x"])):
    try:
        attempt()
        check("a closed number", False)
    except OSError as e:
        check("a closed number is refused as ever", e.errno == errno.EBADF)
PYTHON

for how in without through; do
	"$how" timeout 60 /usr/bin/python3 "$work/write.py" "$how" "$SOCKD_BY" >"$work/said" 2>&1 || fail "$how: it came to its end"
	sed "s/^\(ok\|FAIL\) /\1 $how: /" "$work/said"
	failures=$((failures + $(grep -c ^FAIL "$work/said")))
done
audited "its trail tells of what needs a right" 'RTM_NEWLINK'
counted "the broker was not asked for what needs no right" 0 "$audit" 'RTM_GETLINK'
