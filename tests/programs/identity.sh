#!/bin/bash
# Who a program is to sockd once it has changed: its groups, and a child that has become another user.
. "$(dirname "$0")/../lib.sh"
begin setpriv
copy_program python3

policy <<'JSON'
{ "rules": [
  { "name": "group", "peers": { "gid": 41000 }, "family": "inet", "type": "raw" },
  { "name": "user", "peers": { "uid": 0 }, "family": "inet", "type": "stream", "ports": [80] } ] }
JSON
start_sockd
# With some right to change, but none to sockets.
changing() {
	in_near setpriv --bounding-set=-all,+setuid,+setgid --inh-caps=-all --no-new-privs env SOCKD_SOCKET="$socket" \
		LD_PRELOAD="$preload" ASAN_OPTIONS="$sanitizer_options:detect_leaks=0" "$work/bin/python3" "$@" 2>&1
}

cat >"$work/groups.py" <<'PYTHON'
import os, socket
def ask(what):
    try: print(what, socket.socket(socket.AF_INET, socket.SOCK_RAW, 1) and "given")
    except OSError as error: print(what, error.strerror)
for n in 10, 64, 65, 1000:
    os.setgroups(range(41000, 41000 + n))
    ask("%d groups:" % n)
    os.setgroups(range(41001, 41001 + n))
    ask("%d others:" % n)
PYTHON
changing "$work/groups.py" >"$work/groups"
counted "a group gives, be it one of many" 4 "$work/groups" 'groups: given'
counted "and no more when it was left, for as many others" 4 "$work/groups" 'others: Operation not permitted'

cat >"$work/child.py" <<'PYTHON'
import os, socket, sys
def connections():
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            with socket.socket(fileno=os.dup(fd)) as s:
                if s.getpeername() == sys.argv[1]: yield fd
        except OSError: pass
socket.socket().bind(("127.0.0.1", 80))
print("parent's connections:", len(list(connections())), flush=True)
if os.fork() == 0:
    os.setresuid(65534, 65534, 65534)
    print("child's connections:", len(list(connections())), flush=True)
    os._exit(0)
os.wait()
socket.socket().bind(("127.0.0.2", 80))
print("parent's connections after:", len(list(connections())), flush=True)
PYTHON
# A broker whose queue is full: a thread waits for its connection while another one forks.
cat >"$work/waiting.py" <<'PYTHON'
import os, socket, sys, threading, time
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.bind(sys.argv[1])
server.listen(0)
first = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
first.connect(sys.argv[1])
def sockets():
    return {fd for fd in os.listdir("/proc/self/fd") if fd.isdigit() and os.path.exists("/proc/self/fd/" + fd) and
            os.readlink("/proc/self/fd/" + fd).startswith("socket:")}
def ask():
    with socket.socket() as s:
        try: s.bind(("127.0.0.1", 80))
        except OSError: pass
before = len(sockets())
threading.Thread(target=ask, daemon=True).start()
for _ in range(200):
    time.sleep(0.05)
    if len(sockets()) == before + 2: break # the thread's own, and the connection
if os.fork() == 0:
    os._exit(len(sockets()) - before)
print("sockets in parent and child:", len(sockets()) - before, os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
os._exit(0)
PYTHON
changing "$work/child.py" "$socket" >"$work/child"
contains "a program has its connection" "$work/child" "^parent's connections: 1"
contains "a child has no share in it, and so not in what is given to the parent" "$work/child" "^child's connections: 0"
contains "and the parent keeps it" "$work/child" "^parent's connections after: 1"
install -d -m 1777 "$work/own"
socket=$work/own/full
changing "$work/waiting.py" "$socket" >"$work/waiting"
contains "nor in one that another thread waits for" "$work/waiting" '^sockets in parent and child: 2 1$'
